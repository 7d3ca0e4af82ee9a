"""How long: `5m`, `24h`, `15d`, `8w` of calendar time; `30wm`, `8wh`, `2wd` of working time."""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Literal

Unit = Literal["m", "h", "d", "w", "wm", "wh", "wd"]

_FORM = re.compile(r"\A([1-9]\d{0,4})(wm|wh|wd|m|h|d|w)\Z")
_CLOCK_TIME = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "wm": timedelta(minutes=1),
    "wh": timedelta(hours=1),
}


@dataclass(frozen=True, slots=True)
class Term:
    """A length of time with its unit.

    `m` and `h` elapse by the clock on the wall; `wm` and `wh` only while the calendar is open; `d`
    and `w` are whole calendar days and weeks, `wd` working days: the day of the event does not
    count, the last one counts to its end.
    """

    amount: int
    unit: Unit

    @property
    def is_working(self) -> bool:
        """Whether it is counted in the calendar's open time or open days."""
        return self.unit in ("wm", "wh", "wd")

    @property
    def length(self) -> timedelta:
        """The time it takes, for units that are not days. Raises ValueError for days."""
        if self.unit not in _CLOCK_TIME:
            raise ValueError(f"{self} is counted in days: ask for `days`")
        return self.amount * _CLOCK_TIME[self.unit]

    @property
    def days(self) -> int:
        """The number of days, for units that are days. Raises ValueError for others."""
        if self.unit not in ("d", "w", "wd"):
            raise ValueError(f"{self} is not counted in days: ask for `length`")
        return self.amount * (7 if self.unit == "w" else 1)

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


@lru_cache(maxsize=1_000)
def parse_term(text: str) -> Term:
    """Read `24h` or `2wd`. Raises ValueError that says what is allowed."""
    match = _FORM.match(text.strip())
    if not match:
        raise ValueError(
            f"{text!r} is no length of time: write a whole number and a unit, "
            "m h d w for calendar time or wm wh wd for working time, such as 30m, 24h, 8wh or 2wd"
        )
    unit = match[2]
    for known in ("m", "h", "d", "w", "wm", "wh", "wd"):
        if unit == known:
            return Term(int(match[1]), known)
    raise AssertionError(unit)
