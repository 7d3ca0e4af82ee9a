"""What would have changed: logged complaints replayed through a changed pack, or a changed roster.

Each complaint is judged anew and compared with what was decided; both readings are given out in the same way, once to
the present roster and once to the changed one, in the order in which they came in, so that only the change shows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from heapq import heappop, heappush
from typing import Any, Final

from services.routing.model import Choice, HandlerSnapshot, Judged, Logged, Need, Reason
from services.routing.policy.assign import choose_handler
from services.routing.policy.deadlines import Deadlines
from services.routing.policy.roster import WEIGHTS, Roster

FIELDS: Final = ("kind", "category", "severity", "team", "unsure")


@dataclass(slots=True)
class Figures:
    """What became of one clock: on how many complaints it ran, how its deadline moved, and how many were late.

    Lateness is counted where it is known when the clock was met: on closed cases.
    """

    before: int = 0
    after: int = 0
    earlier: int = 0
    later: int = 0
    known: int = 0
    late_before: int = 0
    late_after: int = 0

    def count(self, old: datetime | None, new: datetime | None, met: datetime | None) -> None:
        """One complaint more, with when the clock was due, would be due, and was met."""
        self.before += old is not None
        self.after += new is not None
        if old and new:
            self.earlier += new < old
            self.later += new > old
        if met:
            self.known += 1
            self.late_before += old is not None and met > old
            self.late_after += new is not None and met > new


class Floor:
    """Handlers as they would be given work: everybody there, nobody with anything to do at first."""

    def __init__(self, handlers: Iterable[HandlerSnapshot]) -> None:
        self._roster = Roster(handlers)
        self._ends: list[tuple[datetime, str, int]] = []
        self.given: Counter[str] = Counter()
        self.most: dict[str, int] = {}
        self.nobody = 0

    def give(self, one: Logged, judged: Judged) -> str | None:
        """Who gets a complaint; None while a person must look at it first, or nobody can take it."""
        self._end(one.received_at)
        if judged.unsure:
            return None
        need = Need(
            judged.team, judged.skills, one.language, one.units,
            severity=judged.severity, area=one.fields.get("area"),
        )  # fmt: skip
        choice = choose_handler(need, handlers=self._roster)
        if not isinstance(choice, Choice):
            self.nobody += 1
            return None
        weight = WEIGHTS[judged.severity]
        chosen = self._roster.add_load(choice.handler, weight, one.received_at)
        self.given[chosen.id] += 1
        self.most[chosen.id] = max(chosen.load, self.most.get(chosen.id, 0))
        if one.closed_at is not None:
            heappush(self._ends, (one.closed_at, chosen.id, weight))
        return chosen.id

    def _end(self, now: datetime) -> None:
        while self._ends and self._ends[0][0] <= now:
            _, handler, weight = heappop(self._ends)
            there = self._roster.handlers[handler]
            self._roster.change(replace(there, load=there.load - weight))


@dataclass(slots=True)
class Simulation:
    """A replay under way. `after` counts by the changed pack; the logged packs come with each complaint."""

    after: Deadlines
    floor_before: Floor
    floor_after: Floor
    most_shown: int
    replayed: int = 0
    changed: int = 0
    moved: int = 0
    corrected: Counter[bool] = field(default_factory=Counter)
    unsure: Counter[str] = field(default_factory=Counter)
    changes: dict[str, Counter[tuple[Any, Any]]] = field(default_factory=dict)
    clocks: dict[str, Figures] = field(default_factory=dict)
    shown: list[dict[str, Any]] = field(default_factory=list)

    def replay(self, one: Logged, judged: Judged, *, before: Deadlines, reason: Reason) -> None:
        """Take in a complaint with how it would be judged, and why. In the order in which they came in."""
        self.replayed += 1
        self.unsure["before"] += one.judged.unsure
        self.unsure["after"] += judged.unsure
        owners = self.floor_before.give(one, one.judged), self.floor_after.give(one, judged)
        self.moved += owners[0] != owners[1]
        self._count_clocks(one, judged, before)
        if one.by_person:
            # What a person said stands: the question is only whether the changed pack says the same.
            self.corrected[_same(one.judged, judged)] += 1
        else:
            self._compare(one, judged, reason)

    def _compare(self, one: Logged, judged: Judged, reason: Reason) -> None:
        found = {
            name: (old, new)
            for name in FIELDS
            if (old := getattr(one.judged, name)) != (new := getattr(judged, name))
        }
        for name, pair in found.items():
            self.changes.setdefault(name, Counter())[pair] += 1
        self.changed += bool(found)
        if found and len(self.shown) < self.most_shown:
            changes = {name: {"old": old, "new": new} for name, (old, new) in found.items()}
            self.shown.append({"number": one.number, "changes": changes, "reason": asdict(reason)})

    def _count_clocks(self, one: Logged, judged: Judged, before: Deadlines) -> None:
        old = before.of(one.judged, channel=one.channel, start=one.received_at)
        new = self.after.of(judged, channel=one.channel, start=one.received_at)
        for name in {**old, **new}:
            figures = self.clocks.setdefault(name, Figures())
            figures.count(old.get(name), new.get(name), one.met.get(name))

    def report(self) -> Mapping[str, Any]:
        """What would have changed, as JSON has it."""
        return {
            "replayed": self.replayed,
            "changed": self.changed,
            "share": round(self.changed / self.replayed, 4) if self.replayed else 0.0,
            "changes": {name: _pairs(counts) for name, counts in self.changes.items()},
            "unsure": {"before": self.unsure["before"], "after": self.unsure["after"]},
            "corrected": {"of": self.corrected.total(), "agreeing": self.corrected[True]},
            "clocks": [{"clock": name, **asdict(one)} for name, one in self.clocks.items()],
            "owners": {
                "moved": self.moved,
                "nobody_before": self.floor_before.nobody,
                "nobody_after": self.floor_after.nobody,
            },
            "loads": _loads(self.floor_before, self.floor_after),
            "complaints": self.shown,
        }


def _same(old: Judged, new: Judged) -> bool:
    said = (old.kind, old.category, old.severity)
    return not new.unsure and said == (new.kind, new.category, new.severity)


def _pairs(counts: Counter[tuple[Any, Any]]) -> list[dict[str, Any]]:
    return [{"old": old, "new": new, "count": count} for (old, new), count in counts.most_common()]


def _loads(before: Floor, after: Floor) -> list[dict[str, Any]]:
    return [
        {
            "handler": one,
            "before": before.given[one],
            "after": after.given[one],
            "most_before": before.most.get(one, 0),
            "most_after": after.most.get(one, 0),
        }
        for one in sorted({*before.given, *after.given})
    ]
