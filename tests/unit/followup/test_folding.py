"""The case and its clocks do not depend on the order in which facts came to be known."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from services.followup.model import (
    Accepted,
    Acknowledged,
    Assigned,
    Case,
    ClockFact,
    Contacted,
    Fact,
    Promised,
    Reopened,
    Resolved,
    TriageRequested,
    Unassigned,
    Understood,
)
from services.followup.policy.case import fold
from services.followup.policy.clocks import Reading, read, read_again
from tests.unit.followup.facts import add, heard, minute, receipt

SEVERITIES = st.sampled_from(["low", "normal", "high", "critical"])
KINDS = st.sampled_from(["complaint", "complaint", "grumble", "inquiry", "praise"])
CATEGORIES = st.sampled_from([("GEN-SVC",), ("GEN-RFD",), ("GEN-SVC", "GEN-RFD"), ()])


@st.composite
def routing(draw: st.DrawFn) -> list[Fact]:
    """What routing may say, in its order, which is that of time."""
    whats = draw(
        st.lists(
            st.one_of(
                st.builds(
                    Understood,
                    kind=KINDS,
                    categories=CATEGORIES,
                    severity=SEVERITIES,
                    unsure=st.booleans(),
                ),
                st.just(TriageRequested()),
                st.builds(Assigned, team=st.just("service"), handler=st.sampled_from(["an", "bo"])),
                st.just(Unassigned("an", "shift over")),
            ),
            max_size=8,
        )
    )
    minutes = sorted(draw(st.lists(st.integers(0, 60), min_size=len(whats), max_size=len(whats))))
    cycles = st.sampled_from(
        [0, 1, 1, 1, 2]
    )  # an older one, the present one, one that is not here yet
    return [
        Fact(
            what, minute(at), "routing", 1 if isinstance(what, Understood) else draw(cycles), order
        )
        for order, (what, at) in enumerate(zip(whats, minutes, strict=True), start=1)
    ]


@st.composite
def notify(draw: st.DrawFn) -> list[Fact]:
    """Receipts, in their order."""
    minutes = sorted(draw(st.lists(st.integers(0, 20), max_size=3)))
    return [
        Fact(
            Acknowledged(draw(st.booleans())),
            minute(at),
            "notify",
            draw(st.sampled_from([1, 1, 2])),
            order,
        )
        for order, at in enumerate(minutes, start=1)
    ]


@st.composite
def two_orders(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    """The same streams heard one after the other, and mixed."""
    streams = [[receipt()], draw(routing()), draw(notify())]
    plain = [fact for stream in streams for fact in stream]
    sources = draw(st.permutations([place for place, stream in enumerate(streams) for _ in stream]))
    waiting = [list(stream) for stream in streams]
    return plain, [waiting[source].pop(0) for source in sources]


def every_run(told: list[Fact]) -> tuple[Case | None, tuple[Reading, ...]]:
    """The case and all runs of its clocks after hearing facts one by one."""
    facts: tuple[Fact, ...] = ()
    about: tuple[ClockFact, ...] = ()
    for one in told:
        facts, about = add(facts, about, [one], now=minute(60))
    return fold(facts), read(about)


@given(two_orders())
def test_any_interleaving_of_the_streams_gives_the_same_case_and_clocks(
    orders: tuple[list[Fact], list[Fact]],
) -> None:
    plain, mixed = orders

    expected_case, expected = every_run(plain)
    case, readings = every_run(mixed)

    assert case is not None
    assert case == expected_case
    assert [one.clock for one in readings] == [one.clock for one in expected]
    assert [one.plan.rule for one in readings] == [one.plan.rule for one in expected]


@given(two_orders(), st.randoms(use_true_random=False))
def test_any_order_of_the_same_facts_folds_into_the_same(
    orders: tuple[list[Fact], list[Fact]], randomness: random.Random
) -> None:
    facts: tuple[Fact, ...] = ()
    clock_facts: tuple[ClockFact, ...] = ()
    for fact in [*orders[0], *worked()]:
        facts, clock_facts = add(facts, clock_facts, [fact], now=fact.at)
    shuffled, shuffled_clocks = list(facts), list(clock_facts)
    randomness.shuffle(shuffled)
    randomness.shuffle(shuffled_clocks)

    assert fold(shuffled) == fold(facts)
    assert read(shuffled_clocks) == read(clock_facts)


@given(two_orders(), st.integers(0, 40))
def test_reading_on_gives_what_reading_everything_gives(
    orders: tuple[list[Fact], list[Fact]], after: int
) -> None:
    facts: tuple[Fact, ...] = ()
    clock_facts: tuple[ClockFact, ...] = ()
    for fact in [*orders[1], *worked()]:
        facts, clock_facts = add(facts, clock_facts, [fact], now=fact.at)
    known, added = clock_facts[:after], clock_facts[after:]

    found = read_again(read(known), known, added)

    assert found == read(clock_facts)


def worked() -> list[Fact]:
    """A first cycle that was resolved and reopened."""
    told = Resolved("upheld", "reason", None, minute(80))
    return [
        Fact(Accepted(1), minute(70), "account/an"),
        Fact(
            Contacted(True, True, True, Promised("p1", "call", minute(75))),
            minute(71),
            "account/an",
        ),
        Fact(told, minute(80), "account/an"),
        Fact(Reopened("again", 2), minute(90), "account/su", 2),
    ]


def test_assignments_of_an_older_cycle_are_ignored_and_those_of_a_later_one_wait() -> None:
    later = Fact(Assigned("service", "bo"), minute(1), "routing", 2, 2)
    older = Fact(Assigned("service", "an"), minute(2), "routing", 1, 3)

    case, _ = heard([receipt(), later])
    assert case is not None
    assert (case.state, case.owner.handler) == ("received", None)

    case, _ = heard([receipt(), later, older, *worked()])
    assert case is not None
    assert (case.cycle, case.state, case.owner.handler) == (2, "assigned", "bo")


def test_a_step_done_in_time_is_not_made_late_by_a_later_understanding() -> None:
    first = Fact(Understood("complaint", ("GEN-SVC",), "normal", False), minute(0), "routing", 1, 1)
    spoken = Fact(Contacted(True, True, True, None), minute(180), "account/an")
    worse = Fact(
        Understood("complaint", ("GEN-SVC",), "high", False), minute(200), "account/su", 1, 2
    )

    _, readings = heard([receipt(), first, spoken, worse])

    states = {one.clock.name: one.clock.state for one in readings}
    assert states["first_contact"] == "met"
    rules = {one.clock.name: one.plan.term for one in readings}
    assert (rules["first_contact"], rules["solution"]) == ("24h", "2wd")


def test_a_clock_that_does_not_apply_any_more_is_not_owed() -> None:
    first = Fact(Understood("complaint", ("GEN-RFD",), "normal", False), minute(0), "routing", 1, 1)
    other = Fact(Understood("grumble", ("GEN-SVC",), "low", False), minute(5), "account/su", 1, 2)

    _, readings = heard([receipt(), first])
    assert {one.clock.name for one in readings} == {
        "acknowledge", "closure", "first_contact", "solution", "statutory",
    }  # fmt: skip
    limits = {one.clock.name: one.clock.statutory_due_at for one in readings}
    assert limits["statutory"] is not None
    assert limits["solution"] is None

    _, readings = heard([receipt(), first, other])
    assert {one.clock.name for one in readings} == {"acknowledge", "first_contact"}
