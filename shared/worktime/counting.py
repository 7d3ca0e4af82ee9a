"""Counting in a calendar: when is a length of working time over, and how much lies between two
instants.

Days follow China's Civil Code, Articles 200-203 (民法典): the day of the event does not count; the
period ends at 24:00 of its last day, or at the close of business where there are business hours. An
event on a closed day, or after closing, is no exception: the count starts with the next day. Where
Article 203 would move an end that falls on a holiday to the next day, calendar days here do not
move: the earlier deadline is the safe one for who must keep it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from shared.worktime.calendar import DAY_MINUTES, Calendar, NoOpenTime, Opening
from shared.worktime.terms import Term

SEARCH_DAYS = 3660
"""How far ahead a deadline is looked for: ten years."""


class Counted(NamedTuple):
    """One stretch that was counted (UTC), and why it counts."""

    start: datetime
    end: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Due:
    """When it is due (UTC), the stretches counted on the way, and what is uncertain about it."""

    at: datetime
    counted: tuple[Counted, ...]
    warnings: tuple[str, ...] = ()


def add_working(calendar: Calendar, start: datetime, work: timedelta) -> Due:
    """The instant at which `work` of open time has passed since `start`.

    No work is due at `start` itself. Work that ends exactly at closing is due at closing, not at
    the next opening. Raises ValueError for a naive start or negative work, NoOpenTime when ten
    years do not hold that much.
    """
    start = _utc(start)
    if work < timedelta():
        raise ValueError(f"working time is counted forward: {work} is negative")
    counted: list[Counted] = []
    left = work
    if not left:
        return Due(start, ())
    for opening in _openings_from(calendar, start):
        taken = min(left, opening.end - opening.start)
        counted.append(Counted(opening.start, opening.start + taken, opening.why))
        left -= taken
        if not left:
            return _due(calendar, start, counted)
    raise _too_far(calendar, start, f"{work} of open time")


def add_days(calendar: Calendar, start: datetime, days: int) -> Due:
    """The close of the `days`-th working day after the day of `start` (see the module for the
    rule).

    A working day is a local date with any open time. Raises ValueError for a naive start or fewer
    than one day, NoOpenTime when ten years do not hold that many.
    """
    start = _utc(start)
    if days < 1:
        raise ValueError(f"working days are counted from 1: {days} is too few")
    counted: list[Counted] = []
    first = calendar.local_date(start)
    for ahead in range(1, SEARCH_DAYS + 1):
        openings = calendar.openings_on(first + timedelta(days=ahead))
        if not openings:
            continue
        counted.append(
            Counted(
                openings[0].start, openings[-1].end, f"day {len(counted) + 1}: {openings[0].why}"
            )
        )
        if len(counted) == days:
            return _due(calendar, start, counted)
    raise _too_far(calendar, start, f"{days} working days")


def add_calendar_days(calendar: Calendar, start: datetime, days: int) -> Due:
    """The end (24:00 local time) of the `days`-th date after the day of `start`, open or not."""
    start = _utc(start)
    if days < 1:
        raise ValueError(f"days are counted from 1: {days} is too few")
    first = calendar.local_date(start)
    last = first + timedelta(days=days)
    opens = calendar.instant(first, DAY_MINUTES)
    at = calendar.instant(last, DAY_MINUTES)
    return Due(at, (Counted(opens, at, f"{days} calendar days after the day itself"),))


def add_term(calendar: Calendar, start: datetime, term: Term) -> Due:
    """When `term` is over: elapsed time, working time, days or working days, as its unit says."""
    match term.unit:
        case "wd":
            return add_days(calendar, start, term.days)
        case "d" | "w":
            return add_calendar_days(calendar, start, term.days)
        case "wm" | "wh":
            return add_working(calendar, start, term.length)
        case "m" | "h":
            at = _utc(start)
            return Due(at + term.length, (Counted(at, at + term.length, "elapsed time"),))


def working_between(calendar: Calendar, a: datetime, b: datetime) -> timedelta:
    """The open time from `a` to `b`; nothing when `b` is not after `a`.

    Raises ValueError for naive times.
    """
    return sum(
        (part.end - part.start for part in working_intervals(calendar, a, b)), start=timedelta()
    )


def working_intervals(calendar: Calendar, a: datetime, b: datetime) -> tuple[Counted, ...]:
    """The open stretches from `a` to `b`, in order, each with why it is open."""
    a, b = _utc(a), _utc(b)
    found: list[Counted] = []
    day, last = calendar.local_date(a), calendar.local_date(b)
    while day <= last:
        for opening in calendar.openings_on(day):
            start, end = max(opening.start, a), min(opening.end, b)
            if start < end:
                found.append(Counted(start, end, opening.why))
        day += timedelta(days=1)
    return tuple(found)


def next_open(calendar: Calendar, start: datetime) -> datetime:
    """`start` if the calendar is open then, else the next opening.

    Raises NoOpenTime after ten years.
    """
    start = _utc(start)
    for opening in _openings_from(calendar, start):
        return opening.start
    raise _too_far(calendar, start, "an opening")


def _openings_from(calendar: Calendar, start: datetime) -> Iterator[Opening]:
    """Open stretches at or after `start`, the first one cut to it."""
    first = calendar.local_date(start)
    for ahead in range(SEARCH_DAYS + 1):
        for opening in calendar.openings_on(first + timedelta(days=ahead)):
            if opening.end > start:
                yield opening._replace(start=max(opening.start, start))


def _due(calendar: Calendar, start: datetime, counted: list[Counted]) -> Due:
    at = counted[-1].end
    warnings = calendar.gap_warnings(calendar.local_date(start), calendar.local_date(at))
    return Due(at, tuple(counted), warnings)


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone: give an offset such as +08:00")
    return at.astimezone(UTC)


def _too_far(calendar: Calendar, start: datetime, what: str) -> NoOpenTime:
    return NoOpenTime(
        f"calendar {calendar.id} has not {what} within ten years of {start.isoformat()}: "
        "check its opening hours and exceptions, or ask for less"
    )
