"""Working hours that come again every week, as people write them: `Mon-Fri 09:00-12:00 13:00-18:00; Sat 09:00-12:00`,
`周一至周五 09:00-18:00`.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from shared.worktime import Calendar, CalendarError, Shift, parse_shift

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CHINESE: Final = {"周一": "mon", "周二": "tue", "周三": "wed", "周四": "thu", "周五": "fri", "周六": "sat",
                   "周日": "sun", "周天": "sun", "至": "-", "到": "-", "；": ";", "：": ":", "，": " ", "、": " "}  # fmt: skip
_DAY: Final = re.compile(rf"({'|'.join(_DAYS)})(?:-({'|'.join(_DAYS)}))?\Z")
LOOK_AHEAD: Final = timedelta(days=8)


@lru_cache(maxsize=4_096)
def read_hours(text: str, zone: str) -> Calendar:
    """The hours as a calendar. Raises CalendarError, which says what to change."""
    plain = text.lower()
    for chinese, latin in _CHINESE.items():
        plain = plain.replace(chinese, latin)
    week: list[list[Shift]] = [[] for _ in _DAYS]
    for part in filter(None, (one.strip() for one in plain.split(";"))):
        days, *shifts = part.split()
        if not shifts:
            raise CalendarError(f"{part!r} has no hours: write it as Mon-Fri 09:00-18:00")
        for day in _days(days):
            week[day] += map(parse_shift, shifts)
    return Calendar("hours", zone, tuple(tuple(sorted(day)) for day in week))


def _days(text: str) -> Iterator[int]:
    match = _DAY.match(text)
    if not match:
        raise CalendarError(f"{text!r} is no day: write Mon or Mon-Fri, 周一 or 周一至周五")
    first = _DAYS.index(match[1])
    last = _DAYS.index(match[2]) if match[2] else first
    for step in range((last - first) % len(_DAYS) + 1):
        yield (first + step) % len(_DAYS)


def is_within(text: str, zone: str, now: datetime) -> bool:
    """Whether `now` lies within the hours."""
    calendar = read_hours(text, zone)
    openings = calendar.openings_on(calendar.local_date(now))
    return any(one.start <= now < one.end for one in openings)


def next_change(text: str, zone: str, now: datetime) -> datetime | None:
    """When the hours next begin or end, within eight days."""
    calendar = read_hours(text, zone)
    day, end = calendar.local_date(now), calendar.local_date(now + LOOK_AHEAD)
    found: list[datetime] = []
    while day <= end and not found:
        found = [at for one in calendar.openings_on(day) for at in (one.start, one.end) if at > now]
        day += timedelta(days=1)
    return min(found, default=None)
