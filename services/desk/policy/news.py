"""Whose screen an event is news for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

TYPES: Final = ("redress.case.*", "redress.complaint.*")
"""Events that change what screens show; every `case.*` is the whole case."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a screen shows: one case by its number, one handler's cases, or all of `units`."""

    units: frozenset[str]
    number: str | None = None
    handler: str | None = None


def is_news(wish: Wish, event: Mapping[str, Any]) -> bool:
    """Whether what a screen shows may have changed by an event of the feed."""
    if event.get("unit") not in wish.units:
        return False
    said = event["data"]
    if wish.number is not None:
        return bool(said.get("number") == wish.number)
    if wish.handler is not None:
        owner = said.get("owner") or {}
        return wish.handler in (owner.get("handler"), said.get("handler"))
    return True
