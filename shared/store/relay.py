"""The relay: takes what waits in the outbox to the log, in order, and marks what the log has acknowledged.

One relay at a time per database, under a lease. It never keeps a cursor by id: ids are given out before commits, so
a cursor passes rows that appear later (P1); and never shares rows among relays, which reorders them (P2).
Publish, then mark: a crash between the two sends again, which progress marks absorb; the reverse would lose events.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.sql.dml import Update

from shared import faults, telemetry
from shared.backoff import pause_after
from shared.bus.port import Bus, Message, MessageRefused, PublishFailed
from shared.errors import Transient
from shared.store import leases
from shared.store.database import Database
from shared.store.leases import Lease
from shared.store.lists import among
from shared.store.republish import horizon
from shared.store.tables import Frame
from shared.store.transaction import AnyRow, Tx

BATCH = 500
POLL_SECONDS = 0.2
QUIET_SECONDS = 1.0
"""Between polls where nobody but this process can have said something, or another relay has the lease."""
BUSY = 8
GATHER_SECONDS = 0.01
"""How long rows may gather after a round of so many: under load a round a commit costs more than it brings."""
RENEW_SECONDS = 5.0
KEEP_PUBLISHED = timedelta(days=7)

log = telemetry.logger("relay")


@dataclass(slots=True)
class Relayed:
    """What one round did: `more` when a full batch was there, so another round should follow at once."""

    published: int
    more: bool


class Relay:
    """Publishes one service's outbox to its topic."""

    def __init__(
        self, database: Database, bus: Bus, *, topic: str, metrics: telemetry.Metrics
    ) -> None:
        self._database = database
        self._bus = bus
        self._topic = topic
        self._metrics = metrics
        self._owner = leases.owner_name()
        self._lease: Lease | None = None
        self._next: Sequence[AnyRow] = ()
        """What was waiting as the last batch was marked."""
        self._holds_back = True
        """Whether the log may have refused something; looked up with the lease, under which alone it comes about."""
        self._renewed = 0.0
        self._is_shared = bus.features.many_processes

    async def run(self) -> None:
        """Relay for ever. The database or the log being away is waited out."""
        failures = 0
        while True:
            try:
                more = await self._round()
                failures = 0
            except Transient as error:
                pause = pause_after(failures)
                failures += 1
                log.warning(
                    "relay waits", service=self._database.service, error=str(error), seconds=pause
                )
                await asyncio.sleep(pause)
                continue
            if not more:
                is_alone = self._lease is None or not self._is_shared
                await self._database.outbox_filled.wait(QUIET_SECONDS if is_alone else POLL_SECONDS)

    async def drain(self) -> None:
        """Publish what waits, if this relay holds the lease. Raises Transient when it cannot."""
        while self._lease is not None and await self._round():
            pass

    async def stop(self) -> None:
        """Give the lease back. The loop must have ended."""
        if self._lease is not None:
            try:
                await leases.release(self._database, self._lease)
            except Transient:
                log.warning("lease not released", service=self._database.service)
            self._lease = None

    async def _round(self) -> bool:
        if not await self._hold_lease():
            return False
        relayed = await self.publish_waiting()
        if relayed.published >= BUSY and not relayed.more:
            await asyncio.sleep(GATHER_SECONDS)
        return relayed.more

    async def _hold_lease(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self._lease is None or now - self._renewed > RENEW_SECONDS:
            # Where the log serves one process, an unexpired lease is that of a process that is gone.
            seize = not self._is_shared and self._renewed == 0
            self._next = ()  # another relay may have sent it meanwhile
            self._lease = await leases.take(self._database, "relay", self._owner, seize=seize)
            self._renewed = now
            self._holds_back = True
            if self._lease is not None:
                self._holds_back = await self._has_refused()
            # Who holds the lease hears its own commits; only the others need to call.
            self._database.announce = self._lease is None and not self._database.is_sqlite
        return self._lease is not None

    async def publish_waiting(self) -> Relayed:
        """Publish one batch. Raises Transient when the log or the database is away; nothing is lost then."""
        rows, self._next = self._next or await self._waiting(), ()
        if not rows:
            return Relayed(0, more=False)
        faults.reach("relay.after_read")
        messages = [Message(row.subject, row.event.encode()) for row in rows]
        try:
            await self._bus.publish(self._topic, messages)
        except MessageRefused as refusal:
            await self._mark(rows[: refusal.acknowledged])
            await self._set_aside(rows[refusal.acknowledged], str(refusal))
            return Relayed(refusal.acknowledged, more=True)
        except PublishFailed as failure:
            await self._mark(rows[: failure.acknowledged])
            raise
        faults.reach("relay.after_ack")
        self._next = await self._mark(rows)
        return Relayed(len(rows), more=bool(self._next))

    async def _waiting(self) -> Sequence[AnyRow]:
        async with self._database.reading() as connection:
            return (await connection.execute(self._query(connection.dialect.name))).all()

    async def _has_refused(self) -> bool:
        table = self._database.frame.outbox
        query = select(exists().where(_refused(table)))
        async with self._database.reading() as connection:
            return bool((await connection.execute(query)).scalar())

    def _query(self, dialect: str) -> Select[tuple[int, str, str]]:
        return _waiting(self._database.frame, dialect, holds_back=self._holds_back)

    async def _mark(self, rows: Sequence[AnyRow]) -> Sequence[AnyRow]:
        """Mark rows as published; gives what waits now, so that going on costs no other look."""
        lease = self._lease
        if not rows or lease is None:
            return ()
        ids = [row.id for row in rows]

        async def unit(tx: Tx) -> tuple[int, Sequence[AnyRow]]:
            dialect = tx.connection.dialect.name
            done = await tx.execute(
                _marked(tx.frame, dialect), {"ids": ids, "at": tx.now, **leases.held(lease)}
            )
            return done.rowcount, await tx.rows(self._query(dialect))

        marked, waiting = await self._database.run(unit)
        if marked != len(ids):
            # The lease went to another relay while this one slept: it will publish these again, in order.
            self._lease = None
            log.warning("relay lost its lease", service=self._database.service)
            return ()
        self._metrics.relayed.labels(self._database.service).inc(len(ids))
        return waiting

    async def _set_aside(self, row: AnyRow, reason: str) -> None:
        async def unit(tx: Tx) -> None:
            table = tx.frame.outbox
            await tx.execute(update(table).where(table.c.id == row.id).values(refused=reason))

        log.error("the log refuses an event: its subject waits", service=self._database.service,
                  subject=row.subject, error=reason)  # fmt: skip
        self._holds_back = True
        await self._database.run(unit)


@cache
def _waiting(frame: Frame, dialect: str, *, holds_back: bool) -> Select[tuple[int, str, str]]:
    """What waits and may be published now, oldest first.

    To look for refused rows takes a look at all that wait, so it is left out as long as there is none.
    """
    table = frame.outbox
    query = select(table.c.id, table.c.subject, table.c.event).where(
        table.c.published_at.is_(None), table.c.id <= horizon(frame, dialect)
    )
    if holds_back:
        query = query.where(table.c.subject.not_in(select(table.c.subject).where(_refused(table))))
    return query.order_by(table.c.id).limit(BATCH)


def _refused(table: Table) -> ColumnElement[bool]:
    return and_(table.c.published_at.is_(None), table.c.refused.is_not(None))


@cache
def _marked(frame: Frame, dialect: str) -> Update:
    """Mark rows, if the lease still holds."""
    table = frame.outbox
    marked = update(table).where(among(table.c.id, "ids", dialect))
    return leases.guarded(
        marked.values(published_at=bindparam("at", type_=table.c.published_at.type)), frame, dialect
    )


async def waiting_count(database: Database, *, at_most: int) -> int:
    """How many events wait to be published, counted no further than `at_most`."""
    table = database.frame.outbox
    some = select(table.c.id).where(table.c.published_at.is_(None)).limit(at_most).subquery()
    async with database.reading() as connection:
        found: int = (await connection.execute(select(func.count()).select_from(some))).scalar_one()
    return found


async def prune(database: Database) -> int:
    """Delete published rows older than a week; says how many."""

    async def unit(tx: Tx) -> int:
        table = tx.frame.outbox
        old = (
            select(table.c.id)
            .where(table.c.published_at < tx.now - KEEP_PUBLISHED)
            .limit(5_000)
            .scalar_subquery()
        )
        return (await tx.execute(delete(table).where(table.c.id.in_(old)))).rowcount

    return await database.run(unit)
