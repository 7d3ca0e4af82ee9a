"""What a person sees first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.desk.model import Session
from services.desk.policy.asking import missing_facts
from services.desk.policy.getting_in import is_good, wait_after
from services.desk.policy.showing import (
    filled,
    level_of,
    next_command,
    queue_order,
    to_acknowledge,
)
from shared.packs.parts import Fact
from shared.packs.words import Text

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
STATES = ["received", "assigned", "accepted", "resolved", "closed", "withdrawn"]


def clock(hours: float, state: str = "running", **more: object) -> dict[str, Any]:
    due = START + timedelta(hours=hours)
    return {"name": "c", "state": state, "started_at": START.isoformat(), "due_at": due.isoformat(),
            "statutory_due_at": None, "breached_at": None, "met_at": None} | more  # fmt: skip


@pytest.mark.parametrize(
    ("after", "more", "level"),
    [
        (7.9, {}, "calm"),
        (8.0, {}, "soon"),
        (10.0, {}, "late"),
        (1.0, {"state": "breached"}, "late"),
        (12.0, {"state": "paused"}, "paused"),
        (12.0, {"state": "met"}, "met"),
        (1.0, {"met_at": START.isoformat()}, "met"),
    ],
)
def test_a_clock_is_at_risk_after_four_fifths_of_its_time(
    after: float, more: dict[str, Any], level: str
) -> None:
    assert level_of(clock(10, **more), START + timedelta(hours=after)) == level


def test_a_queue_has_what_is_due_first_on_top_and_nothing_that_has_ended() -> None:
    cases: list[dict[str, Any]] = [
        {"number": "later", "state": "assigned", "clocks": [clock(9), clock(5, "met")]},
        {"number": "none", "state": "assigned", "clocks": []},
        {"number": "first", "state": "assigned", "clocks": [clock(20), clock(2)]},
        {"number": "over", "state": "closed", "clocks": [clock(1)]},
    ]

    assert [case["number"] for case, _ in queue_order(cases, START)] == ["first", "later", "none"]


def command(name: str, to: str | None, *, fields: bool = True, **more: object) -> dict[str, Any]:
    body: dict[str, Any] = {"properties": {"x": {}} if fields else {}}
    return {"name": name, "to": to, "facts": [], "allowed": True, "lacks": [], "body": body} | more


@pytest.mark.parametrize(
    ("commands", "stops", "chosen"),
    [
        ([command("contact", None, facts=["contacted"]), command("accept", "accepted", fields=False)], ["contacted"], "accept"),
        ([command("resolve", "resolved"), command("contact", None, facts=["contacted"])], ["contacted"], "contact"),
        ([command("resolve", "resolved"), command("contact", None, facts=["contacted"], lacks=[{}])], ["contacted"], "resolve"),
        ([command("withdraw", "withdrawn", fields=False), command("note", None)], [], None),
        ([command("resolve", "resolved", allowed=False)], [], None),
    ],
)  # fmt: skip
def test_one_action_comes_next(
    commands: list[dict[str, Any]], stops: list[str], chosen: str | None
) -> None:
    assert next_command(commands, state="assigned", states=STATES, stops=stops) == chosen


@pytest.mark.req("R-027")
def test_nobody_is_asked_what_is_known() -> None:
    ask = Text(zh="?", en="?")
    facts = [
        Fact(id="when", ask=ask),
        Fact(id="amount", ask=ask, categories=("FEE",)),
        Fact(id="order", ask=ask, categories=("REFUND",)),
        Fact(id="evidence", ask=ask, required=False),
        Fact(id="remedy_sought", ask=ask),
    ]

    found = missing_facts(
        facts, category="FEE", complaint={"occurred_at": "2026-03-01"}, recorded={"remedy_sought"}
    )

    assert [one.id for one in found] == ["amount", "evidence"]


def test_a_session_lasts_as_long_as_it_is_used_and_half_a_day_at_most() -> None:
    def held(created: float, seen: float) -> Session:
        return Session(
            "i", "a", "c", START - timedelta(hours=created), START - timedelta(hours=seen)
        )

    assert is_good(held(11.9, 0.2), START)
    assert not is_good(held(1, 0.25), START)
    assert not is_good(held(12, 0), START)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (4, 0), (5, 30), (6, 60), (10, 900), (999, 900)]
)
def test_each_wrong_password_after_the_fifth_doubles_the_wait(failures: int, seconds: int) -> None:
    assert wait_after(failures) == timedelta(seconds=seconds)


def test_a_script_is_filled_with_what_is_known_and_a_hole_that_nobody_fills_shows_as_one() -> None:
    line = "您好，这里是{{ org }}，就您{{date}}反映的{{ nobody }}"

    assert filled(line, {"org": "总部", "date": "3月2日"}) == "您好，这里是总部，就您3月2日反映的…"


@pytest.mark.parametrize(
    ("level", "taken", "waits"), [(1, 1, False), (2, 1, True), (2, 2, False), (3, 2, True)]
)
def test_an_escalation_waits_until_somebody_took_note_of_its_level(
    level: int, taken: int, waits: bool
) -> None:
    assert to_acknowledge({"escalation_level": level, "taken_level": taken}) is waits
