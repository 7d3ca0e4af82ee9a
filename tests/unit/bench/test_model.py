"""How measures are judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.model import Better, Measure, attained, is_passed, judge, percentile


def measure(
    *values: float,
    floors: tuple[float, ...] = (),
    target: float | None = 0.5,
    better: Better = "higher",
    gate: bool = True,
) -> Measure:
    return Measure("m", "a measure", "1/s", better, values, floors, target, gate)


def test_a_ratio_is_the_median_of_the_rounds_not_the_ratio_of_the_medians() -> None:
    row = judge(measure(10, 40, 30, floors=(20, 40, 120)))

    assert row.ratio == 0.5
    assert (row.value, row.floor) == (30, 40)


@pytest.mark.parametrize(
    ("better", "value", "met"),
    [("higher", 5, True), ("higher", 4, False), ("lower", 5, True), ("lower", 6, False)],
)
def test_a_target_is_met_on_the_better_side_and_on_the_line(
    better: Better, value: float, met: bool
) -> None:
    assert judge(measure(value, floors=(10,), better=better)).met is met


def test_without_a_floor_the_target_is_a_value() -> None:
    row = judge(measure(240, target=250, better="lower"))

    assert (row.met, row.ratio, row.floor) == (True, None, None)


def test_what_has_no_target_is_neither_met_nor_missed() -> None:
    assert judge(measure(1, target=None, gate=False)).met is None


def test_a_gate_that_was_not_measured_is_missed_and_a_goal_is_not() -> None:
    gate, goal = judge(measure()), judge(measure(gate=False))

    assert (gate.met, goal.met) == (False, None)
    assert not is_passed([gate])
    assert is_passed([goal])


def test_missed_goals_do_not_fail_a_run() -> None:
    assert is_passed([judge(measure(1, floors=(10,), gate=False)), judge(measure(9, floors=(10,)))])


def test_what_is_attained_is_above_one_where_the_target_is_met() -> None:
    higher = attained(judge(measure(10, floors=(10,))))
    lower = attained(judge(measure(500, target=250, better="lower")))

    assert (higher, lower) == (2, 0.5)
    assert attained(judge(measure())) is None


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(each) for each in range(100, 0, -1)]

    assert percentile(values, 0.99) == 99
    assert percentile(values, 0.5) == 50
    assert percentile([7.0], 0.99) == 7
    assert percentile(values, 1) == 100


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_at_least_that_part_lies_at_or_below_a_percentile(values: list[float], part: float) -> None:
    found = percentile(values, part)

    assert sum(value <= found for value in values) >= part * len(values) - 1e-9
