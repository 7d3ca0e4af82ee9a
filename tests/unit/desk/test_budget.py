"""A budget of costly answers."""

from datetime import UTC, datetime, timedelta

from services.desk.policy.budget import Budget

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_burst_goes_through_and_then_as_many_as_the_time_allows() -> None:
    budget = Budget(per_second=2, burst=3)

    at_once = [budget.take(NOW) for _ in range(4)]
    later = [budget.take(NOW + timedelta(seconds=1)) for _ in range(3)]

    assert at_once == [True, True, True, False]
    assert later == [True, True, False]
