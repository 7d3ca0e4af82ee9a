"""A calendar: when a place is open, by week, date and public holiday, in its own time zone."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.worktime.holidays import public_days

HOUR_MINUTES = 60
DAY_MINUTES = 24 * HOUR_MINUTES
_SHIFT = re.compile(r"\A(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\Z")


class CalendarError(ValueError):
    """A calendar that cannot be counted with. The message says what to change."""


class NoOpenTime(CalendarError):
    """The calendar is never open, or not within the years searched."""


class Shift(NamedTuple):
    """Open from `start` to before `end`, in minutes of the local day (1440: its end)."""

    start: int
    end: int

    def __str__(self) -> str:
        return "-".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in self)


def parse_shift(text: str) -> Shift:
    """Read `09:00-12:00`; `24:00` is the end of the day. Raises CalendarError."""
    match = _SHIFT.match(text.strip())
    if not match:
        raise CalendarError(f"{text!r} is no shift: write it as 09:00-12:00")
    hours, minutes = [int(match[1]), int(match[3])], [int(match[2]), int(match[4])]
    shift = Shift(hours[0] * 60 + minutes[0], hours[1] * 60 + minutes[1])
    if max(minutes) >= HOUR_MINUTES or shift.end > DAY_MINUTES:
        raise CalendarError(f"{text!r} is no time of day: hours go to 24:00, minutes to 59")
    if shift.start >= shift.end:
        raise CalendarError(
            f"{text!r} ends before it starts: split a shift over midnight into two days"
        )
    return shift


@dataclass(frozen=True, slots=True)
class DayException:
    """A date that differs: its shifts (none: closed) and why."""

    shifts: tuple[Shift, ...]
    why: str


class Opening(NamedTuple):
    """One stretch of open time in UTC, with the reason it is open."""

    start: datetime
    end: datetime
    why: str


REMEMBERED_DAYS = 4_000
"""Days whose openings a calendar keeps: deadlines of one time look at the same few again and again."""
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Calendar:
    """Opening hours in `zone` (IANA name).

    A date's shifts come from `exceptions`, else from the public holidays and make-up workdays of
    `holidays` (a make-up workday has the shifts of the first open weekday), else from `week`,
    Monday first. Years in `complete_years` have their whole official schedule in `exceptions`.
    Raises CalendarError (NoOpenTime) when built wrong, so that a calendar which exists can be
    counted with.
    """

    id: str
    zone: str
    week: tuple[tuple[Shift, ...], ...]
    exceptions: Mapping[date, DayException] = field(default_factory=dict)
    holidays: str | None = None
    complete_years: frozenset[int] = frozenset()
    _openings: dict[date, tuple[Opening, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not is_zone(self.zone):
            raise CalendarError(
                f"calendar {self.id}: {self.zone!r} is no time zone: "
                "use an IANA name such as Asia/Shanghai"
            )
        if len(self.week) != len(_WEEKDAYS):
            raise CalendarError(f"calendar {self.id}: a week has seven days, Monday first")
        named = [*zip(_WEEKDAYS, self.week, strict=True)]
        named += [(day.isoformat(), exception.shifts) for day, exception in self.exceptions.items()]
        for name, shifts in named:
            self._refuse_wrong_shifts(name, shifts)
        if not any(shifts for _, shifts in named):
            raise NoOpenTime(f"calendar {self.id} is never open: give at least one weekday a shift")

    def _refuse_wrong_shifts(self, day: str, shifts: Sequence[Shift]) -> None:
        for shift in shifts:
            if not 0 <= shift.start < shift.end <= DAY_MINUTES:
                raise CalendarError(f"calendar {self.id}, {day}: {shift} is no shift within a day")
        for earlier, later in pairwise(shifts):
            if later.start < earlier.end:
                raise CalendarError(
                    f"calendar {self.id}, {day}: {earlier} and {later} overlap or are out of order"
                )

    def local_date(self, at: datetime) -> date:
        """The date in the calendar's zone."""
        return at.astimezone(ZoneInfo(self.zone)).date()

    def shifts_on(self, day: date) -> tuple[tuple[Shift, ...], str]:
        """The shifts of a date and why it has them."""
        if exception := self.exceptions.get(day):
            return exception.shifts, exception.why
        if self.holidays and day.year not in self.complete_years:
            special = public_days(self.holidays, day.year).days.get(day)
            if special:
                return (self._ordinary_shifts if special.works else ()), special.name
        return self.week[day.weekday()], _WEEKDAYS[day.weekday()]

    @property
    def _ordinary_shifts(self) -> tuple[Shift, ...]:
        return next((shifts for shifts in self.week if shifts), ())

    def openings_on(self, day: date) -> tuple[Opening, ...]:
        """The open stretches of a date in UTC, in order. An hour the clocks skip is not there; one
        they repeat counts twice.
        """
        found = self._openings.get(day)
        if found is None:
            if len(self._openings) >= REMEMBERED_DAYS:
                self._openings.clear()
            found = self._openings[day] = tuple(self._find_openings(day))
        return found

    def _find_openings(self, day: date) -> list[Opening]:
        shifts, why = self.shifts_on(day)
        found: list[Opening] = []
        for shift in shifts:
            start, end = self.instant(day, shift.start, at_end=False), self.instant(day, shift.end)
            if found:
                # Shifts that meet within a repeated hour would count it a third time.
                start = max(start, found[-1].end)
            if start < end:
                found.append(Opening(start, end, why))
        return found

    def instant(self, day: date, minute: int, *, at_end: bool = True) -> datetime:
        """The UTC instant of a local minute of `day`. Of an hour that comes twice an end is the
        later one and a start the earlier; in an hour that is skipped both are the moment the clocks
        jump.
        """
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - local wall time, made aware below
        wall = midnight + timedelta(minutes=minute)
        zone = ZoneInfo(self.zone)
        earlier, later = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if earlier <= later:
            # Midnight at the end of a date is where the next one begins, even when it comes twice.
            return later if at_end and minute < DAY_MINUTES else earlier
        return self._jump_between(later, earlier)

    def _jump_between(self, low: datetime, high: datetime) -> datetime:
        """The instant within [low, high] at which the zone's offset changes, to the second."""
        zone = ZoneInfo(self.zone)
        before = low.astimezone(zone).utcoffset()
        while high - low > timedelta(seconds=1):
            middle = (low + (high - low) / 2).replace(microsecond=0)
            if middle.astimezone(zone).utcoffset() == before:
                low = middle
            else:
                high = middle
        return high

    def gap_warnings(self, first: date, last: date) -> tuple[str, ...]:
        """One sentence for each year between the dates whose official holidays are not known."""
        return tuple(self._gaps(first, last))

    def _gaps(self, first: date, last: date) -> Iterator[str]:
        if not self.holidays:
            return
        for year in range(first.year, last.year + 1):
            known = year in self.complete_years
            if not known and not public_days(self.holidays, year).is_complete:
                yield (
                    f"calendar {self.id}: the holiday schedule of {self.holidays} for {year} "
                    f"is not known; counted without make-up workdays. Add {year} to the "
                    "calendar's exceptions and complete_years."
                )


def is_zone(name: str) -> bool:
    """Whether there is such an IANA time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def always_open(zone: str = "UTC") -> Calendar:
    """The calendar that never closes."""
    return Calendar(id="24x7", zone=zone, week=((Shift(0, DAY_MINUTES),),) * 7)
