"""What the measuring of timers refuses to report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bench.due import Fired, check
from dev.process import EngineError

DUE = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ON_TIME = Fired("t1", DUE, DUE + timedelta(milliseconds=3))


@pytest.mark.parametrize(
    ("fired", "why"),
    [
        ([ON_TIME, ON_TIME], "2 times"),
        ([], "0 of 1"),
        ([Fired("t1", DUE, DUE - timedelta(milliseconds=1))], "before their time"),
    ],
)
def test_timers_that_fired_twice_never_or_early_are_no_measurement(
    fired: list[Fired], why: str
) -> None:
    with pytest.raises(EngineError, match=why):
        check(fired, count=1)


def test_each_once_and_in_time_is_one() -> None:
    check([ON_TIME], count=1)
