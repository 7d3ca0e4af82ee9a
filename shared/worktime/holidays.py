"""Public holidays and make-up workdays (调休) of a country and year, from the `holidays` library.

The library knows China's official schedule, with its make-up days, up to the last year the State
Council has published; for later years it gives the holidays themselves but no make-up days, which
is marked `is_complete` False. A pack can ship a year's schedule itself (`complete_years` of a
calendar).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

_SCHEDULED = frozenset({"CN"})
"""Countries whose schedule is decreed year by year, with workdays moved to weekends."""


@dataclass(frozen=True, slots=True)
class PublicDay:
    """What a date is by decree: a holiday, or (`works`) a weekend day on which people work."""

    name: str
    works: bool = False


@dataclass(frozen=True, slots=True)
class PublicDays:
    """A country's special dates in one year, and whether they are the published schedule."""

    days: Mapping[date, PublicDay] = field(default_factory=dict)
    is_complete: bool = True


@lru_cache(maxsize=512)
def public_days(place: str, year: int) -> PublicDays:
    """The special days of `place` (`CN`, `GB-ENG`) in `year`.

    Raises ValueError for an unknown place.
    """
    import holidays

    country, _, part = place.partition("-")
    try:
        known = holidays.country_holidays(
            country, subdiv=part or None, years=year, language="en_US", expand=False
        )
    except NotImplementedError as error:
        raise ValueError(
            f"no public holidays are known for {place!r}: use an ISO 3166 code such as CN, GB-ENG "
            "or US, or leave `holidays` out and list the dates as exceptions"
        ) from error
    days = {day: PublicDay(name) for day, name in known.items() if day.year == year}
    makeup = {day for day in known.weekend_workdays if day.year == year}
    days |= {day: PublicDay("make-up workday", works=True) for day in makeup}
    within = known.start_year <= year <= known.end_year
    return PublicDays(days, is_complete=within and bool(makeup or country not in _SCHEDULED))
