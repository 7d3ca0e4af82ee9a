"""Who gets in: how long after wrong passwords, for how long, and to which pages."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

from services.desk.model import Session
from shared.contracts.desk import Role

FREE: Final = 5
"""Wrong passwords in a row that cost nothing but time."""
FIRST: Final = timedelta(seconds=30)
LONGEST: Final = timedelta(minutes=15)
IDLE: Final = timedelta(minutes=15)
ABSOLUTE: Final = timedelta(hours=12)
"""How long a session lasts without being used, and in all (RELIABILITY, section 8)."""
SEEN_EVERY: Final = timedelta(minutes=1)
FORGET: Final = timedelta(days=1)

Page = Literal["queue", "case", "new", "board", "callbacks", "office", "people"]
PAGES: Final[Mapping[Page, tuple[Role, ...]]] = {
    "queue": ("handler", "supervisor"),
    "board": ("supervisor", "watch", "auditor"),
    "callbacks": ("caller", "supervisor"),
    "case": ("handler", "caller", "supervisor", "watch", "auditor"),
    "new": ("handler", "supervisor", "watch"),
    "office": ("administrator",),
    "people": ("handler", "caller", "supervisor", "watch"),
}
"""Every page of staff, and for which roles it is; what each may do there, the services decide.

`people` are those behind a case, and their files: the vault records each look.
"""
_REACHED: Final[frozenset[Page]] = frozenset({"case", "people"})
"""Pages that are reached from others."""
_HOMES: Final[Mapping[Role, Page]] = {
    "handler": "queue",
    "supervisor": "board",
    "watch": "board",
    "auditor": "board",
    "caller": "callbacks",
    "administrator": "office",
}


def wait_after(failures: int) -> timedelta:
    """How long the next try must wait after so many wrong passwords in a row."""
    if failures < FREE:
        return timedelta(0)
    return min(LONGEST, FIRST * (1 << min(failures - FREE, 10)))


def is_good(session: Session, now: datetime) -> bool:
    """Whether somebody may still go on with a session."""
    return now - session.seen_at < IDLE and now - session.created_at < ABSOLUTE


def may_open(role: Role, page: Page) -> bool:
    return role in PAGES[page]


def pages_of(role: Role) -> tuple[Page, ...]:
    """The pages in a role's menu."""
    return tuple(page for page, roles in PAGES.items() if role in roles and page not in _REACHED)


def home_of(role: Role) -> Page:
    """Where a role's day begins."""
    return _HOMES[role]
