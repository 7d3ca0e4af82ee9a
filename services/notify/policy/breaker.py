"""When a provider is left alone for a while. Pure: time is an argument."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.notify.model import Result

PATIENCE: Final = 5
"""So many failures in a row open it."""
FIRST: Final = timedelta(seconds=5)
LONGEST: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Breaker:
    """Failures in a row, and until when nothing is tried; then one attempt says whether it works again."""

    failures: int = 0
    until: datetime | None = None

    def after(self, result: Result, *, now: datetime) -> "Breaker":
        """After an attempt: an answer of any kind shows a provider that works."""
        if result not in {"retry", "unknown"}:
            return Breaker()
        failures = self.failures + 1
        if failures < PATIENCE:
            return replace(self, failures=failures)
        pause = min(FIRST * 2 ** min(failures - PATIENCE, 10), LONGEST)
        return Breaker(failures, now + pause)

    def waits_for(self, now: datetime) -> timedelta | None:
        """How long to leave it alone; None when it may be tried."""
        return self.until - now if self.until and now < self.until else None

    @property
    def is_open(self) -> bool:
        return self.until is not None
