"""How often one number may be asked about from outside: a bucket of tokens a number, in this process's memory.

It guards the code against guessing (80 random bits do not need it) and the service against loops. Each process counts
for itself, so a fleet of n lets n times as many through.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Final

BURST: Final = 20.0
PER_SECOND: Final = 0.5
MOST_NUMBERS: Final = 10_000
"""Numbers remembered; the one asked about longest ago is forgotten first."""


class Throttle:
    """Counts what was asked about each number. `now` gives the time in UTC."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def take(self, number: str) -> bool:
        """Whether one more question about this number is let through now."""
        now = self._now()
        tokens, at = self._buckets.pop(number, (BURST, now))
        tokens = min(BURST, tokens + PER_SECOND * max(0.0, (now - at).total_seconds()))
        is_let_in = tokens >= 1
        self._buckets[number] = (tokens - 1 if is_let_in else tokens, now)
        if len(self._buckets) > MOST_NUMBERS:
            self._buckets.popitem(last=False)
        return is_let_in
