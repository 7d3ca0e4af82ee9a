"""Facts with what they are about, by what kind that is: what every part of the fold looks into."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from services.followup.model import Fact

W = TypeVar("W")
Found = Sequence[tuple[Fact, W]]
ByKind = Mapping[type, Sequence[tuple[Fact, Any]]]


def by_kind(facts: Iterable[Fact]) -> ByKind:
    """The facts, looked through once."""
    found: dict[type, list[tuple[Fact, Any]]] = {}
    for fact in facts:
        found.setdefault(type(fact.what), []).append((fact, fact.what))
    return found


def of(facts: ByKind, kind: type[W]) -> Found[W]:
    """Those of a kind."""
    return facts.get(kind, ())


def by_time(found: tuple[Fact, object]) -> datetime:
    """To sort by when it was."""
    return found[0].at


def by_place(found: tuple[Fact, object]) -> tuple[datetime, int]:
    """To sort by when it was, then by which came first."""
    return found[0].at, found[0].order


def by_order(found: tuple[Fact, object]) -> int:
    """To sort by which of its source's it is."""
    return found[0].order
