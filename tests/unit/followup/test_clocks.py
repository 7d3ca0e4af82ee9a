"""Clocks: when each is due, what is warned of, what a missed one leaves behind."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from services.followup.model import (
    NOT_TIMED,
    Acknowledged,
    Assigned,
    Case,
    Closed,
    Contacted,
    Fact,
    Resolved,
    TriageRequested,
    Understanding,
    Understood,
)
from services.followup.policy import clocks
from services.followup.policy.callback import NoCallback, is_sampled, plan_callback
from services.followup.policy.case import fold
from services.followup.policy.rules import moment
from services.followup.policy.throttle import BURST, MOST_NUMBERS, Throttle
from shared.packs.model import Clock
from shared.worktime import Due
from shared.worktime.counting import Counted
from tests.unit.followup.facts import MONDAY, add, heard, minute, receipt, rules


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def understood(severity: str = "normal", *, after: int = 0, order: int = 1, **more: object) -> Fact:
    values: dict[str, object] = {
        "kind": "complaint",
        "categories": ("GEN-SVC",),
        "severity": severity,
        "unsure": False,
    }
    return Fact(Understood(**(values | more)), minute(after), "routing", 1, order)  # type: ignore[arg-type]


def reading(name: str, facts: list[Fact]) -> clocks.Reading:
    return next(one for one in heard(facts)[1] if one.clock.name == name)


@pytest.mark.req("R-085")
@pytest.mark.parametrize(
    ("term", "calendar", "due"),
    [
        (
            "2wh",
            "standard",
            "2026-03-09T10:30:00+08:00",
        ),  # half an hour on Friday, the rest on Monday
        ("1wd", "standard", "2026-03-09T18:00:00+08:00"),
        ("30m", "24x7", "2026-03-06T18:00:00+08:00"),
        ("2wh", "24x7", "2026-03-06T19:30:00+08:00"),
    ],
)
def test_a_friday_half_past_five_is_counted_by_the_clocks_calendar(
    term: str, calendar: str, due: str
) -> None:
    clock = Clock.model_validate(
        {
            "name": "first_contact",
            "title": {"zh": "首次联系", "en": "First contact"},
            "stops": "contacted",
            "targets": {"high": term},
            "calendar": calendar,
        }
    )

    plan = rules().plan(clock, severity="high", start=at("2026-03-06T17:30:00+08:00"))

    assert plan is not None
    assert plan.due_at == at(due)


def test_a_statutory_limit_caps_what_was_promised() -> None:
    clock = rules().pack.clock("statutory").model_copy(update={"targets": {"high": "30d"}})

    plan = rules().plan(clock, severity="high", start=MONDAY)

    assert plan is not None
    assert plan.due_at == plan.statutory_due_at == at("2026-03-18T00:00:00+08:00")


def test_before_anything_is_understood_only_the_acknowledgement_is_owed_by_the_strictest_rule() -> (
    None
):
    readings = heard([receipt()])[1]

    assert [one.clock.name for one in readings] == ["acknowledge"]
    assert readings[0].clock.due_at == minute(5)


def test_while_unsure_the_clocks_of_every_candidate_run() -> None:
    unsure = understood("high", unsure=True, categories=("GEN-SVC", "GEN-RFD"))

    names = {one.clock.name for one in heard([receipt(), unsure])[1]}

    assert names == {
        "acknowledge", "triage", "first_contact", "solution", "closure", "statutory",
    }  # fmt: skip


def test_while_unsure_deadlines_are_those_of_the_strictest_candidate() -> None:
    strict = understood("high", unsure=True, categories=("GEN-SVC", "GEN-SAF"))
    mild = understood("low", unsure=True, categories=("GEN-SVC", "GEN-SAF"))

    due = [
        {one.clock.name: one.clock.due_at for one in heard([receipt(), each])[1]}["first_contact"]
        for each in (strict, mild)
    ]

    assert due[1] == due[0]


def test_triage_is_over_when_somebody_is_given_the_case_and_starts_anew_when_asked_again() -> None:
    asked = Fact(TriageRequested(), minute(1), "routing", 1, 2)
    given = Fact(Assigned("service", "an"), minute(9), "routing", 1, 3)
    again = Fact(TriageRequested(), minute(20), "routing", 1, 4)
    facts = [receipt(), understood("high"), asked, given]

    first = reading("triage", facts)
    assert (first.clock.state, first.clock.started_at, first.clock.met_at) == (
        "met",
        minute(1),
        minute(9),
    )
    second = reading("triage", [*facts, again])
    assert (second.clock.state, second.clock.started_at) == ("running", minute(20))


def test_warnings_count_the_time_that_the_calendar_counts() -> None:
    shifts = (
        Counted(minute(0), minute(60), "open"),
        Counted(minute(600), minute(660), "open"),
    )

    assert moment(Due(minute(660), shifts), 0.5) == minute(60)
    assert moment(Due(minute(660), shifts), 0.75) == minute(630)


def test_a_clock_warns_of_the_largest_fraction_used_up_then_breaches_at_its_due_time() -> None:
    known = reading("first_contact", [receipt(), understood("high")])  # due after 2 h
    assert clocks.next_moment(rules(), [known], NOT_TIMED) == minute(60)

    early = clocks.fire(rules(), known, NOT_TIMED, minute(10))
    warned = clocks.fire(rules(), known, NOT_TIMED, minute(100))
    breached = clocks.fire(rules(), known, NOT_TIMED, minute(150))

    assert early is None
    assert warned is not None
    assert (warned.fact, warned.fraction) == ("warned", 0.8)
    assert breached is not None
    assert (breached.fact, breached.at) == ("breached", minute(120))


def test_a_breach_is_about_one_deadline_a_later_one_runs_again() -> None:
    facts, about = add((), (), [receipt(), understood("critical", unsure=True)])
    first = next(one for one in clocks.read(about) if one.clock.name == "first_contact")
    breach = clocks.fire(rules(), first, NOT_TIMED, minute(31))
    assert breach is not None
    facts, about = add(facts, about, [], about_clocks=[breach], now=minute(31))
    breached = next(one for one in clocks.read(about) if one.clock.name == "first_contact")
    assert (breached.clock.state, breached.clock.breached_at) == ("breached", minute(30))

    facts, about = add(facts, about, [understood("high", after=40, order=2)], now=minute(40))

    moved = next(one for one in clocks.read(about) if one.clock.name == "first_contact")
    assert (moved.clock.state, moved.clock.due_at) == ("running", minute(120))
    assert [one.fact for one in about if one.clock == "first_contact"] == [
        "started",
        "breached",
        "replanned",
    ]


def test_a_receipt_that_was_in_time_but_came_late_meets_the_clock() -> None:
    facts, about = add((), (), [receipt()])
    [running] = clocks.read(about)
    breach = clocks.fire(rules(), running, NOT_TIMED, minute(6))
    assert breach is not None
    facts, about = add(facts, about, [], about_clocks=[breach], now=minute(6))

    facts, about = add(
        facts, about, [Fact(Acknowledged(True), minute(4), "notify", 1, 1)], now=minute(7)
    )

    [met] = clocks.read(about)
    assert (met.clock.state, met.clock.breached_at) == ("met", None)


def test_closing_ends_what_still_runs() -> None:
    told = Fact(Resolved("upheld", "reason", None, minute(50)), minute(50), "account/an")
    facts = [receipt(), understood(kind="grumble"), told, Fact(Closed(), minute(60), "account/an")]

    states = {one.clock.name: one.clock.state for one in heard(facts)[1]}

    # whoever was told the outcome was contacted; the acknowledgement never went out
    assert states == {"acknowledge": "breached", "first_contact": "met"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"anonymous": True}, NoCallback("anonymous")),
        ({"reachable": False}, NoCallback("unreachable")),
        ({}, at("2026-03-03T08:30:00+08:00")),  # 24 h, half of it after the calling hours of Monday
    ],
)
def test_the_callback_is_made_halfway_through_its_clock_in_calling_hours(
    changes: dict[str, object], expected: object
) -> None:
    case = fold([receipt(**changes), understood("critical")])
    assert isinstance(case, Case)

    planned = plan_callback(rules(), case, complaint="c", now=at("2026-03-02T11:00:00+08:00"))

    assert planned == expected


def test_inquiries_are_not_called_back() -> None:
    case = fold([receipt(), understood(kind="inquiry")])
    assert case is not None

    assert plan_callback(rules(), case, complaint="c", now=MONDAY) == NoCallback("not_for_kind")


def test_low_severities_are_sampled_alike_on_every_replica() -> None:
    chosen = [is_sampled(f"complaint-{number}", 1, 0.2) for number in range(2_000)]

    assert chosen == [is_sampled(f"complaint-{number}", 1, 0.2) for number in range(2_000)]
    assert 320 < sum(chosen) < 480
    assert not is_sampled("x", 1, 0)
    assert is_sampled("x", 1, 1)


def test_the_throttle_lets_a_burst_through_then_one_by_one_and_forgets_the_oldest() -> None:
    now = [MONDAY]
    throttle = Throttle(lambda: now[0])

    assert [throttle.take("a") for _ in range(int(BURST) + 1)] == [*[True] * int(BURST), False]
    assert throttle.take("b")
    now[0] += timedelta(seconds=2)
    assert [throttle.take("a"), throttle.take("a")] == [True, False]
    for number in range(MOST_NUMBERS):
        throttle.take(str(number))
    assert throttle.take("a")


def test_only_one_who_was_heard_stops_first_contact() -> None:
    tried = Fact(Contacted(False, False, False, None), minute(5), "account/an")
    spoken = Fact(Contacted(True, True, False, None), minute(9), "account/an")
    facts = [receipt(), understood(), Fact(Assigned("service", "an"), minute(1), "routing", 1, 2)]

    assert reading("first_contact", [*facts, tried]).clock.state == "running"
    assert reading("first_contact", [*facts, tried, spoken]).clock.met_at == minute(9)


@pytest.mark.parametrize(("channel", "runs"), [("walk_in", True), ("web", False)])
def test_a_clock_for_some_channels_runs_for_them_alone(channel: str, *, runs: bool) -> None:
    there = rules().pack.clock("solution")
    clock = there.model_copy(update={"channels": ("walk_in",)})
    understanding = Understanding(1, MONDAY, "complaint", ("GEN-PRD",), "normal", unsure=False)

    assert rules().applies(clock, understanding, channel=channel) is runs
