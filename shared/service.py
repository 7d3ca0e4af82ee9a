"""What a service is to the process that hosts it: data, no behaviour of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.bus.consume import Subscriptions
from shared.clock import Clock
from shared.policy import Policy
from shared.rebuild import ReadModel
from shared.settings import Secrets, Settings
from shared.store.database import Database
from shared.store.signal import Signal
from shared.store.timers import TimerHandler
from shared.store.transaction import Remember
from shared.telemetry import Metrics
from shared.web.credentials import Guard

C = TypeVar("C")
Answer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Environment:
    """What the process gives to every service it hosts."""

    settings: Settings
    secrets: Secrets
    clock: Clock
    policy: Policy
    metrics: Metrics
    guard: Guard
    stopping: Signal = field(default_factory=Signal)
    """Set once the process begins to stop: streams end then."""


@dataclass(frozen=True, slots=True)
class Service(Generic[C]):
    """One service. `context` is handed to its event and timer handlers."""

    name: str
    title: str
    database: Database
    context: C
    router: APIRouter
    migrations: Path
    roots: Sequence[str] = ()
    """First parts of paths beside its name that lead to it; an empty one is `/` itself."""
    pages: APIRouter | None = None
    """Routes at those paths; `router` has all that is below `/{name}/v1`."""
    direct: Mapping[tuple[str, str], Answer] = field(default_factory=dict)
    """Method and path of what is asked most: led past the router, which costs more than most answers.

    Each is also in `router`, which describes it.
    """
    subscriptions: Subscriptions[C] = field(default_factory=dict)
    timers: Mapping[str, TimerHandler[C]] = field(default_factory=dict)
    remember: Remember | None = None
    """Reads in bulk what handlers of a batch need about its subjects."""
    lanes: int = 1
    """Into how many transactions side by side a large batch is divided on PostgreSQL: one is decided while the database
    writes another. Worth it where handlers take long and hold nothing in common."""
    in_order: bool = False
    """Whether it takes a backlog topic after topic, in the order of the chain: for handlers to which an event that
    names what is not here yet is of no use. Others have a subject's events together, which is less work."""
    loops: Sequence[Callable[[], Awaitable[None]]] = ()
    """Loops of its own, beside relay, consumer and timers; an error that escapes one stops the process."""
    on_stopped: Callable[[], Awaitable[None]] | None = None
    """Ends what its loops had under way, once they have ended."""
    files: Callable[[AsyncConnection], AsyncIterator[Path]] | None = None
    """The files that its rows name, below the data folder: a backup takes them along."""
    read_models: Sequence[ReadModel[C]] = ()
    """What it keeps only to show it: `redress rebuild` makes it anew of the events in the log."""
    on_migrated: Callable[[], Awaitable[None]] | None = None
    """Run once after migrations, such as the first-run rows."""


AnyService = Service[Any]
Builder = Callable[[Environment], AnyService]
