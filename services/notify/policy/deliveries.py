"""When a webhook is tried again, and when it is left alone."""

from datetime import datetime, timedelta
from typing import Final, Literal

STEPS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (0, 5, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600, 10 * 3_600)
)
"""As Standard Webhooks advises; the last repeats, for nothing is lost while the webhook is not left alone."""
PATIENCE: Final = timedelta(days=5)
"""Failing for so long, it is left alone until somebody sets it going again."""
LIMIT: Final = timedelta(seconds=30)
"""A delivery without an end for so long has none."""
GONE: Final = 410
Health = Literal["active", "failing", "gone"]


def next_delivery(*, attempts: int, now: datetime, asked: float | None, jitter: float) -> datetime:
    """When to try again after so many attempts. `jitter` (0 to 1) spreads by ±20 %."""
    wait = STEPS[min(attempts, len(STEPS) - 1)] * (0.8 + 0.4 * jitter)
    return now + max(wait, timedelta(seconds=min(asked or 0, 3_600)))


def health_after(*, status: int | None, failing_since: datetime | None, now: datetime) -> Health:
    """Whether a webhook that just failed goes on, was failing for too long, or is gone by its receiver's word."""
    if status == GONE:
        return "gone"
    return "failing" if failing_since is not None and now - failing_since >= PATIENCE else "active"
