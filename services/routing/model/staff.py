"""Staff data as it is given: teams, handlers, shifts and leaves. Times are instants; ids are accounts'."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.packs.words import Severity

CAPACITY: Final = 40
"""What a handler with staff data can hold unless it says otherwise: twenty cases of normal severity."""


@dataclass(frozen=True, slots=True)
class Team:
    """A team of a unit and of those below it. `hands_over`: from which severity its open complaints go to somebody
    else when their handler's shift ends; None: they stay.
    """

    unit: str
    id: str
    name_zh: str
    name_en: str
    supervisor: str | None = None
    skills: tuple[str, ...] = ()
    hands_over: Severity | None = None


@dataclass(frozen=True, slots=True)
class Staff:
    """What is known of a handler. `capacity` is in points: a low one counts 1, normal 2, high 3, critical 5.
    None: all skills, languages, areas; no hours of a week.
    """

    handler: str
    unit: str
    team: str
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] | None = None
    areas: tuple[str, ...] | None = None
    capacity: int = CAPACITY
    hours: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class WorkShift:
    """A handler is on duty from `starts_at` to before `ends_at`."""

    handler: str
    unit: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Leave:
    """A handler is away from `starts_at` to before `ends_at`; `substitute` stands in for them."""

    handler: str
    unit: str
    starts_at: datetime
    ends_at: datetime
    substitute: str | None = None
