"""What is kept of a case's clocks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

ClockFactName = Literal[
    "started", "replanned", "paused", "resumed", "extended", "cancelled", "stopped", "ended", "warned", "breached"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClockFact:
    """One thing that happened to one clock of one cycle; only ever added.

    Plans (`started`, `replanned`, `paused`, `resumed`, `extended`, `cancelled`) rest on the understanding at place
    `basis` and on so much of what people did to the clocks (`revision`), in force from `since`. A clock that runs anew
    within a cycle does so in a later `episode`. While it is paused, `resumes_at` is when it runs again at the latest.
    """

    cycle: int
    clock: str
    fact: ClockFactName
    at: datetime
    episode: int = 0
    basis: int = 0
    since: datetime | None = None
    started_at: datetime | None = None
    due_at: datetime | None = None
    statutory_due_at: datetime | None = None
    term: str = ""
    calendar: str = ""
    rule: str = ""
    fraction: float | None = None
    revision: int = 0
    resumes_at: datetime | None = None

    @property
    def place(self) -> tuple[int, int]:
        """Of two plans the one with the higher place holds."""
        return self.basis, self.revision


@dataclass(frozen=True, slots=True)
class Plan:
    """When a clock is due, by which rule. `change` is what the last of its revisions did."""

    clock: str
    started_at: datetime
    due_at: datetime
    statutory_due_at: datetime | None
    term: str
    calendar: str
    rule: str
    basis: int = 0
    since: datetime | None = None
    episode: int = 0
    revision: int = 0
    resumes_at: datetime | None = None
    change: ClockFactName = "replanned"

    @property
    def place(self) -> tuple[int, int]:
        """Of two plans the one with the higher place holds."""
        return self.basis, self.revision
