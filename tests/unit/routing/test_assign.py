"""Who takes a complaint: never without the skill, never absent, never past capacity, and fair."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.model import Choice, HandlerSnapshot, Need, Nobody
from services.routing.policy.assign import choose_handler

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
        load=st.integers(0, 4),
        capacity=st.integers(0, 4),
        last_assigned_at=st.one_of(
            st.none(), st.integers(0, 5).map(lambda hours: NOON + timedelta(hours=hours))
        ),
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)


def chosen(need: Need, *those: HandlerSnapshot) -> str:
    choice = choose_handler(need, handlers=those)
    assert isinstance(choice, Choice)
    return choice.handler


@given(handlers)
def test_nobody_is_chosen_without_the_skill_absent_full_or_from_elsewhere(
    those: list[HandlerSnapshot],
) -> None:
    """INVARIANT: an accountable handler is able, there, and has room."""

    def fits(one: HandlerSnapshot) -> bool:
        skilled = one.skills is None or one.skills >= NEED.skills
        near = one.unit in NEED.units and one.team in (None, "billing")
        return skilled and near and one.is_present and one.load < one.capacity

    choice = choose_handler(NEED, handlers=those)

    match choice:
        case Choice():
            assert fits(next(one for one in those if one.id == choice.handler))
            assert choice.reasons
        case Nobody():
            assert not any(map(fits, those))
            assert choice.reason.say("en")


@given(handlers, st.randoms(use_true_random=False))
def test_the_order_of_the_list_does_not_matter(
    those: list[HandlerSnapshot], random: Random
) -> None:
    shuffled = list(those)
    random.shuffle(shuffled)

    assert choose_handler(NEED, handlers=those) == choose_handler(NEED, handlers=shuffled)


@pytest.mark.req("R-090")
def test_a_thousand_equal_complaints_over_ten_equal_handlers_differ_by_at_most_one() -> None:
    team = {f"h{number}": handler(f"h{number}", capacity=1000) for number in range(10)}

    for number in range(1000):
        name = chosen(NEED, *team.values())
        at = NOON + timedelta(seconds=number)
        team[name] = replace(team[name], load=team[name].load + 1, last_assigned_at=at)
        loads = [one.load for one in team.values()]
        assert max(loads) - min(loads) <= 1


def test_the_nearest_unit_comes_before_the_least_load() -> None:
    assert chosen(NEED, handler("far", unit="root"), handler("near", load=5)) == "near"


def test_the_least_load_comes_before_the_longest_wait_and_that_before_the_id() -> None:
    busy, idle = handler("a", load=2), handler("b", load=1, last_assigned_at=NOON)
    rested = handler("c", load=1, last_assigned_at=NOON - timedelta(hours=1))

    assert chosen(NEED, busy, idle) == "b"
    assert chosen(NEED, busy, idle, rested) == "c"
    assert chosen(NEED, handler("z"), handler("y")) == "y"


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
        ([handler("a", load=10)], "all_full"),
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
