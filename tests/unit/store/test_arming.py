"""A unit's changes of timers, folded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from shared.store.arming import Kind, Step, following

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
KINDS: tuple[Kind, ...] = ("arm", "once", "disarm")
State = tuple[str, datetime | None] | None


def done(state: State, step: Step) -> State:
    """A timer's row after one change: state and due time, None before there is one."""
    if step.kind == "arm":
        return "armed", step.due_at
    if step.kind == "once":
        return ("armed", step.due_at) if state is None else state
    return ("cancelled", state[1]) if state is not None and state[0] == "armed" else state


@pytest.mark.parametrize("before", [None, ("armed", NOW), ("fired", NOW), ("cancelled", NOW)])
def test_folded_changes_leave_a_timer_as_one_after_another_would_in_three_steps_at_most(
    before: State,
) -> None:
    for kinds in product(KINDS, repeat=5):
        steps = [Step(kind, NOW + timedelta(minutes=at + 1)) for at, kind in enumerate(kinds)]
        folded: list[Step] = []
        one_by_one, at_once = before, before

        for step in steps:
            folded = following(folded, step)
            one_by_one = done(one_by_one, step)
        for step in folded:
            at_once = done(at_once, step)

        assert at_once == one_by_one, kinds
        assert len(folded) <= 3
