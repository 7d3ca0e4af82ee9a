"""From opening hours as a pack writes them to the calendar that counts."""

from shared.packs.parts import CalendarSpec
from shared.worktime.calendar import Calendar, CalendarError, DayException, Shift, parse_shift
from shared.worktime.holidays import public_days

DEFAULT_ZONE = "Asia/Shanghai"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def calendar_of(spec: CalendarSpec, *, zone: str = DEFAULT_ZONE) -> Calendar:
    """The calendar of `spec`, in its own zone or else in `zone`. Raises CalendarError."""
    week: list[tuple[Shift, ...]] = [()] * len(_DAYS)
    for days, shifts in spec.open.items():
        for day in _days_of(days):
            if week[day]:
                raise CalendarError(
                    f"calendar {spec.id}: {_DAYS[day]} stands twice: give each day once"
                )
            week[day] = tuple(map(parse_shift, shifts))
    exceptions = {
        day.date: DayException(tuple(map(parse_shift, day.open)), day.why)
        for day in spec.exceptions
    }
    if spec.holidays:
        _refuse_unknown_place(spec)
    return Calendar(
        id=spec.id,
        zone=spec.zone or zone,
        week=tuple(week),
        exceptions=exceptions,
        holidays=spec.holidays,
        complete_years=frozenset(spec.complete_years),
    )


def _refuse_unknown_place(spec: CalendarSpec) -> None:
    try:
        public_days(spec.holidays or "", 2026)
    except ValueError as error:
        raise CalendarError(f"calendar {spec.id}: {error}") from error


def _days_of(text: str) -> range | list[int]:
    """`mon`, `mon-fri` or `daily` as positions in the week."""
    if text == "daily":
        return range(len(_DAYS))
    first, _, last = text.partition("-")
    if first in _DAYS and (not last or last in _DAYS):
        start, end = _DAYS.index(first), _DAYS.index(last or first)
        if start <= end:
            return range(start, end + 1)
    raise CalendarError(f"{text!r} is no day: write mon, mon-fri or daily, Monday first")
