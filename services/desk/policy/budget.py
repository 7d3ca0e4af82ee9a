"""How often something costly may be done for people whom nobody knows: tokens that fill up again."""

from datetime import datetime


class Budget:
    """`burst` at once, then `per_second`."""

    def __init__(self, *, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._left = burst
        self._at: datetime | None = None

    def take(self, now: datetime) -> bool:
        """Whether it may be done once more."""
        passed = (now - self._at).total_seconds() if self._at else 0.0
        self._at = now
        self._left = min(self._burst, self._left + max(0.0, passed) * self._per_second)
        if self._left < 1:
            return False
        self._left -= 1
        return True
