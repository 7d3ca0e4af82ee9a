"""When to try a message again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

ATTEMPT_LIMIT: Final = timedelta(seconds=30)
"""An attempt without an answer for so long is unknown."""
_STEPS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3_600, 3 * 3_600, 12 * 3_600)
)


def next_attempt(
    *,
    attempts: int,
    now: datetime,
    asked: float | None,
    draw: Callable[[], float],
    most: int | None = None,
) -> datetime | None:
    """When to try again after so many attempts; None to give up, at the latest after `most`.

    `draw` gives 0 to 1 for a jitter of ±20 %. A provider that asked to wait is not asked again sooner.
    """
    if attempts > len(_STEPS) or (most is not None and attempts >= most):
        return None
    wait = _STEPS[attempts - 1] * (0.8 + 0.4 * draw())
    return now + max(wait, timedelta(seconds=asked or 0))
