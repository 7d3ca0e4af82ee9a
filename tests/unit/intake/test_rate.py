"""How often each of many may do something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.intake.policy import rate
from services.intake.policy.rate import Buckets

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def test_a_burst_is_let_through_and_then_one_at_the_rate() -> None:
    buckets = Buckets(per_second=2, burst=3)

    assert [buckets.take("a", 1, NOW) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("a", 1, NOW + timedelta(seconds=0.5)) == 0
    assert buckets.take("a", 1, NOW + timedelta(seconds=0.5)) == 0.5


def test_what_one_takes_is_not_taken_from_another() -> None:
    buckets = Buckets(per_second=1, burst=1)
    buckets.take("noisy", 1, NOW)

    assert buckets.take("noisy", 1, NOW) > 0
    assert buckets.take("quiet", 1, NOW) == 0


def test_more_than_a_bucket_holds_passes_when_it_is_full_and_is_paid_for_afterwards() -> None:
    buckets = Buckets(per_second=1, burst=10)

    assert buckets.take("a", 100, NOW) == 0
    assert buckets.take("a", 1, NOW) == 91
    assert buckets.take("a", 1, NOW + timedelta(seconds=91)) == 0


def test_a_clock_that_is_set_back_gives_nothing_and_takes_nothing() -> None:
    buckets = Buckets(per_second=1, burst=2)
    buckets.take("a", 1, NOW)

    assert buckets.take("a", 1, NOW - timedelta(hours=1)) == 0
    assert buckets.take("a", 1, NOW - timedelta(hours=1)) == 1


def test_no_more_is_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "MOST_KEPT", 2)
    buckets = Buckets(per_second=1, burst=1)

    for key in ("a", "b", "c"):
        buckets.take(key, 1, NOW)

    assert buckets.take("a", 1, NOW) == 0, "forgotten, so full"
    assert buckets.take("c", 1, NOW) > 0
