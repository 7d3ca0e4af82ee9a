"""Deadlines that stood still for a while, or were put off: the counted time is always that of the running stretches.

What a term counts (open time of a calendar, or time elapsed) is laid out first, extensions after it; then pauses are
cut out, and what they took is counted on behind the end. A pause outside what is counted (in the night, on the day of
the event) moves nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.worktime.calendar import Calendar
from shared.worktime.counting import Counted, Due, add_term, working_intervals
from shared.worktime.terms import Term

AHEAD_DAYS = 62
"""How much of a calendar is laid out at once behind a deadline."""
YEARS = timedelta(days=3660)
_NOTHING = timedelta()


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which a clock stands still (UTC), and why. `end` None: it still does."""

    start: datetime
    end: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Held:
    """Pauses as a cap leaves them, each with an end; `resumes_at` is when the cap ends one that is still open."""

    pauses: tuple[Pause, ...]
    resumes_at: datetime | None


@dataclass(frozen=True, slots=True)
class Uncounted:
    """A stretch that was not counted (UTC), and why: `closed`, `paused`, `first_day`."""

    start: datetime
    end: datetime
    why: str
    detail: str


def add_terms(
    calendar: Calendar, start: datetime, terms: Sequence[Term], pauses: Iterable[Pause] = ()
) -> Due:
    """When the first term, and each further one behind it, is over, with pauses left out.

    An open pause moves nothing yet: the deadline is what it would be if the clock ran again at once. Raises ValueError
    for terms of which one counts working time and another does not.
    """
    first, *more = terms
    if any(one.is_working != first.is_working for one in more):
        raise ValueError(
            f"{first} and {more[0]} are counted differently: put off working time by working time"
        )
    due = add_term(calendar, start, first)
    stretches, warnings = list(due.counted), [*due.warnings]
    for term in more:
        due = add_term(calendar, due.at, term)
        stretches += due.counted
        warnings += [one for one in due.warnings if one not in warnings]
    closed = [one for one in pauses if one.end is not None and one.end > stretches[0].start]
    if not any(one.start < due.at for one in closed):
        return Due(due.at, tuple(stretches), tuple(warnings))
    return _counted_on(calendar, stretches, closed, is_working=first.is_working, warnings=warnings)


def _counted_on(
    calendar: Calendar,
    stretches: Sequence[Counted],
    pauses: Sequence[Pause],
    *,
    is_working: bool,
    warnings: Sequence[str],
) -> Due:
    if is_working:  # a day's stretch goes over its lunch break: only open time is counted on
        stretches = [
            part._replace(why=one.why)
            for one in stretches
            for part in working_intervals(calendar, one.start, one.end)
        ]
    left = sum((one.end - one.start for one in stretches), _NOTHING)
    found: list[Counted] = []
    behind = _behind(calendar, stretches[-1].end, is_working=is_working)
    for one in (part for each in (stretches, behind) for part in each):
        for part in _without(one, pauses):
            end = min(part.end, part.start + left)
            found.append(part._replace(end=end))
            left -= end - part.start
            if not left:
                more = _gaps(calendar, found[0].start, end) if is_working else ()
                return Due(end, tuple(found), tuple(dict.fromkeys([*warnings, *more])))
    raise AssertionError("a calendar that exists opens again")


def _gaps(calendar: Calendar, start: datetime, end: datetime) -> tuple[str, ...]:
    return calendar.gap_warnings(calendar.local_date(start), calendar.local_date(end))


def _behind(calendar: Calendar, at: datetime, *, is_working: bool) -> Iterator[Counted]:
    if not is_working:
        yield Counted(at, at + YEARS, "elapsed time")
        return
    while True:
        until = at + timedelta(days=AHEAD_DAYS)
        yield from working_intervals(calendar, at, until)
        at = until


def _without(one: Counted, pauses: Iterable[Pause]) -> Iterator[Counted]:
    """The parts of a stretch outside the pauses, which are in order."""
    start = one.start
    for pause in pauses:
        if pause.end is None or pause.end <= start or pause.start >= one.end:
            continue
        if pause.start > start:
            yield one._replace(start=start, end=pause.start)
        start = pause.end
    if start < one.end:
        yield one._replace(start=start)


def cap(calendar: Calendar, pauses: Sequence[Pause], most: Term, *, since: datetime) -> Held:
    """The pauses (in order, none over another) from `since` on, cut where they have lasted `most` in all."""
    ours = [
        Pause(max(one.start, since), one.end, one.why)
        for one in pauses
        if one.end is None or one.end > max(one.start, since)
    ]
    if not ours:
        return Held((), None)
    budget = add_terms(calendar, ours[0].start, [most]).counted
    begins = budget[0].start
    left = _measured(calendar, begins, budget[-1].end, most)
    found: list[Pause] = []
    for pause in ours:
        limit = _after(calendar, max(pause.start, begins), left, most) if left else pause.start
        if limit <= pause.start:
            break
        if pause.end is None:
            return Held((*found, pause), limit)
        end = min(pause.end, limit)
        found.append(Pause(pause.start, end, pause.why))
        left -= _measured(calendar, max(pause.start, begins), end, most)
    return Held(tuple(found), None)


def _measured(calendar: Calendar, start: datetime, end: datetime, unit: Term) -> timedelta:
    if end <= start:
        return _NOTHING
    if not unit.is_working:
        return end - start
    return sum((one.end - one.start for one in working_intervals(calendar, start, end)), _NOTHING)


def _after(calendar: Calendar, start: datetime, left: timedelta, unit: Term) -> datetime:
    for one in _behind(calendar, start, is_working=unit.is_working):
        if left <= one.end - one.start:
            return one.start + left
        left -= one.end - one.start
    raise AssertionError("a calendar that exists opens again")


def uncounted(
    calendar: Calendar, start: datetime, counted: Sequence[Counted], pauses: Iterable[Pause]
) -> list[Uncounted]:
    """Every stretch between `start` and the end of what was counted that was not, and why, in order."""
    found: list[Uncounted] = []
    at = start
    for one in counted:
        if at < one.start:
            found += _gap(calendar, at, one.start, pauses, is_first=one is counted[0])
        at = max(at, one.end)
    return found


def _gap(
    calendar: Calendar, start: datetime, end: datetime, pauses: Iterable[Pause], *, is_first: bool
) -> Iterator[Uncounted]:
    at = start
    for pause in pauses:
        until = end if pause.end is None else pause.end
        begun = max(pause.start, at)
        if begun >= min(until, end):
            continue
        yield from _closed(calendar, at, begun, is_first=is_first)
        at = min(until, end)
        yield Uncounted(begun, at, "paused", pause.why)
    yield from _closed(calendar, at, end, is_first=is_first)


def _closed(
    calendar: Calendar, start: datetime, end: datetime, *, is_first: bool
) -> Iterator[Uncounted]:
    """A stretch of no pause, by local day: why each was closed. Open time of the first day is the event's own day."""
    first = calendar.local_date(start)
    while start < end:
        day = calendar.local_date(start)
        until = min(end, calendar.instant(day + timedelta(days=1), 0))
        if is_first and day == first and working_intervals(calendar, start, until):
            yield Uncounted(start, until, "first_day", "the day of the event does not count")
        else:
            yield Uncounted(start, until, "closed", _why(calendar, day))
        start = until


def _why(calendar: Calendar, day: date) -> str:
    shifts, why = calendar.shifts_on(day)
    return f"{why}: outside opening hours" if shifts else f"{why}: closed"
