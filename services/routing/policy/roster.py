"""Who is there for what: a snapshot of all handlers, laid out so that a choice does not look at each."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from services.routing.model import HandlerSnapshot
from shared.packs.words import Severity

WEIGHTS: Final[Mapping[Severity, int]] = MappingProxyType(
    {"low": 1, "normal": 2, "high": 3, "critical": 5}
)
"""What one open case of each severity adds to its handler's load."""
_NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)


class Entry(NamedTuple):
    """A handler who is there. Entries sort by who should be next: the least load for what they can
    hold, then who was served the longest ago, then by id. `left` is the room they have.
    """

    share: float
    served_at: datetime
    handler: str
    left: int


@dataclass(slots=True)
class Group:
    """Handlers of one unit and team with the same skills, languages and areas: those who are there, in order, and the
    others.
    """

    there: list[Entry] = field(default_factory=list)
    away: set[str] = field(default_factory=set)

    def add(self, one: HandlerSnapshot) -> None:
        """A handler belongs here."""
        if one.away is None:
            insort(self.there, entry_of(one))
        else:
            self.away.add(one.id)

    def remove(self, one: HandlerSnapshot) -> None:
        """A handler belongs here no longer."""
        self.away.discard(one.id)
        if self.has(one):
            del self.there[bisect_left(self.there, entry_of(one))]

    def has(self, one: HandlerSnapshot) -> bool:
        """Whether a handler is there and in this group."""
        at = bisect_left(self.there, entry_of(one))
        return at < len(self.there) and self.there[at].handler == one.id

    def first(self, weight: int, out: frozenset[str]) -> Entry | None:
        """The next of them who has room for `weight` and is not `out`."""
        for entry in self.there:
            if entry.left >= weight and entry.handler not in out:
                return entry
        return None


@dataclass(slots=True)
class Peers:
    """Handlers of one unit and team with the same skills and languages (None: all), by their areas."""

    skills: frozenset[str] | None
    languages: frozenset[str] | None
    groups: dict[frozenset[str] | None, Group] = field(default_factory=dict)
    by_area: dict[str, list[Group]] = field(default_factory=dict)
    there: int = 0
    away: int = 0

    def group(self, areas: frozenset[str] | None) -> Group:
        """Those who cover these areas; None: all areas."""
        found = self.groups.get(areas)
        if found is None:
            found = self.groups[areas] = Group()
            for area in areas or ():
                self.by_area.setdefault(area, []).append(found)
        return found

    def covering(self, area: str | None) -> list[Group]:
        """Those who cover an area."""
        everywhere = [self.groups[None]] if None in self.groups else []
        return everywhere + (self.by_area.get(area, []) if area is not None else [])

    def others(self, area: str | None) -> list[Group]:
        """Those who do not."""
        return [
            one
            for areas, one in self.groups.items()
            if areas is not None and (area is None or area not in areas)
        ]

    def count(self, one: HandlerSnapshot, by: int) -> None:
        """One more belongs here, or one less."""
        if one.away is None:
            self.there += by
        else:
            self.away += by


class Seat(NamedTuple):
    """Where a handler sits: their own place, or that of somebody on leave for whom they stand in."""

    unit: str
    team: str | None
    areas: frozenset[str] | None


_Can = tuple[frozenset[str] | None, frozenset[str] | None]


class Roster:
    """All handlers as they are now. `change` is the only writer."""

    def __init__(
        self,
        handlers: Iterable[HandlerSnapshot],
        *,
        substitutes: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`substitutes`: who stands in for whom, by the id of the one on leave."""
        self.handlers: dict[str, HandlerSnapshot] = {one.id: one for one in handlers}
        self.substitutes = substitutes
        self._teams: dict[tuple[str, str | None], dict[_Can, Peers]] = {}
        self._stood_in_for: dict[str, list[str]] = {}
        for absent, substitute in sorted(substitutes.items()):
            self._stood_in_for.setdefault(substitute, []).append(absent)
        for one in sorted(self.handlers.values(), key=entry_of):
            self._add(one)

    def change(self, new: HandlerSnapshot) -> None:
        """A handler is like this now."""
        old = self.handlers.get(new.id)
        if old is not None:
            for seat in self.seats(old):
                peers = self._peers(seat, old)
                peers.group(seat.areas).remove(old)
                peers.count(old, -1)
        self.handlers[new.id] = new
        self._add(new)

    def add_load(self, handler: str, weight: int, at: datetime) -> HandlerSnapshot:
        """The handler, who was given something of that weight."""
        one = self.handlers[handler]
        new = replace(one, load=one.load + weight, last_assigned_at=at)
        self.change(new)
        return new

    def peers(self, *, unit: str, team: str) -> Sequence[Peers]:
        """Who of a unit is there for a team's work: the team, else those without staff data."""
        for sits_in in (team, None):
            found = [
                one for one in self._teams.get((unit, sits_in), {}).values() if one.there + one.away
            ]
            if found:
                return found
        return ()

    def stands_in(self, handler: str) -> Sequence[str]:
        """For whom a handler stands in."""
        return self._stood_in_for.get(handler, ())

    def seats(self, one: HandlerSnapshot) -> Iterator[Seat]:
        """Where a handler sits."""
        yield Seat(one.unit, one.team, one.areas)
        for absent in self._stood_in_for.get(one.id, ()):
            other = self.handlers.get(absent)
            if other is not None:
                yield Seat(other.unit, other.team, other.areas)

    def _add(self, one: HandlerSnapshot) -> None:
        for seat in self.seats(one):
            peers = self._peers(seat, one)
            peers.group(seat.areas).add(one)
            peers.count(one, 1)

    def _peers(self, seat: Seat, one: HandlerSnapshot) -> Peers:
        team = self._teams.setdefault((seat.unit, seat.team), {})
        can = one.skills, one.languages
        found = team.get(can)
        if found is None:
            found = team[can] = Peers(one.skills, one.languages)
        return found


def share_of(one: HandlerSnapshot) -> float:
    """How much of what they can hold a handler has."""
    return one.load / one.capacity if one.capacity else float("inf")


def entry_of(one: HandlerSnapshot) -> Entry:
    """A handler's place among those who are there."""
    return Entry(share_of(one), one.last_assigned_at or _NEVER, one.id, one.capacity - one.load)
