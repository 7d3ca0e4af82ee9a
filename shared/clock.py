"""The only place that asks what time it is. Everything else is handed `now`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Tells the time as an aware datetime in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock, corrected by `offset` where a database server keeps the common time."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


class FixedClock:
    """A clock that only moves when told to: for tests in one process."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def advance(self, by: timedelta) -> None:
        self._at += by


class FileClock:
    """The clock that a file sets: for tests across processes.

    The file holds the seconds by which it is ahead of the system's, or `=` and the Unix time at which it stands still.
    It is read at every call, so that a test moves every process at once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        try:
            text = self._path.read_text()
            if text.startswith("="):
                return datetime.fromtimestamp(float(text[1:]), UTC)
            shift = float(text or 0)
        except (FileNotFoundError, ValueError):
            shift = 0.0
        return datetime.now(UTC) + timedelta(seconds=shift)
