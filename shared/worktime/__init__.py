"""Working time: calendars with zones and holidays, and how long a length of time takes in one.

Pure: nothing here reads a clock, a file or a database. Everything is counted in UTC instants, so a
day on which the clocks change is as long as it really is.
"""

from shared.worktime.calendar import (
    Calendar,
    CalendarError,
    DayException,
    NoOpenTime,
    Shift,
    always_open,
    is_zone,
    parse_shift,
)
from shared.worktime.counting import (
    Counted,
    Due,
    add_calendar_days,
    add_days,
    add_term,
    add_working,
    next_open,
    working_between,
    working_intervals,
)
from shared.worktime.holidays import PublicDay, PublicDays, public_days
from shared.worktime.pausing import Held, Pause, Uncounted, add_terms, cap, uncounted
from shared.worktime.terms import Term, parse_term

__all__ = [
    "Calendar",
    "CalendarError",
    "Counted",
    "DayException",
    "Due",
    "Held",
    "NoOpenTime",
    "Pause",
    "PublicDay",
    "PublicDays",
    "Shift",
    "Term",
    "Uncounted",
    "add_calendar_days",
    "add_days",
    "add_term",
    "add_terms",
    "add_working",
    "always_open",
    "cap",
    "is_zone",
    "next_open",
    "parse_shift",
    "parse_term",
    "public_days",
    "uncounted",
    "working_between",
    "working_intervals",
]
