"""Reactions commute: whatever the interleaving of the streams, the same case comes out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.followup.policy.case import fold
from services.followup.store import facts_of
from shared.contracts.envelope import Body
from shared.contracts.followup import CaseBody
from shared.contracts.intake import ComplaintMessageAdded
from shared.contracts.notify import MessageDelivered, MessageFailed
from shared.contracts.routing import ComplaintTriageRequested, ComplaintUnassigned
from shared.contracts.values import Category
from shared.ids import new_id, new_number
from tests.service.followup.bench import (
    MONDAY,
    acknowledged,
    assigned,
    open_bench,
    received,
    understood,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.service.followup.bench import Bench

SEVERITIES = st.sampled_from(["low", "normal", "high", "critical"])
KINDS = st.sampled_from(["complaint", "complaint", "grumble", "inquiry", "praise"])


@dataclass(frozen=True)
class Said:
    """One thing that a source says, so many minutes after the complaint came."""

    name: str
    minute: int
    severity: str = "normal"
    kind: str = "complaint"
    category: str = "GEN-SVC"
    unsure: bool = False
    cycle: int = 1
    handler: str = "an"


@dataclass(frozen=True)
class Story:
    """What each source says, and two orders in which it may be heard."""

    streams: dict[str, list[Said]]
    plain: list[str]
    mixed: list[str]
    doubled: set[int]


@st.composite
def routing(draw: st.DrawFn) -> list[Said]:
    """What routing may say, in its order; the minutes only grow."""
    names = draw(
        st.lists(
            st.sampled_from(["understood", "triage_requested", "assigned", "unassigned"]),
            max_size=7,
        )
    )
    minutes = sorted(draw(st.lists(st.integers(0, 60), min_size=len(names), max_size=len(names))))
    return [
        Said(
            name,
            minute,
            severity=draw(SEVERITIES),
            kind=draw(KINDS),
            category=draw(st.sampled_from(["GEN-SVC", "GEN-RFD"])),
            unsure=draw(st.booleans()),
            cycle=draw(st.sampled_from([0, 1, 1, 1])),
            handler=draw(st.sampled_from(["an", "bo"])),
        )
        for name, minute in zip(names, minutes, strict=True)
    ]


@st.composite
def notify(draw: st.DrawFn) -> list[Said]:
    """Receipts, as late as they come; the minutes only grow."""
    names = draw(st.lists(st.sampled_from(["accepted", "delivered", "no_contact"]), max_size=3))
    minutes = sorted(draw(st.lists(st.integers(0, 20), min_size=len(names), max_size=len(names))))
    return [Said(name, minute) for name, minute in zip(names, minutes, strict=True)]


@st.composite
def messages(draw: st.DrawFn) -> list[Said]:
    """What the customer adds after the complaint; the minutes only grow."""
    minutes = sorted(draw(st.lists(st.integers(1, 60), max_size=3)))
    texts = [draw(st.sampled_from(["1", "2", "thanks"])) for _ in minutes]
    return [
        Said(f"message {at} {text}", minute)
        for at, (text, minute) in enumerate(zip(texts, minutes, strict=True))
    ]


def body_of(said: Said, number: str) -> Body:  # noqa: PLR0911 - one a kind of event
    at = MONDAY + timedelta(minutes=said.minute)
    if said.name.startswith("message"):
        _, id_, text = said.name.split()
        return ComplaintMessageAdded(
            number=number, message_id=id_, by="complainant", channel="web", language="zh", text=text, added_at=at
        )  # fmt: skip
    match said.name:
        case "understood":
            return understood(
                number,
                at,
                severity=said.severity,
                kind=said.kind,
                unsure=said.unsure,
                categories=(Category(code=said.category, score=0.9),),
            )
        case "triage_requested":
            return ComplaintTriageRequested(number=number, cycle=said.cycle, reasons=())
        case "assigned":
            return assigned(number, at, cycle=said.cycle, handler=said.handler)
        case "unassigned":
            return ComplaintUnassigned(
                number=number, cycle=said.cycle, handler=said.handler, reason="shift over"
            )
        case "accepted":
            return acknowledged(number, at)
        case "delivered":
            return MessageDelivered.model_validate(acknowledged(number, at).model_dump())
        case _:
            failed = acknowledged(number, at, reason="no_contact")
            return MessageFailed.model_validate(failed.model_dump())


async def outcome(
    bench: Bench, streams: dict[str, list[Said]], order: list[str], doubled: set[int]
) -> tuple[Any, ...]:
    """The case after hearing the streams in that order, some events twice."""
    subject, number = new_id(), new_number()
    waiting = {name: list(stream) for name, stream in streams.items()}
    number_of_intake = 0
    for place, source in enumerate(order):
        if source == "intake" and number_of_intake == 0:
            number_of_intake = 1
            event = bench.event(received(MONDAY, number=number), subject=subject)
        else:
            said = waiting[source].pop(0)
            event = bench.event(body_of(said, number), subject=subject)
            event = replace(event, time=MONDAY + timedelta(minutes=said.minute))
        await bench.hear(*[event] * (2 if place in doubled else 1))
    case = await bench.case(number)
    clocks = (await bench.get(f"/cases/{number}/clocks")).json()["items"]
    for name in ("id", "number", "version"):
        del case[name]
    return case, clocks


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """What is said, the plain order of it, and another with some of it twice."""
    streams = {"routing": draw(routing()), "notify": draw(notify()), "intake": draw(messages())}
    plain = [
        "intake",
        *["intake"] * len(streams["intake"]),
        *["routing"] * len(streams["routing"]),
        *["notify"] * len(streams["notify"]),
    ]
    doubled = draw(st.sets(st.integers(0, len(plain) - 1)))
    return Story(streams, plain, draw(st.permutations(plain)), doubled)


@settings(
    max_examples=25,
    # Shrinking over a database takes minutes; the same claim without one is in the unit tests.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=stories())
async def test_any_interleaving_of_the_streams_gives_the_same_case(
    bench: Bench, story: Story
) -> None:
    expected = await outcome(bench, story.streams, story.plain, set())

    assert await outcome(bench, story.streams, story.mixed, story.doubled) == expected


COMMANDS: list[tuple[str, dict[str, object]]] = [
    ("accept", {}),
    ("contact", {"apologised": True}),
    ("find_cause", {"code": "process", "text": "t"}),
    ("decide", {"outcome": "upheld", "reason": "r"}),
    ("propose", {"actions": [{"what": "w", "owner": "an", "due_at": "2026-04-01T00:00:00Z"}], "impact": "i"}),
    ("answer", {"accepted": True, "channel": "web"}),
    ("answer", {"accepted": False, "channel": "web"}),
    ("execute", {"action": "a1.1.1", "evidence": ["e"]}),
    ("refuse", {"reason": "r"}),
    ("resolve", {"outcome": "upheld", "reason": "r", "told_at": MONDAY.isoformat()}),
    ("callback", {"result": "satisfied"}),
    ("callback", {"result": "dissatisfied"}),
    ("close", {}),
    ("reopen", {"reason": "r"}),
    ("withdraw", {"reason": "r"}),
]  # fmt: skip
Move = tuple[str, dict[str, object]] | Said


@st.composite
def moves(draw: st.DrawFn) -> list[tuple[Move, Move]]:
    """Pairs of what happens at once, on two replicas: commands on one, commands or events on the other."""
    events = [*draw(routing()), *draw(messages())]
    commands = draw(st.lists(st.sampled_from(COMMANDS), min_size=4, max_size=14))
    others: list[Move] = [*events, *draw(st.lists(st.sampled_from(COMMANDS), max_size=4))]
    return [
        (one, others[at] if at < len(others) else draw(st.sampled_from(COMMANDS)))
        for at, one in enumerate(commands)
    ]


async def make(bench: Bench, move: Move, subject: str, number: str, sequences: Bench) -> int:
    """Do one of them; gives the status, 0 for an event."""
    if isinstance(move, Said):
        event = sequences.event(body_of(move, number), subject=subject)
        await bench.hear(event)
        return 0
    name, body = move
    return (await bench.command(number, name, body)).status_code


async def check_history(bench: Bench, subject: str, number: str) -> None:
    """One valid history: events numbered without a gap, an unbroken record, and the row is the fold of the facts."""
    case = await bench.case(number)
    async with bench.service.database.reading() as connection:
        facts = [fact for fact, _ in await facts_of(connection, subject)]
    known = fold(facts)
    assert known is not None
    assert (case["state"], case["cycle"]) == (known.state, known.cycle)
    versions = [body.version for body in await bench.said(subject) if isinstance(body, CaseBody)]
    assert versions == list(range(1, case["version"] + 1))
    assert (await bench.get("/audit/cases")).json()["broken"] is None


@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(pairs=moves())
async def test_any_interleaving_of_commands_and_events_gives_one_valid_history(
    bench: Bench, pairs: list[tuple[Move, Move]]
) -> None:
    await _play(bench, bench, pairs)


@pytest.fixture
async def replicas(own_database: str, tmp_path: Path) -> AsyncIterator[tuple[Bench, Bench]]:
    """Followup twice over one database."""
    async with (
        open_bench(tmp_path, database=own_database) as one,
        open_bench(tmp_path, database=own_database) as two,
    ):
        yield one, two


@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(pairs=moves())
async def test_any_interleaving_over_two_replicas_gives_one_valid_history(
    replicas: tuple[Bench, Bench], pairs: list[tuple[Move, Move]]
) -> None:
    await _play(*replicas, pairs)


async def _play(one: Bench, two: Bench, pairs: list[tuple[Move, Move]]) -> None:
    subject, number = await one.assigned()
    for left, right in pairs:
        statuses = await asyncio.gather(
            make(one, left, subject, number, one), make(two, right, subject, number, one)
        )
        assert set(statuses) <= {0, 200, 403, 409, 412, 422}
    await check_history(one, subject, number)
