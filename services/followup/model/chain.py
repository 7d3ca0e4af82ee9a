"""The record of a case as a chain: each entry's seal covers the entry and the seal before it.

Who alters, removes or slips in an entry must make every later seal anew, and those of all days since: what left the
house (an export, a day's seal in a backup) then tells. Facts, facts of clocks and reads are numbered together.
"""

import hashlib
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final, Literal, Protocol

from services.followup.model.clocks import ClockFact

Kind = Literal["fact", "clock", "read"]
_CLOCK_FIELDS: Final = tuple(one.name for one in fields(ClockFact))
_clock_values: Final = attrgetter(*_CLOCK_FIELDS)


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a case's record: how many there are, and its seal."""

    links: int = 0
    seal: str = ""


NO_HEAD = Head()


@dataclass(frozen=True, slots=True)
class Read:
    """Somebody read a case's words: who, what of it, what for."""

    by: str
    what: Literal["timeline", "moment", "export"]
    reason: str | None


def next_head(head: Head, kind: Kind, complaint: str, content: str) -> Head:
    """The head after one more entry."""
    link = head.links + 1
    text = f"{head.seal}\n{link}\n{kind}\n{complaint}\n{content}"
    return Head(link, hashlib.sha256(text.encode()).hexdigest())


class Sealed(Protocol):
    """What is sealed of a fact beside its body: a fact, or its row."""

    @property
    def cycle(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def by(self) -> str: ...
    @property
    def order(self) -> int: ...


def fact_content(fact: Sealed, body: str, unit: str, recorded_at: datetime) -> str:
    """What is sealed of a fact; `body` is its JSON with sorted keys."""
    return (
        f"{unit}\n{fact.cycle}\n{_at(fact.at)}\n{fact.by}\n{fact.order}\n{_at(recorded_at)}\n{body}"
    )


def clock_content(fact: ClockFact, unit: str, recorded_at: datetime) -> str:
    """What is sealed of a clock's fact: what it says, so that a field that is known later leaves older seals good."""
    told = [
        f"{name}={_at(value) if isinstance(value, datetime) else value}"
        for name, value in zip(_CLOCK_FIELDS, _clock_values(fact), strict=True)
        if value
    ]
    return "\n".join((unit, _at(recorded_at), *told))


def read_content(read: Read, unit: str, recorded_at: datetime) -> str:
    """What is sealed of a read."""
    return f"{unit}\n{_at(recorded_at)}\n{read.by}\n{read.what}\n{read.reason or ''}"


def day_seal(before: str, day: str, heads: dict[str, Head]) -> str:
    """The seal over the last heads that a day left, by complaint, and over the day before it."""
    digest = hashlib.sha256(f"{before}\n{day}\n".encode())
    for complaint in sorted(heads):
        head = heads[complaint]
        digest.update(f"{complaint} {head.links} {head.seal}\n".encode())
    return digest.hexdigest()


def _at(moment: datetime) -> str:
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat()
