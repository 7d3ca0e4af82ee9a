"""Who takes a complaint: somebody there who can do it and has room, near, known to the customer, and
with the least to do.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge, nsmallest
from itertools import product
from typing import Final

from services.routing.model import (
    Choice,
    HandlerSnapshot,
    Need,
    Nobody,
    PassedOver,
    PassedOverBecause,
    Reason,
)
from services.routing.policy.roster import WEIGHTS, Entry, Group, Peers, Roster, share_of
from services.routing.policy.telling import why_chosen, why_nobody, why_not

MOST_PASSED_OVER = 50
_NO_WEIGHT: Final = -1_000_000_000
"""There is always room for it."""
_Rank = tuple[bool, bool, int]
"""Whether they do not speak the language, do not cover the area, and how far away they sit."""


@dataclass(frozen=True, slots=True)
class _Near:
    """Peers in one of the need's units; `distance`: how many units farther up."""

    distance: int
    peers: Peers
    is_skilled: bool
    speaks: bool


@dataclass(frozen=True, slots=True)
class _Found:
    handler: str
    rank: _Rank
    is_theirs: bool
    """It is the customer's former handler, or who stands in for them."""
    has_room: bool


def choose_handler(need: Need, *, handlers: Iterable[HandlerSnapshot] | Roster) -> Choice | Nobody:
    """The best of `handlers`, whatever their order.

    Only those of the team in one of the need's units are looked at (where a unit has none of that
    team, those of it without staff data); of these only who has every skill, has room and is there.
    Nobody is loaded past capacity, unless it is critical and nobody has room. Among them: speaks
    the language, covers the area, sits in the nearest unit, had this customer's last complaint, has
    the least load for what they can hold, was served the longest ago, has the smallest id.
    `passed_over` names the first 50 others with a reason.
    """
    roster = handlers if isinstance(handlers, Roster) else Roster(handlers)
    near = _near(need, roster)
    skilled = [one for one in near if one.is_skilled]
    found = _best(need, roster, skilled)
    if found is None:
        return Nobody(_why_nobody(need, roster, near), _passed_over(need, roster, near, None))
    return Choice(
        handler=found.handler,
        team=need.team,
        reasons=tuple(_reasons(need, roster, skilled, found)),
        passed_over=_passed_over(need, roster, near, found),
    )


def _near(need: Need, roster: Roster) -> list[_Near]:
    return [
        _Near(
            distance,
            peers,
            is_skilled=peers.skills is None or need.skills <= peers.skills,
            speaks=peers.languages is None or need.language in peers.languages,
        )
        for distance, unit in enumerate(dict.fromkeys(need.units))
        for peers in roster.peers(unit=unit, team=need.team)
    ]


def _by_rank(need: Need, near: Sequence[_Near]) -> Iterator[tuple[_Rank, list[Group]]]:
    """The groups in the order of their ranks; nobody is looked at before it is asked for."""
    for speaks, covers in product((True, False), repeat=2):
        for distance in dict.fromkeys(one.distance for one in near):
            groups = [
                group
                for one in near
                if one.distance == distance and one.speaks == speaks
                for group in (
                    one.peers.covering(need.area) if covers else one.peers.others(need.area)
                )
            ]
            if groups:
                yield (not speaks, not covers, distance), groups


def _best(need: Need, roster: Roster, skilled: Sequence[_Near]) -> _Found | None:
    found = _first(need, roster, skilled, WEIGHTS[need.severity])
    if found is None and need.severity == "critical":
        return _first(need, roster, skilled, _NO_WEIGHT)
    return found


def _first(need: Need, roster: Roster, skilled: Sequence[_Near], weight: int) -> _Found | None:
    out, has_room = need.refused | need.excluded, weight != _NO_WEIGHT
    theirs = [one for one in _former(need, roster) if _is_free(one, weight, out)]
    for rank, groups in _by_rank(need, skilled):
        firsts = (group.first(weight, out) for group in groups)
        first = min((one for one in firsts if one is not None), default=None)
        if first is None:
            continue
        for one in theirs:
            if any(group.has(one) for group in groups):
                return _Found(one.id, rank, is_theirs=True, has_room=has_room)
        return _Found(first.handler, rank, is_theirs=False, has_room=has_room)
    return None


def _former(need: Need, roster: Roster) -> Iterator[HandlerSnapshot]:
    if need.former is not None:
        for id_ in (need.former, roster.substitutes.get(need.former)):
            if id_ in roster.handlers:
                yield roster.handlers[id_]


def _is_free(one: HandlerSnapshot, weight: int, out: frozenset[str]) -> bool:
    return one.away is None and one.load + weight <= one.capacity and one.id not in out


def _why_nobody(need: Need, roster: Roster, near: Sequence[_Near]) -> Reason:
    skilled = [one.peers for one in near if one.is_skilled]
    there = sum(one.there for one in skilled)
    gone = [
        one
        for one in map(roster.handlers.get, need.refused | need.excluded)
        if one is not None and any(group.has(one) for of in skilled for group in of.groups.values())
    ]
    return why_nobody(
        need, near=len(near), skilled=len(skilled), there=there, eligible=there - len(gone)
    )


def _reasons(
    need: Need, roster: Roster, skilled: Sequence[_Near], found: _Found
) -> Iterator[Reason]:
    one = roster.handlers[found.handler]
    yield from why_chosen(
        one,
        need,
        there=sum(each.peers.there for each in skilled),
        unit=need.units[found.rank[2]],
        has_room=found.has_room,
        is_theirs=found.is_theirs,
        stands_in=bool(roster.stands_in(one.id)),
    )


def _passed_over(
    need: Need, roster: Roster, near: Sequence[_Near], best: _Found | None
) -> tuple[PassedOver, ...]:
    found: dict[str, PassedOver] = {}
    if best is not None and sum(one.peers.there + one.peers.away for one in near) == 1:
        return ()
    for handler, because in _others(need, roster, near, best):
        if best is None or handler != best.handler:
            reason = why_not(roster.handlers[handler], because)
            found.setdefault(handler, PassedOver(handler, because, reason))
        if len(found) == MOST_PASSED_OVER:
            break
    return tuple(found.values())


def _others(
    need: Need, roster: Roster, near: Sequence[_Near], best: _Found | None
) -> Iterator[tuple[str, PassedOverBecause]]:
    """Everybody near with what spoke against them: those who might have been chosen first."""
    for is_skilled in (True, False):
        chosen = [one for one in near if one.is_skilled == is_skilled]
        for rank, groups in _by_rank(need, chosen):
            for entry in merge(*(group.there for group in groups)):
                one = roster.handlers[entry.handler]
                yield one.id, barred(need, one) or _worse(rank, entry, best, roster)
            for handler in merge(*(nsmallest(MOST_PASSED_OVER, group.away) for group in groups)):
                yield handler, barred(need, roster.handlers[handler]) or "absent"


def barred(need: Need, one: HandlerSnapshot) -> PassedOverBecause | None:
    """What forbids to give it to somebody at all; None where nothing does."""
    if one.skills is not None and not need.skills <= one.skills:
        return "lacks_skill"
    if one.away is not None:
        return one.away
    if one.id in need.refused:
        return "refused"
    if one.id in need.excluded:
        return "excluded"
    return "full" if one.load + WEIGHTS[need.severity] > one.capacity else None


def _worse(rank: _Rank, entry: Entry, best: _Found | None, roster: Roster) -> PassedOverBecause:
    if best is None:
        return "full"
    for worse, because in zip(range(len(rank)), _BY_RANK, strict=True):
        if rank[worse] != best.rank[worse]:
            return because
    if best.is_theirs:
        return "not_theirs"
    return "more_load" if entry.share > share_of(roster.handlers[best.handler]) else "served_later"


_BY_RANK: Final[tuple[PassedOverBecause, ...]] = ("other_language", "other_area", "farther_unit")
