"""Why a deadline is when it is: every stretch from its start on, what of it was counted, and why the rest was not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.followup.model import Timed
from services.followup.policy.amending import NOTHING
from services.followup.policy.clocks import Reading
from services.followup.policy.rules import FAR_AHEAD, Rules
from shared.worktime import Calendar, Counted, Uncounted, always_open, parse_term, uncounted


@dataclass(frozen=True, slots=True)
class Explained:
    """What was counted on the way to the deadline, what was not, and what is uncertain about it."""

    counted: tuple[Counted, ...]
    uncounted: tuple[Uncounted, ...]
    warnings: tuple[str, ...]


def explain(rules: Rules, reading: Reading, timed: Timed, *, now: datetime) -> Explained:
    """Every stretch from the start of a clock to its deadline; of one that stands still, until now."""
    plan, clock = reading.plan, rules.clock(reading.plan.clock)
    by = NOTHING
    if clock is not None:
        until = now if plan.resumes_at else FAR_AHEAD
        by = rules.amended(
            clock, timed, start=plan.started_at, stop=reading.clock.met_at, now=until
        )
    due = rules.counted(plan, by)
    counted, pauses = due.counted, by.pauses
    still: list[Uncounted] = []
    if plan.resumes_at is not None and pauses:
        since = pauses[-1].start
        counted, pauses = _until(counted, since), pauses[:-1]
        if reading.clock.state == "paused" and since < now:
            still = [Uncounted(since, now, "paused", by.pauses[-1].why)]
    calendar = _calendar(rules, reading)
    gaps = uncounted(calendar, plan.started_at, counted, pauses)
    return Explained(tuple(counted), (*gaps, *still), due.warnings)


def _until(counted: Sequence[Counted], end: datetime) -> tuple[Counted, ...]:
    return tuple(one._replace(end=min(one.end, end)) for one in counted if one.start < end)


def _calendar(rules: Rules, reading: Reading) -> Calendar:
    """The calendar that closed time is told by; time on the wall is never closed."""
    plan = reading.plan
    calendar = rules.calendar(plan.calendar)
    is_working = bool(plan.term) and parse_term(plan.term).is_working
    return calendar if is_working else always_open(calendar.zone)
