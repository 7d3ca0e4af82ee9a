"""Clocks that stand still, are put off, are planned anew: what runs always adds up to the term."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.followup.model import (
    ClockAsked,
    Contacted,
    ExtensionAsked,
    ExtensionDecided,
    Fact,
    Marked,
    PackAdopted,
    Paused,
    Reopened,
    Replied,
    Resolved,
    Understood,
    Unpaused,
    Visited,
)
from services.followup.policy import clocks
from services.followup.policy.case import fold
from services.followup.policy.explain import explain
from shared.contracts.values import Severity
from shared.worktime import add_terms, parse_term, working_between
from tests.unit.followup.facts import MONDAY, add, minute, receipt, rules
from tests.unit.followup.test_clocks import understood

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.followup.model import ClockFact

LAB = "waiting_lab"
CUSTOMER = "waiting_customer"
SEVERITIES: st.SearchStrategy[Severity] = st.sampled_from(["low", "normal", "high", "critical"])


def fact(what: object, after: int, *, cycle: int = 1, order: int = 0) -> Fact:
    return Fact(what, minute(after), "account/su", cycle, order)  # type: ignore[arg-type]


def heard(
    told: Sequence[Fact], *, now: datetime | None = None
) -> tuple[tuple[Fact, ...], tuple[ClockFact, ...]]:
    """All facts after hearing these one by one, each at its own time unless another is given."""
    facts: tuple[Fact, ...] = ()
    about: tuple[ClockFact, ...] = ()
    for one in told:
        facts, about = add(facts, about, [one], now=now or one.at)
    return facts, about


def of(about: Sequence[ClockFact], name: str, *, cycle: int = 1) -> clocks.Reading:
    return next(
        one for one in clocks.latest(clocks.read(about), cycle=cycle) if one.clock.name == name
    )


@dataclass(frozen=True)
class Life:
    """What happens to a case: pauses as (reason, from, to), severities by minute, and a term it is put off by."""

    severities: tuple[tuple[int, Severity], ...]
    pauses: tuple[tuple[str, int, int], ...]
    extensions: tuple[tuple[int, str], ...]
    adopted: int | None
    reopened: int | None

    def facts(self) -> list[Fact]:
        found = [receipt()]
        found += [
            Fact(
                Understood("complaint", ("GEN-SVC",), severity, False),
                minute(at),
                "routing",
                1,
                place + 1,
            )
            for place, (at, severity) in enumerate(self.severities)
        ]
        cycle = 1
        for place, (reason, start, end) in enumerate(self.pauses):
            found += [
                fact(Paused(f"{reason}/{place}"), start),
                fact(Unpaused(f"{reason}/{place}"), end),
            ]
        for place, (at, by) in enumerate(self.extensions):
            found.append(fact(ExtensionAsked(f"e{place}", "closure", by, "why"), at))
            found.append(fact(ExtensionDecided(f"e{place}", True, "closure", by), at + 1))
        if self.adopted is not None:
            found.append(fact(PackAdopted(rules().pack.pack.version, "why"), self.adopted))
        if self.reopened is not None:
            found.append(fact(Reopened("again", 2), self.reopened, cycle=cycle + 1))
        return sorted(found, key=lambda one: (one.at, one.order))


@st.composite
def lives(draw: st.DrawFn) -> Life:
    times = sorted(draw(st.sets(st.integers(1, 6_000), min_size=1, max_size=3)))
    pauses = draw(
        st.lists(
            st.tuples(
                st.sampled_from([LAB, CUSTOMER]), st.integers(1, 6_000), st.integers(1, 1_500)
            ),
            max_size=4,
        )
    )
    return Life(
        severities=tuple((at, draw(SEVERITIES)) for at in times),
        pauses=tuple((reason, start, start + length) for reason, start, length in pauses),
        extensions=tuple(
            (draw(st.integers(1, 3_000)), draw(st.sampled_from(["1wd", "2wd", "4wh"])))
            for _ in range(draw(st.integers(0, 2)))
        ),
        adopted=draw(st.one_of(st.none(), st.integers(1, 4_000))),
        reopened=draw(st.one_of(st.none(), st.integers(7_000, 9_000))),
    )  # fmt: skip


@given(lives())
@example(Life(((1, "normal"),), ((LAB, 100, 900), (CUSTOMER, 500, 1_500)), (), None, None))
@example(Life(((1, "low"),), (), ((1, "4wh"), (1, "1wd")), None, None))
@settings(max_examples=60, deadline=None)
def test_any_order_of_pause_resume_policy_change_and_reopening_gives_the_sum_of_running_intervals(
    life: Life,
) -> None:
    facts, about = heard(life.facts())
    case = fold(facts)
    assert case is not None

    cycle = 2 if life.reopened is not None else 1
    reading = of(about, "closure", cycle=cycle)

    pack = rules()
    calendar = pack.calendar("standard")
    term = pack.pack.clock("closure").target(case.severity or "normal")
    assert term is not None
    # Of two at the same minute the first said is counted first: a working day ends with the day, hours do not.
    granted = sorted(life.extensions, key=lambda one: one[0])
    more = [parse_term(by) for _, by in granted] if cycle == 1 else []
    began = MONDAY if cycle == 1 else minute(life.reopened or 0)
    plain = add_terms(calendar, began, [term, *more])
    stood = merged(life.pauses) if cycle == 1 else []
    due = reading.clock.due_at
    paused = sum(
        (
            working_between(calendar, max(minute(a), plain.counted[0].start), min(minute(b), due))
            for a, b in stood
        ),
        timedelta(),
    )
    ran = working_between(calendar, plain.counted[0].start, due) - paused
    assert ran == working_between(calendar, plain.counted[0].start, plain.at)


def merged(pauses: Sequence[tuple[str, int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for _, start, end in sorted(pauses, key=lambda one: one[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


@given(lives(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_what_routing_says_late_changes_no_deadline(life: Life, order: object) -> None:
    told = life.facts()
    mixed = [one for one in told if one.by != "routing"]
    for one in reversed([each for each in told if each.by == "routing"]):
        # routing's own order holds; between the streams there is none
        mixed.insert(0 if order.random() < 0.3 else min(len(mixed), 1), one)  # type: ignore[attr-defined]
    routing = iter(each for each in told if each.by == "routing")
    mixed = [next(routing) if one.by == "routing" else one for one in mixed]
    if life.reopened is not None:
        return  # a cycle that is over stays as it was understood then

    plain = clocks.latest(clocks.read(heard(told, now=minute(20_000))[1]), cycle=1)
    late = clocks.latest(clocks.read(heard(mixed, now=minute(20_000))[1]), cycle=1)

    assert [one.clock for one in plain] == [one.clock for one in late]


def test_a_pause_stops_warning_and_breach_and_gives_its_time_back() -> None:
    facts, about = heard([receipt(), understood("high"), fact(Paused(CUSTOMER), 600)])
    still = of(about, "solution")  # high: 2 working days, due on Wednesday at 18:00
    case = fold(facts)
    assert case is not None
    assert still.clock.state == "paused"
    assert still.clock.due_at == datetime.fromisoformat("2026-03-04T18:00:00+08:00")
    running = clocks.next_moment(rules(), [still], case.timed)
    assert running == still.clock.resumes_at == datetime.fromisoformat("2026-03-16T18:00:00+08:00")

    # Tuesday 09:00 to 13:00: four working hours
    facts, about = heard(
        [
            receipt(),
            understood("high"),
            fact(Paused(CUSTOMER), 1_440),
            fact(Unpaused(CUSTOMER), 1_680),
        ]
    )
    again = of(about, "solution")
    assert (again.clock.state, again.clock.resumes_at) == ("running", None)
    assert again.clock.due_at == datetime.fromisoformat("2026-03-05T13:00:00+08:00")
    assert [one.fact for one in about if one.clock == "solution"] == [
        "started",
        "paused",
        "resumed",
    ]
    # what the pack does not let pause goes on
    assert {one.clock for one in about if one.fact == "paused"} == {"solution", "closure"}


def test_a_pause_ends_by_itself_after_the_packs_longest_time() -> None:
    facts, about = heard([receipt(), understood("high"), fact(Paused(CUSTOMER), 1_440)])
    case, still = fold(facts), of(about, "solution")
    assert case is not None
    assert still.clock.resumes_at is not None
    after = still.clock.resumes_at

    more = clocks.additions(about, clocks.wanted(rules(), case, now=after), case=case, now=after)

    again = of([*about, *more], "solution")
    assert {one.fact for one in more} == {"resumed"}
    assert again.clock.state == "running"
    # Tuesday 09:00 to the tenth working day after is over; what was left of the two days comes behind it
    assert again.clock.due_at > after
    later = heard([*facts, fact(Unpaused(CUSTOMER), 60_000)])[1]
    assert of(later, "solution").clock.due_at == again.clock.due_at


def test_an_extension_moves_one_clock_and_only_when_it_is_granted() -> None:
    asked = fact(ExtensionAsked("e1.1", "closure", "2wd", "the part is late"), 10)
    told = [receipt(), understood("normal"), asked]
    plain = of(heard(told)[1], "closure").clock.due_at

    facts, refused = heard([*told, fact(ExtensionDecided("e1.1", False, "closure", "2wd"), 20)])
    _, granted = heard([*told, fact(ExtensionDecided("e1.1", True, "closure", "2wd"), 20)])

    case = fold([*facts[:3]])
    assert case is not None
    assert case.timed.extension is not None
    assert (case.timed.extension.clock, case.timed.extension.by) == ("closure", "2wd")
    assert of(refused, "closure").clock.due_at == plain
    assert of(granted, "closure").clock.due_at - plain == timedelta(days=2)
    assert of(granted, "closure").plan.rule.endswith(" + 2wd")
    assert [one.clock for one in granted if one.fact == "extended"] == ["closure"]


def test_a_clock_that_was_met_in_time_is_not_made_late_by_what_came_after() -> None:
    told = Resolved("upheld", "why", None, minute(300))
    facts, about = heard(
        [
            receipt(),
            understood("high"),
            fact(told, 300),
            fact(Paused(LAB), 400),
            fact(Unpaused(LAB), 900),
        ]
    )

    assert fold(facts) is not None
    assert of(about, "solution").clock.state == "met"
    assert of(about, "solution").plan.revision == 0


def test_an_optional_clock_runs_once_somebody_asks_for_it() -> None:
    told = [receipt(), understood("high")]
    assert "site_visit" not in {one.clock for one in heard(told)[1]}

    _, about = heard([*told, fact(ClockAsked("site_visit", "the phone cannot explain"), 30)])

    assert of(about, "site_visit").clock.due_at == minute(24 * 60)


def test_what_is_recorded_stops_a_clock_at_the_time_it_happened() -> None:
    asked = fact(ClockAsked("site_visit", "why"), 30)
    seen = fact(Visited("v1.1", "seen", visited_at=minute(200)), 300)

    _, about = heard([receipt(), understood("high"), asked, seen])

    assert of(about, "site_visit").clock.met_at == minute(200)
    case = fold([receipt(), fact(Marked("samples_sealed", minute(200), ("封样单",)), 300)])
    assert case is not None
    assert case.happened["samples_sealed"] == minute(200)


def test_a_progress_notice_ends_one_run_and_begins_the_next_until_the_resolution() -> None:
    def notice(after: int) -> Fact:
        return fact(Replied(id=f"r{after}", text="soon"), after)

    spoken = fact(Contacted(True, True, True, None), 30)
    told = fact(Resolved("upheld", "why", None, minute(700)), 700)
    facts = [receipt(), understood("critical"), spoken, notice(200), notice(500)]  # every 4 h

    runs = [one for one in clocks.read(heard(facts)[1]) if one.clock.name == "progress"]
    late = [
        one
        for one in clocks.read(heard([*facts[:3], facts[4], facts[3]])[1])
        if one.clock.name == "progress"
    ]
    ended = [one for one in clocks.read(heard([*facts, told])[1]) if one.clock.name == "progress"]

    assert [(one.clock.started_at, one.clock.met_at, one.clock.state) for one in runs] == [
        (minute(30), minute(200), "met"),
        (minute(200), minute(500), "breached"),
        (minute(500), None, "running"),
    ]
    assert [one.clock for one in late] == [one.clock for one in runs]
    assert ended[-1].clock.met_at == minute(700)


@pytest.mark.parametrize(
    ("authority", "name"), [("12315", "cn_12315_accept"), ("12345", "regulator")]
)
def test_the_regulators_own_deadline_runs_and_never_stands_still(authority: str, name: str) -> None:
    due = minute(3 * 1_440)
    first = receipt(authority=authority, authority_due_at=due, channel="regulator")

    facts, about = heard([first, understood("normal"), fact(Paused(CUSTOMER), 100)])

    assert fold(facts) is not None
    regulator = of(about, "regulator")
    assert (regulator.clock.due_at, regulator.clock.statutory_due_at) == (due, due)
    assert of(about, name).clock.state == "running"
    assert ("cn_12315_accept" in {one.clock for one in about}) is (authority == "12315")


def test_every_stretch_of_a_deadline_is_explained() -> None:
    told = [receipt(), understood("high"), fact(Paused(LAB), 1_440), fact(Unpaused(LAB), 1_680)]
    facts, about = heard(told)
    case, reading = fold(facts), of(about, "solution")
    assert case is not None

    found = explain(rules(), reading, case.timed, now=minute(2_000))

    counted = sum((one.end - one.start for one in found.counted), timedelta())
    assert counted == timedelta(hours=18)
    assert [one.why for one in sorted(found.uncounted, key=lambda one: one.start)] == [
        "first_day", "closed", "paused", "closed", "closed", "closed", "closed",
    ]  # fmt: skip
    every = sorted(
        [(one.start, one.end) for one in found.counted]
        + [(one.start, one.end) for one in found.uncounted]
    )
    assert (every[0][0], every[-1][1]) == (MONDAY, reading.clock.due_at)

    standing, about = heard(told[:3])
    case = fold(standing)
    assert case is not None
    found = explain(rules(), of(about, "solution"), case.timed, now=minute(1_500))
    last = max(found.uncounted, key=lambda one: one.end)
    assert (last.why, last.detail, last.end) == ("paused", LAB, minute(1_500))
    assert all(one.end <= minute(1_440) for one in found.counted)


def test_another_version_of_the_pack_moves_open_deadlines_only_where_it_was_adopted() -> None:
    later = rules().pack.model_copy(
        update={
            "clocks": tuple(
                one.model_copy(update={"targets": {**one.targets, "high": "1wd"}})
                if one.name == "closure"
                else one
                for one in rules().pack.clocks
                if one.name != "solution"
            )
        }
    )
    new = replace(rules(), pack=later, _clocks=[], _targets={}, _moments={}, _counted={})
    facts, about = heard([receipt(), understood("high")])
    before = of(about, "closure").clock.due_at

    kept = add(facts, about, [understood("high", after=50, order=2)], now=minute(50))[1]
    adopted = add(facts, about, [fact(PackAdopted("2.0", "why"), 60)], now=minute(60), by=new)[1]

    assert of(kept, "closure").clock.due_at == before
    assert of(adopted, "closure").clock.due_at < before
    assert "solution" not in {one.clock.name for one in clocks.read(adopted)}
    assert [one.fact for one in adopted if one.clock == "solution"] == ["started", "cancelled"]
