"""Who takes a complaint: never without the skill, never absent, never past capacity, and fair."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.model import Choice, HandlerSnapshot, Need, Nobody
from services.routing.policy.assign import choose_handler
from services.routing.policy.roster import WEIGHTS, Roster

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
NEED = Need(
    team="billing", skills=frozenset({"refund"}), language="zh", units=("shop", "city", "root")
)


def handler(name: str, **changes: object) -> HandlerSnapshot:
    plain = HandlerSnapshot(
        id=name,
        unit="shop",
        team="billing",
        skills=frozenset({"refund"}),
        languages=None,
        is_present=True,
        load=0,
        capacity=10,
        last_assigned_at=None,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


handlers = st.lists(
    st.builds(
        HandlerSnapshot,
        id=st.uuids().map(str),
        unit=st.sampled_from(["shop", "city", "root", "elsewhere"]),
        team=st.sampled_from([None, "billing", "legal"]),
        skills=st.sampled_from([None, frozenset(), frozenset({"refund"}), frozenset({"fraud"})]),
        languages=st.sampled_from([None, frozenset({"zh"}), frozenset({"en"})]),
        is_present=st.booleans(),
        load=st.integers(0, 8),
        capacity=st.integers(0, 8),
        last_assigned_at=st.one_of(
            st.none(), st.integers(0, 5).map(lambda hours: NOON + timedelta(hours=hours))
        ),
        areas=st.sampled_from([None, frozenset({"east"}), frozenset({"west"})]),
        is_on_duty=st.booleans(),
        is_on_leave=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)
needs = st.builds(
    replace,
    st.just(NEED),
    severity=st.sampled_from(["low", "normal", "high", "critical"]),
    area=st.sampled_from([None, "east"]),
)


def chosen(need: Need, *those: HandlerSnapshot) -> str:
    choice = choose_handler(need, handlers=those)
    assert isinstance(choice, Choice)
    return choice.handler


def is_able(one: HandlerSnapshot, those: list[HandlerSnapshot]) -> bool:
    """Near, there and skilled; without staff data only where the unit has none of the team."""
    staffed = any(each.unit == one.unit and each.team == "billing" for each in those)
    sits = one.team == "billing" or (one.team is None and not staffed)
    skilled = one.skills is None or one.skills >= NEED.skills
    there = one.is_present and one.is_on_duty and not one.is_on_leave
    return one.unit in NEED.units and sits and skilled and there


@pytest.mark.req("R-088")
@given(needs, handlers, st.data())
def test_nobody_is_chosen_without_the_skill_absent_full_or_from_elsewhere(
    need: Need, those: list[HandlerSnapshot], data: st.DataObject
) -> None:
    """INVARIANT: an accountable handler is able, there, and has room; safety alone needs no room."""
    ids = [one.id for one in those]
    refused = frozenset(data.draw(st.sets(st.sampled_from(ids)))) if ids else frozenset()
    need = replace(need, refused=refused)
    able = [one for one in those if is_able(one, those) and one.id not in refused]
    roomy = [one for one in able if one.load + WEIGHTS[need.severity] <= one.capacity]

    choice = choose_handler(need, handlers=those)

    match choice:
        case Choice():
            best = next(one for one in those if one.id == choice.handler)
            assert best in (roomy or (able if need.severity == "critical" else []))
            assert choice.reasons
        case Nobody():
            assert not roomy
            assert not able or need.severity != "critical"
            assert choice.reason.say("en")


@given(needs, handlers, st.randoms(use_true_random=False))
def test_the_order_of_the_list_does_not_matter(
    need: Need, those: list[HandlerSnapshot], random: Random
) -> None:
    shuffled = list(those)
    random.shuffle(shuffled)

    assert choose_handler(need, handlers=those) == choose_handler(need, handlers=shuffled)


@given(needs, handlers, handlers)
def test_a_roster_that_was_changed_chooses_like_one_that_was_made_so(
    need: Need, before: list[HandlerSnapshot], after: list[HandlerSnapshot]
) -> None:
    renamed = [replace(new, id=old.id) for old, new in zip(before, after, strict=False)]
    roster = Roster(before)
    for one in renamed:
        roster.change(one)

    made = Roster([*renamed, *before[len(renamed) :]])

    assert choose_handler(need, handlers=roster) == choose_handler(need, handlers=made)


@pytest.mark.req("R-090")
def test_a_thousand_equal_complaints_over_ten_equal_handlers_differ_by_at_most_one() -> None:
    team = Roster([handler(f"h{number}", capacity=1000) for number in range(10)])
    given_out: Counter[str] = Counter()

    for number in range(1000):
        choice = choose_handler(NEED, handlers=team)
        assert isinstance(choice, Choice)
        team.add_load(choice.handler, WEIGHTS["normal"], NOON + timedelta(seconds=number))
        given_out[choice.handler] += 1
        counts = [given_out[name] for name in team.handlers]
        assert max(counts) - min(counts) <= 1


def test_a_full_handler_gets_nothing_but_what_is_critical_when_nobody_has_room() -> None:
    full, roomy = handler("full", load=9), handler("roomy", unit="root", load=5)
    critical = replace(NEED, severity="critical")

    assert isinstance(choose_handler(NEED, handlers=[full]), Nobody)
    assert chosen(critical, full, roomy) == "roomy"
    choice = choose_handler(critical, handlers=[full])
    assert isinstance(choice, Choice)
    assert "critical_past_capacity" in {reason.code for reason in choice.reasons}


def test_load_counts_by_what_a_handler_can_hold() -> None:
    assert chosen(NEED, handler("half", load=5), handler("large", load=6, capacity=40)) == "large"


def test_a_returning_customer_gets_the_same_handler_who_may_have_more_to_do() -> None:
    theirs, idle = handler("theirs", load=5), handler("idle")
    need = replace(NEED, former="theirs")

    assert chosen(need, theirs, idle) == "theirs"
    assert chosen(need, replace(theirs, is_on_leave=True), idle) == "idle"
    assert chosen(need, replace(theirs, load=10), idle) == "idle"


def test_who_stands_in_gets_what_the_one_on_leave_would_have_had() -> None:
    away = handler("away", is_on_leave=True, areas=frozenset({"east"}))
    substitute = handler("substitute", team="legal")
    unskilled = replace(substitute, skills=frozenset({"fraud"}))
    need = replace(NEED, area="east", former="away")

    for one, expected in ((substitute, "substitute"), (unskilled, None)):
        choice = choose_handler(
            need, handlers=Roster([away, one], substitutes={"away": "substitute"})
        )
        assert (choice.handler if isinstance(choice, Choice) else None) == expected


def test_whose_area_it_is_comes_before_the_nearest_unit_and_behind_the_language() -> None:
    east = handler("east", unit="root", areas=frozenset({"east"}))
    west, foreign = (
        handler("west", areas=frozenset({"west"})),
        handler("foreign", languages=frozenset({"en"})),
    )
    need = replace(NEED, area="east")

    assert chosen(need, west, east, foreign) == "east"
    assert chosen(need, west, foreign) == "west"


def test_who_has_staff_data_for_the_team_goes_before_who_has_none() -> None:
    general = handler("general", team=None, skills=None)

    assert chosen(NEED, general, handler("billing", load=9, capacity=20)) == "billing"
    assert isinstance(
        choose_handler(NEED, handlers=[general, handler("b", skills=frozenset())]), Nobody
    )
    assert chosen(replace(NEED, team="quality"), general, handler("billing")) == "general"


@pytest.mark.parametrize(
    ("change", "code"),
    [({"is_present": False}, "absent"), ({"is_on_duty": False}, "off_shift"), ({"is_on_leave": True}, "on_leave")],
)  # fmt: skip
def test_nobody_gets_anything_while_they_are_away(change: dict[str, bool], code: str) -> None:
    choice = choose_handler(NEED, handlers=[handler("away", **change)])

    assert isinstance(choice, Nobody)
    assert [one.because for one in choice.passed_over] == [code]


def test_the_nearest_unit_comes_before_the_least_load() -> None:
    assert chosen(NEED, handler("far", unit="root"), handler("near", load=5)) == "near"


def test_the_least_load_comes_before_the_longest_wait_and_that_before_the_id() -> None:
    busy, idle = handler("a", load=2), handler("b", load=1, last_assigned_at=NOON)
    rested = handler("c", load=1, last_assigned_at=NOON - timedelta(hours=1))

    assert chosen(NEED, busy, idle) == "b"
    assert chosen(NEED, busy, idle, rested) == "c"
    assert chosen(NEED, handler("z"), handler("y")) == "y"


@pytest.mark.req("R-150")
def test_who_speaks_the_language_is_preferred_but_not_required() -> None:
    english, chinese = (
        handler("a", languages=frozenset({"en"})),
        handler("b", load=3, languages=frozenset({"zh"})),
    )

    assert chosen(NEED, english, chinese) == "b"
    assert chosen(NEED, english) == "a"


def test_everybody_passed_over_is_named_with_a_reason() -> None:
    choice = choose_handler(
        NEED,
        handlers=[
            handler("best"),
            handler("absent", is_present=False),
            handler("full", load=10),
            handler("unskilled", skills=frozenset()),
            handler("busier", load=1),
            handler("later", last_assigned_at=NOON),
            handler("far", unit="city"),
            handler("foreign", languages=frozenset({"en"})),
        ],
    )

    assert isinstance(choice, Choice)
    assert {one.handler: one.because for one in choice.passed_over} == {
        "absent": "absent",
        "full": "full",
        "unskilled": "lacks_skill",
        "busier": "more_load",
        "later": "served_later",
        "far": "farther_unit",
        "foreign": "other_language",
    }
    assert all(one.reason.say("zh") for one in choice.passed_over)


@pytest.mark.parametrize(
    ("those", "code"),
    [
        ([], "no_handlers"),
        ([handler("a", unit="elsewhere")], "no_handlers"),
        ([handler("a", team="legal")], "no_handlers"),
        ([handler("a", skills=frozenset())], "no_skill"),
        ([handler("a", is_present=False)], "all_absent"),
        ([handler("a", load=9)], "all_full"),
    ],
)
def test_when_nobody_can_take_it_the_reason_is_told(
    those: list[HandlerSnapshot], code: str
) -> None:
    choice = choose_handler(NEED, handlers=those)

    assert isinstance(choice, Nobody)
    assert choice.reason.code == code


def test_a_handler_of_the_units_default_team_takes_any_teams_work() -> None:
    choice = choose_handler(NEED, handlers=[handler("a", team=None, skills=None, unit="city")])

    assert isinstance(choice, Choice)
    assert choice.handler == "a"
    assert "nearest_unit" in {reason.code for reason in choice.reasons}
