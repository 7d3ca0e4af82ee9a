"""What a person should see first: how a clock stands, what comes next, in which order cases wait."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

Level = Literal["met", "calm", "soon", "late", "paused"]
SOON: Final = 0.8
"""From this share of its time on a clock is at risk."""
ENDED: Final = frozenset({"closed", "withdrawn"})
_HOLE: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_ORDER: Final[Mapping[Level, int]] = {"late": 0, "soon": 1, "calm": 2, "paused": 3, "met": 4}


@dataclass(frozen=True, slots=True)
class ClockShown:
    """A clock as people see it: a word, a colour and a shape by its level."""

    name: str
    level: Level
    due_at: datetime
    statutory_due_at: datetime | None
    at: datetime | None
    """When it was met, or broken."""


def level_of(clock: Mapping[str, Any], now: datetime) -> Level:
    """How a clock of a case stands at `now`."""
    if clock.get("met_at") or clock["state"] == "met":
        return "met"
    if clock["state"] == "paused":
        return "paused"
    due, start = moment(clock["due_at"]), moment(clock["started_at"])
    if clock["state"] == "breached" or due <= now:
        return "late"
    return "soon" if now - start >= (due - start) * SOON else "calm"


def clocks_shown(clocks: Iterable[Mapping[str, Any]], now: datetime) -> list[ClockShown]:
    """The clocks that count, the most pressing first."""
    found = [
        ClockShown(
            name=one["name"],
            level=level_of(one, now),
            due_at=moment(one["due_at"]),
            statutory_due_at=moment(one["statutory_due_at"]) if one["statutory_due_at"] else None,
            at=moment(one.get("met_at") or one.get("breached_at") or one["due_at"]),
        )
        for one in clocks
        if one["state"] != "cancelled"
    ]
    return sorted(found, key=lambda one: (_ORDER[one.level], one.due_at))


def moment(text: str) -> datetime:
    """A time of an API's answer."""
    return datetime.fromisoformat(text)


def next_due(case: Mapping[str, Any], now: datetime) -> ClockShown | None:
    """The clock that presses most; None where nothing runs."""
    running = [one for one in clocks_shown(case["clocks"], now) if one.level != "met"]
    running = [one for one in running if one.level != "paused"] or running
    return min(running, key=lambda one: one.due_at, default=None)


def queue_order(
    cases: Iterable[Mapping[str, Any]], now: datetime
) -> list[tuple[Mapping[str, Any], ClockShown | None]]:
    """Open cases, what is due first on top; without a running clock last."""
    found = [(one, next_due(one, now)) for one in cases if one["state"] not in ENDED]
    return sorted(
        found, key=lambda pair: (pair[1] is None, pair[1].due_at.timestamp() if pair[1] else 0)
    )


def filled(line: str, values: Mapping[str, str]) -> str:
    """A line of a pack's script with its `{{ holes }}` filled; one that nobody can fill stays open."""
    return _HOLE.sub(lambda found: values.get(found[1], "…"), line)


def to_acknowledge(case: Mapping[str, Any]) -> bool:
    """Whether an escalation waits for somebody to take note of it."""
    return bool(case["escalation_level"] > max(1, case["taken_level"]))


def next_command(
    commands: Sequence[Mapping[str, Any]],
    *,
    state: str,
    states: Sequence[str],
    stops: Sequence[str],
) -> str | None:
    """The one action to emphasise, among commands that are allowed and lack nothing.

    One that leads on and needs nothing to be written (accept, close) goes first; then the one that stops the clock
    which is due next (`stops`: facts that stop the running clocks, in the order in which they are due); then the one
    that leads to the next state.
    """
    ready = [one for one in commands if one["allowed"] and not one["lacks"]]
    at = states.index(state) if state in states else 0
    order = {name: place for place, name in enumerate(states)}
    leading = [
        one
        for one in ready
        if one["to"] and one["to"] != "withdrawn" and order.get(one["to"], -1) > at
    ]
    for one in leading:
        if not one["body"].get("properties"):
            return str(one["name"])
    for fact in stops:
        for one in ready:
            if fact in one["facts"]:
                return str(one["name"])
    nearest = min(leading, key=lambda one: order[one["to"]], default=None)
    return str(nearest["name"]) if nearest else None
