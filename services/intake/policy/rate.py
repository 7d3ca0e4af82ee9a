"""How often each of many may do something: a bucket of tokens each, filled at a steady rate."""

from collections import OrderedDict
from datetime import datetime
from typing import Final

MOST_KEPT: Final = 10_000
"""Buckets remembered; the one used longest ago is forgotten first, and is full when it is met again."""


class Buckets:
    """Buckets of one process: a fleet of n lets n times as much through."""

    def __init__(self, *, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._kept: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def take(self, key: str, cost: float, now: datetime) -> float:
        """Take `cost` tokens and return 0; where there are too few, take none and return the seconds until there are.

        What costs more than a bucket holds is let through when it is full, and paid for afterwards.
        """
        tokens, at = self._kept.pop(key, (self._burst, now))
        passed = max(0.0, (now - at).total_seconds())
        tokens = min(self._burst, tokens + self._per_second * passed)
        lacking = min(cost, self._burst) - tokens
        self._kept[key] = (tokens if lacking > 0 else tokens - cost, now)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return max(0.0, lacking / self._per_second)
