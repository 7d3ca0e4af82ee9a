"""What the checker looks at: a client's journal, and everything a system at rest holds. All frozen, times in UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from shared.bus.port import Slot
from shared.store.progress import Key


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a journal: what a client did and was told, what a mail server took, what was broken on purpose.

    `op`: `invoke` (about to post under `key`), `ok` (202, with `number`), `refused` (4xx: nothing may be stored),
    `unknown` (no answer, or 5xx), `mail` (a mail server took `message` about `number`), `poison` (`subject` was given
    a record that cannot be applied), `fault` (`what` was done to the system), `ended` (`what` process
    ended), `clock` (`what` was done to the services' clock), `republish` (everything was sent again).
    """

    at: datetime
    op: str
    key: str | None = None
    number: str | None = None
    message: str | None = None
    subject: str | None = None
    what: str | None = None


class Said(NamedTuple):
    """One record of the log. `data` is kept only where a check reads it."""

    slot: Slot
    offset: int
    id: str
    key: Key
    sequence: int
    type: str
    time: datetime
    data: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Books:
    """What a service's database holds of the frame's tables."""

    outbox: Mapping[str, bool]
    """Event id → whether it was published."""
    refused: Mapping[str, str]
    """Subject → why the log refused one of its events."""
    progress: Mapping[Key, int]
    parked: Mapping[Key, frozenset[int]]
    errors: Mapping[Key, str]
    """Why a parked key's first event was parked."""
    overdue: Sequence[tuple[str, str, datetime]] = ()
    """Timers still armed long after they were due: name, subject, due at."""
    stopped: Sequence[tuple[str, str, str]] = ()
    """Parked timers: name, subject, error."""


class Planned(NamedTuple):
    """A message of notify's."""

    id: str
    complaint: str
    number: str
    cycle: int
    recipient: str
    purpose: str
    state: str
    attempts: int


class Shown(NamedTuple):
    """A row of the event feed."""

    position: int
    event_id: str


@dataclass(frozen=True, slots=True)
class System:
    """Everything that was found."""

    taken_at: datetime
    complaints: Mapping[str, str]
    """Id → number."""
    keys: Mapping[str, str]
    """Idempotency-Key → the complaint it made."""
    decisions: Mapping[str, tuple[str, str | None]]
    """Complaint → state and handler."""
    loads: Mapping[str, int]
    """Handler → their load: the weights of the cases that routing counts for them."""
    cases: Mapping[str, str]
    """Complaint → number."""
    receipts: Mapping[str, int]
    """Complaint → how often its case holds the fact that it was received."""
    messages: Sequence[Planned]
    feed: Sequence[Shown]
    books: Mapping[str, Books]
    """As they were before the log was read …"""
    later: Mapping[str, Books]
    """… and after: what happens meanwhile (a deadline passes) must not look like something lost or made up."""
    log: Sequence[Said]
    committed: Mapping[str, Mapping[Slot, int]]
    """Consuming service → the offset it reads next in each partition."""
    consumes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Consuming service → the sources it listens to."""
    weights: Mapping[str, int] = field(default_factory=dict)
    """Complaint → what it adds to its handler's load; 1 where nothing is said."""
    unbalanced: Sequence[tuple[str, str]] = ()
    """Entries of the ledger whose postings do not add up to nothing: complaint and entry."""


class Violation(NamedTuple):
    """A promise that was broken, and about what: a complaint's id where it is about one."""

    invariant: str
    subject: str | None
    text: str
