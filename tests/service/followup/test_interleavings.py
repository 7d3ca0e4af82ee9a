"""Reactions commute: whatever the interleaving of the streams, the same case comes out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.contracts.envelope import Body
from shared.contracts.notify import MessageDelivered, MessageFailed
from shared.contracts.routing import ComplaintTriageRequested, ComplaintUnassigned
from shared.contracts.values import Category
from shared.ids import new_id, new_number
from tests.service.followup.bench import MONDAY, acknowledged, assigned, received, understood

if TYPE_CHECKING:
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


def body_of(said: Said, number: str) -> Body:  # noqa: PLR0911 - one a kind of event
    at = MONDAY + timedelta(minutes=said.minute)
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
    for place, source in enumerate(order):
        if source == "intake":
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
    streams = {"routing": draw(routing()), "notify": draw(notify())}
    plain = ["intake", *["routing"] * len(streams["routing"]), *["notify"] * len(streams["notify"])]
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
