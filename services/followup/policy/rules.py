"""A case's pack, ready to count with: which clocks run, and when each is due."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from services.followup.model import Plan, Understanding
from shared.contracts.values import SEVERITIES, Severity
from shared.packs.calendars import calendar_of
from shared.packs.model import Clock, Pack
from shared.worktime import Calendar, Due, Term, add_term, parse_term

SEVEREST_FIRST: Final[tuple[Severity, ...]] = tuple(reversed(SEVERITIES))
STARTS: Final = frozenset({"received", "triage_requested", "resolved"})
STOPS: Final = frozenset(
    {
        "acknowledged", "understood", "contacted", "solution_proposed", "remedy_done", "resolved",
        "final_response", "callback_settled", "closed",
    }
)  # fmt: skip
"""The facts that a case can have: a clock that waits for another never runs, for nobody could ever meet it."""

REMEMBERED: Final = 4_000
"""Deadlines that a version of a pack keeps counted."""


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of a pack with its calendars; `zone` is for calendars that name none."""

    pack: Pack
    zone: str
    _clocks: list[Clock] = field(default_factory=list)
    _calendars: dict[str, Calendar] = field(default_factory=dict)
    _counted: dict[tuple[str, Term, datetime], Due] = field(default_factory=dict)
    _moments: dict[tuple[object, ...], Sequence[tuple[float, datetime]]] = field(
        default_factory=dict
    )

    def calendar(self, name: str) -> Calendar:
        """The calendar of that id. Raises KeyError."""
        if name not in self._calendars:
            self._calendars[name] = calendar_of(self.pack.calendar_spec(name), zone=self.zone)
        return self._calendars[name]

    @property
    def clocks(self) -> Sequence[Clock]:
        """The clocks that can run without a person asking for them."""
        if not self._clocks:
            self._clocks.extend(one for one in self.pack.clocks if _runs_by_itself(one))
        return self._clocks

    def applies(self, clock: Clock, understanding: Understanding, *, channel: str) -> bool:
        """Whether a clock runs for what was understood; while that is unsure, for any of its candidates."""
        if understanding.kind not in clock.kinds:
            return False
        if clock.channels and channel not in clock.channels:
            return False
        if not clock.categories:
            return True
        candidates = (
            understanding.categories if understanding.unsure else understanding.categories[:1]
        )
        return not set(clock.categories).isdisjoint(candidates)

    def count(self, *, term: str, calendar: str, start: datetime) -> Due:
        """When `term` from `start` is over, with every stretch counted on the way."""
        return self._count(calendar, parse_term(term), start)

    def _count(self, calendar: str, term: Term, start: datetime) -> Due:
        # A case's deadlines are looked at with every event about it: counting them is most of the work.
        place = calendar, term, start
        found = self._counted.get(place)
        if found is None:
            if len(self._counted) >= REMEMBERED:
                self._counted.clear()
            found = self._counted[place] = add_term(self.calendar(calendar), start, term)
        return found

    def plan(self, clock: Clock, *, severity: Severity | None, start: datetime) -> Plan | None:
        """When a clock that starts then is due; the earliest of all severities while none is known.

        None where it does not run for that severity.
        """
        wanted = [severity] if severity else SEVEREST_FIRST
        found = [one for one in (self._target(clock, each, start) for each in wanted) if one]
        return min(found, key=lambda plan: plan.due_at) if found else None

    def _target(self, clock: Clock, severity: Severity, start: datetime) -> Plan | None:
        term = clock.target(severity)
        if term is None:
            return None
        at = self._count(clock.calendar, term, start).at
        rule = f"{clock.name}: {term} in {clock.calendar} from {clock.starts} ({self.pack.ref})"
        limit = self._limit(clock, start)
        return Plan(
            clock=clock.name,
            started_at=start,
            due_at=min(at, limit) if limit else at,
            statutory_due_at=limit,
            term=str(term),
            calendar=clock.calendar,
            rule=rule,
        )

    def _limit(self, clock: Clock, start: datetime) -> datetime | None:
        term: Term | None = clock.statutory_term
        return self._count(clock.calendar, term, start).at if term else None

    def moments(self, plan: Plan) -> Sequence[tuple[float, datetime]]:
        """When which fraction of a clock's time is used up, in the time that its calendar counts. Without the whole."""
        place = plan.clock, plan.term, plan.calendar, plan.started_at, plan.due_at
        found = self._moments.get(place)
        if found is None:
            fractions = sorted({each for each in self.pack.clock(plan.clock).warn_at if each < 1})
            due = self.count(term=plan.term, calendar=plan.calendar, start=plan.started_at)
            all_ = [(each, moment(due, each)) for each in fractions]
            if len(self._moments) >= REMEMBERED:
                self._moments.clear()
            found = self._moments[place] = [(each, at) for each, at in all_ if at < plan.due_at]
        return found


def _runs_by_itself(clock: Clock) -> bool:
    return (
        clock.starts in STARTS
        and clock.stops in STOPS
        and clock.regime is None
        and not clock.optional
        and not clock.repeats
    )


def moment(due: Due, fraction: float) -> datetime:
    """When that fraction of the counted time has passed."""
    left = fraction * sum((part.end - part.start for part in due.counted), start=timedelta())
    for part in due.counted:
        length = part.end - part.start
        if left <= length:
            return part.start + left
        left -= length
    return due.at


def in_cycle(severity: Severity, cycle: int) -> Severity:
    """A reopened case is at least high (generic pack, section 5)."""
    if cycle > 1 and SEVERITIES.index(severity) < SEVERITIES.index("high"):
        return "high"
    return severity
