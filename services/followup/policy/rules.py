"""A case's pack, ready to count with: which clocks run, and when each is due."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from services.followup.model import Case, Plan, Timed, Understanding
from services.followup.policy.amending import NOTHING, Amended, amended, asked
from shared.contracts.values import SEVERITIES, Severity
from shared.packs.calendars import calendar_of
from shared.packs.model import KINDS, Clock, Pack, Text
from shared.worktime import Calendar, Counted, Due, Term, add_term, add_terms, parse_term

SEVEREST_FIRST: Final[tuple[Severity, ...]] = tuple(reversed(SEVERITIES))
REGULATOR: Final = Clock(
    name="regulator",
    title=Text(zh="监管部门时限", en="The regulator's own deadline"),
    stops="final_response",
    kinds=KINDS,
    targets={},
)
"""Runs where an authority passed the complaint on with a deadline of its own. Nothing pauses it."""

FAR_AHEAD: Final = datetime(9999, 1, 1, tzinfo=UTC)
REMEMBERED: Final = 4_000
"""Deadlines that a version of a pack keeps counted."""


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of a pack with its calendars; `zone` is for calendars that name none."""

    pack: Pack
    zone: str
    _clocks: list[Clock] = field(default_factory=list)
    _bases: dict[str, Severity] = field(default_factory=dict)
    _calendars: dict[str, Calendar] = field(default_factory=dict)
    _counted: dict[tuple[str, Term, datetime], Due] = field(default_factory=dict)
    _targets: dict[tuple[str, str, Term, datetime], Plan] = field(default_factory=dict)
    _moments: dict[tuple[object, ...], Sequence[tuple[float, datetime]]] = field(
        default_factory=dict
    )

    def calendar(self, name: str, *, zone: str | None = None) -> Calendar:
        """The calendar of that id, in another zone than its own if one is given. Raises KeyError."""
        place = f"{name}@{zone}" if zone else name
        if place not in self._calendars:
            spec = self.pack.calendar_spec(name)
            spec = spec.model_copy(update={"zone": zone}) if zone else spec
            self._calendars[place] = calendar_of(spec, zone=self.zone)
        return self._calendars[place]

    @property
    def clocks(self) -> Sequence[Clock]:
        """The clocks that run without anybody asking for them, for any complaint they are about."""
        if not self._clocks:
            self._clocks.extend(
                one
                for one in self.pack.clocks
                if not one.optional and (one.regime is None or one.regime in self.pack.pack.regimes)
            )
        return self._clocks

    def clocks_of(self, case: Case) -> Sequence[Clock]:
        """The clocks that may run for a case: also those of its regulator, and those that somebody asked for."""
        receipt, wanted = case.received, asked(case.timed)
        if receipt.authority is None and not wanted:
            return self.clocks
        found = [
            one
            for one in self.pack.clocks
            if one in self.clocks or one.name in wanted or receipt.authority in one.authorities
        ]
        is_set = receipt.authority_due_at is not None and case.cycle == 1
        return [*found, REGULATOR] if is_set else found

    def clock(self, name: str) -> Clock | None:
        """The clock of that name; None where this version of the pack has none."""
        if name == REGULATOR.name:
            return REGULATOR
        return next((one for one in self.pack.clocks if one.name == name), None)

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

    def severity(self, understanding: Understanding) -> Severity:
        """How bad it is to the clocks; while what it is is unsure, as bad as the strictest of its candidates."""
        if not understanding.unsure or understanding.kind != "complaint":
            return understanding.severity
        if not self._bases:
            self._bases.update((one.code, one.base_severity) for one in self.pack.taxonomy)
        bases = [self._bases[one] for one in understanding.categories if one in self._bases]
        return max([understanding.severity, *bases], key=SEVERITIES.index)

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

    def amended(
        self, clock: Clock, timed: Timed, *, start: datetime, stop: datetime | None, now: datetime
    ) -> Amended:
        """What people did to a clock, as it counts."""
        if not timed.amendments:
            return NOTHING
        return amended(
            timed, clock.name, calendar=self.calendar(clock.calendar),
            most=parse_term(self.pack.pausing.cap) if clock.pausable else None,
            start=start, stop=stop, now=now,
        )  # fmt: skip

    def plan(
        self, clock: Clock, *, severity: Severity | None, start: datetime, by: Amended = NOTHING
    ) -> Plan | None:
        """When a clock that starts then is due; the earliest of all severities while none is known.

        None where it does not run for that severity.
        """
        wanted = [severity] if severity else SEVEREST_FIRST
        found = [one for one in (self._target(clock, each, start, by) for each in wanted) if one]
        return min(found, key=lambda plan: plan.due_at) if found else None

    def set_by(self, authority: str, due: datetime, *, start: datetime, by: Amended) -> Plan:
        """The plan of an authority's own deadline: only the authority puts it off."""
        at = due
        for term in by.extensions:
            at = add_term(self.calendar(REGULATOR.calendar), at, term).at
        rule = f"regulator: {due.isoformat()} as set by {authority}{_put_off(by)}"
        return _revised(
            Plan(REGULATOR.name, start, at, at, "", REGULATOR.calendar, rule), by, due=at
        )

    def _target(
        self, clock: Clock, severity: Severity, start: datetime, by: Amended
    ) -> Plan | None:
        term = clock.target(severity)
        if term is None:
            return None
        if by is not NOTHING:
            return self._amended_target(clock, term, start, by)
        # A case's clocks are planned anew with every event about it.
        place = clock.name, clock.calendar, term, start
        found = self._targets.get(place)
        if found is None:
            if len(self._targets) >= REMEMBERED:
                self._targets.clear()
            found = self._targets[place] = self._counted_target(clock, term, start)
        return found

    def _counted_target(self, clock: Clock, term: Term, start: datetime) -> Plan:
        at = self._count(clock.calendar, term, start).at
        limit = self._limit(clock, start)
        return Plan(
            clock=clock.name,
            started_at=start,
            due_at=min(at, limit) if limit else at,
            statutory_due_at=limit,
            term=str(term),
            calendar=clock.calendar,
            rule=f"{clock.name}: {term} in {clock.calendar} from {clock.starts} ({self.pack.ref})",
        )

    def _amended_target(self, clock: Clock, term: Term, start: datetime, by: Amended) -> Plan:
        calendar = self.calendar(clock.calendar)
        at = add_terms(calendar, start, [term, *by.extensions], by.pauses).at
        limit = self._limit(clock, start)
        due = min(at, limit) if limit else at
        plan = self._counted_target(clock, term, start)
        return _revised(replace(plan, due_at=due, rule=f"{plan.rule}{_put_off(by)}"), by, due=due)

    def _limit(self, clock: Clock, start: datetime) -> datetime | None:
        term: Term | None = clock.statutory_term
        return self._count(clock.calendar, term, start).at if term else None

    def counted(self, plan: Plan, by: Amended = NOTHING) -> Due:
        """What a plan counts on its way to the deadline, cut at the limit set by law."""
        if not plan.term:
            stretch = Counted(plan.started_at, plan.due_at, "as set by the authority")
            return Due(plan.due_at, (stretch,))
        terms = [parse_term(plan.term), *by.extensions]
        due = add_terms(self.calendar(plan.calendar), plan.started_at, terms, by.pauses)
        if due.at <= plan.due_at:
            return due
        cut = [one for one in due.counted if one.start < plan.due_at]
        cut[-1:] = [cut[-1]._replace(end=min(cut[-1].end, plan.due_at))] if cut else []
        return Due(plan.due_at, tuple(cut), due.warnings)

    def moments(self, plan: Plan, timed: Timed) -> Sequence[tuple[float, datetime]]:
        """When which fraction of a clock's time is used up, in the time that its calendar counts. Without the whole."""
        clock = self.clock(plan.clock)
        if clock is None:
            return ()
        if timed.amendments:
            # It runs now: a pause that is still open was ended by the cap, or began too late to stop it.
            by = self.amended(clock, timed, start=plan.started_at, stop=None, now=FAR_AHEAD)
            return _fractions(clock, plan, self.counted(plan, by))
        place = plan.clock, plan.term, plan.calendar, plan.started_at, plan.due_at
        found = self._moments.get(place)
        if found is None:
            if len(self._moments) >= REMEMBERED:
                self._moments.clear()
            found = self._moments[place] = _fractions(clock, plan, self.counted(plan))
        return found


def _fractions(clock: Clock, plan: Plan, due: Due) -> Sequence[tuple[float, datetime]]:
    fractions = sorted({each for each in clock.warn_at if each < 1})
    return [(each, at) for each in fractions if (at := moment(due, each)) < plan.due_at]


def _revised(plan: Plan, by: Amended, *, due: datetime) -> Plan:
    """A plan with what was done to it. A pause that begins after the deadline stops nothing any more."""
    is_late = bool(by.pauses) and by.pauses[-1].start >= due
    return replace(
        plan,
        revision=by.revision,
        since=by.since,
        resumes_at=None if is_late else by.resumes_at,
        change="replanned" if is_late and by.change == "paused" else by.change,
    )


def _put_off(by: Amended) -> str:
    return "".join(f" + {term}" for term in by.extensions)


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
