"""What operators may see and do in one service: parked keys, lag, republishing, the pause."""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import orjson
from sqlalchemy import func, select

from shared.bus.consume import UNREADABLE, Consumer
from shared.bus.port import Bus, BusUnavailable
from shared.rebuild import Progress, Rebuilder
from shared.service import AnyService
from shared.store import holds, parked, republish
from shared.store.database import Database
from shared.store.progress import Key
from shared.store.relay import waiting_count
from shared.store.republish import Marked
from shared.store.timers import Timers
from shared.store.transaction import AnyRow

CHUNK: Final = 200
SHOWN: Final = 200
"""Events of a key that are shown; more are only counted."""
COUNTED: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """What an operator names: a parked event (`source`, `subject`, `sequence`), or a timer by its id in `subject`."""

    kind: Literal["event", "timer"]
    source: str
    subject: str
    sequence: int

    @property
    def key(self) -> Key:
        return Key(self.source, self.subject)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A parked key by its first event, or a parked timer. `unit` is None where it cannot be told."""

    place: Place
    subject: str
    name: str
    unit: str | None
    number: str | None
    reason: str
    error: str
    events: int
    attempts: int
    at: datetime
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What waits in a service. `lag` is by topic; None while the log is away."""

    outbox_waiting: int
    outbox_refused: int
    lag: Mapping[str, int] | None
    parked: int
    timers_parked: int
    timers_overdue: int
    is_paused: bool
    is_rebuilding: bool


class Operations:
    """One service as its operators have it."""

    def __init__(
        self,
        service: AnyService,
        *,
        consumer: Consumer[Any],
        timers: Timers[Any],
        rebuilder: Rebuilder[Any],
        bus: Bus,
    ) -> None:
        self.name = service.name
        self._database: Database = service.database
        self._consumer = consumer
        self._timers = timers
        self._rebuilder = rebuilder
        self._bus = bus

    async def parked(self, *, after: Place | None, subject: str | None) -> AsyncIterator[Waiting]:
        """Parked keys beyond `after` in order, then parked timers; of one subject where it is given."""
        key = after.key if after and after.kind == "event" else Key("", "")
        while after is None or after.kind == "event":
            async with self._database.reading() as connection:
                rows = await parked.heads(
                    connection, self._database.frame, after=key, subject=subject, limit=CHUNK
                )
            for row in rows:
                yield _waiting_event(row)
            if len(rows) < CHUNK:
                break
            key = Key(rows[-1].source, rows[-1].subject)
        for row in await self._parked_timers(after, subject):
            yield _waiting_timer(row)

    async def find(self, place: Place) -> Waiting | None:
        """What is parked there now: the key's first event, or the timer."""
        if place.kind == "timer":
            rows = [row for row in await self._parked_timers(None, None) if row.id == place.subject]
            return _waiting_timer(rows[0]) if rows else None
        events = await self.events(place.key)
        if not events:
            return None
        async with self._database.reading() as connection:
            rows = list(
                await parked.heads(
                    connection, self._database.frame,
                    after=Key(place.source, ""), subject=place.subject, limit=1,
                )
            )  # fmt: skip
        return _waiting_event(rows[0]) if rows and rows[0].source == place.source else None

    async def events(self, key: Key) -> Sequence[AnyRow]:
        """The parked events of a key, in order; the first ones of many."""
        async with self._database.reading() as connection:
            return await parked.events_of(connection, self._database.frame, key, limit=SHOWN)

    async def replay(self, place: Place) -> int:
        """Try it now; says how many events (or timers) were applied."""
        if place.kind == "timer":
            return int(await self._timers.replay(place.subject))
        return await self._consumer.replay(place.key)

    async def drop(self, place: Place) -> bool:
        """Do without it; False when it is not parked (any more). Raises Conflict when another is before it."""
        if place.kind == "timer":
            return await self._timers.drop(place.subject)
        return await self._consumer.drop(place.key, place.sequence)

    async def republish(self, *, owner: str, since: datetime | None, after: int) -> Marked:
        """The next step of sending again. Raises Conflict while somebody else does."""
        marked = await self._database.run(
            lambda tx: republish.step(tx, owner=owner, since=since, after=after)
        )
        self._database.outbox_filled.set()
        return marked

    async def pause(self, owner: str) -> None:
        """Hold the service for the next 15 s. Raises Conflict while another holds it."""
        await holds.pause(self._database, owner)

    async def resume(self, owner: str) -> None:
        """Let the service go on."""
        await holds.resume(self._database, owner)

    async def rebuild(self, who: str) -> None:
        """Have the read models made anew. Raises Conflict where there is none."""
        await self._rebuilder.ask(who)

    async def rebuilding(self) -> Progress:
        """How far that is."""
        return await self._rebuilder.progress()

    async def figures(self) -> Figures:
        """What waits now. Raises Transient when the database is away."""
        database = self._database
        outbox, timers = database.frame.outbox, database.frame.timers
        refused = select(func.count()).where(
            outbox.c.published_at.is_(None), outbox.c.refused.is_not(None)
        )
        stuck = select(func.count()).select_from(timers).where(timers.c.state == "parked")
        overdue = select(func.count()).where(
            timers.c.state == "armed", timers.c.due_at < database.clock.now()
        )
        async with database.reading() as connection:
            counts = [
                (await connection.execute(query)).scalar_one()
                for query in (refused, stuck, overdue)
            ]
        return Figures(
            outbox_waiting=await waiting_count(database, at_most=COUNTED),
            outbox_refused=counts[0],
            lag=await self._lag(),
            parked=await parked.count(database),
            timers_parked=counts[1],
            timers_overdue=counts[2],
            is_paused=database.is_paused,
            is_rebuilding=database.is_rebuilding,
        )

    async def _lag(self) -> Mapping[str, int] | None:
        topics = self._consumer.topics
        if not topics:
            return {}
        try:
            slots = await self._bus.lag(self._consumer.group, topics)
        except BusUnavailable:
            return None
        return {
            topic: sum(lag for slot, lag in slots.items() if slot.topic == topic)
            for topic in topics
        }

    async def _parked_timers(self, after: Place | None, subject: str | None) -> Sequence[AnyRow]:
        table = self._database.frame.timers
        query = select(table).where(table.c.state == "parked").order_by(table.c.id).limit(COUNTED)
        if after is not None and after.kind == "timer":
            query = query.where(table.c.id > after.subject)
        if subject is not None:
            query = query.where(table.c.subject == subject)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).all()


def readable(event: bytes) -> Mapping[str, Any] | str:
    """A parked event as a document, or as text where it is none; bytes that are no text in Base64."""
    try:
        document = orjson.loads(event)
    except orjson.JSONDecodeError:
        document = None
    if isinstance(document, dict):
        return document
    try:
        return event.decode()
    except UnicodeDecodeError:
        return base64.b64encode(event).decode()


def _waiting_event(row: AnyRow) -> Waiting:
    document = readable(bytes(row.event))
    known: Mapping[str, Any] = document if isinstance(document, Mapping) else {}
    data = known.get("data")
    # Of a record without an envelope nothing can be trusted, not even its unit.
    unit = None if row.source.startswith(UNREADABLE) else known.get("unit")
    return Waiting(
        Place("event", row.source, row.subject, row.sequence),
        subject=row.subject,
        name=str(known.get("type") or "?"),
        unit=unit if isinstance(unit, str) else None,
        number=str(data["number"]) if isinstance(data, dict) and data.get("number") else None,
        reason=row.reason,
        error=row.error,
        events=row.events,
        attempts=row.attempts,
        at=row.parked_at,
        next_try_at=row.next_try_at,
    )


def _waiting_timer(row: AnyRow) -> Waiting:
    return Waiting(
        Place("timer", "", row.id, 0),
        subject=row.subject,
        name=row.name,
        unit=row.body.get("unit"),
        number=None,
        reason="timer",
        error=row.error or "",
        events=1,
        attempts=1,
        at=row.due_at,
        next_try_at=None,
    )
