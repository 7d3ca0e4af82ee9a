"""Making read models anew: what a service keeps only to show it, and can make again of the events in the log.

Whoever asks sets a hold that every process of the service sees; one of them clears the model and applies again what
the service had applied, and only then lets the consumer go on. So the model is always a beginning of itself: nobody
reads a later event of a subject before an earlier one. If that process dies another begins again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Generic, TypeVar

from sqlalchemy import delete, func, select, tuple_, update

from shared import telemetry
from shared.bus.consume import Delivery, Subscriptions, read_deliveries, topics_of
from shared.bus.port import Bus
from shared.contracts.catalogue import BY_TYPE
from shared.contracts.envelope import read_event
from shared.errors import Conflict, Poison, Transient
from shared.store import holds, leases
from shared.store.database import Database
from shared.store.leases import Lease
from shared.store.progress import Key, marks, record
from shared.store.transaction import Tx

C = TypeVar("C")

REBUILDER: Final = "rebuilder"
MARK: Final = "rebuild:"
"""Before the source of what the rebuild has applied, beside the service's own marks."""
CLEARED_AT_ONCE: Final = 5_000
READ_WAIT: Final = timedelta(seconds=1)
RENEW_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 2.0

log = telemetry.logger("rebuild")


@dataclass(frozen=True, slots=True)
class ReadModel(Generic[C]):
    """A read model: `clear` removes some of it, newest first, and says how many; the handlers make it of events.

    They say nothing and set no timer: a rebuild that did would do again what was done.
    """

    name: str
    clear: Callable[[Tx, int], Awaitable[int]]
    subscriptions: Subscriptions[C]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rebuild is, in events."""

    is_rebuilding: bool
    done: int
    of: int


class Rebuilder(Generic[C]):
    """Makes one service's read models anew when asked."""

    def __init__(
        self, *, database: Database, bus: Bus, models: Sequence[ReadModel[C]], context: C
    ) -> None:
        self._database = database
        self._bus = bus
        self._models = models
        self._context = context
        self._owner = leases.owner_name()
        self._renewed = 0.0

    async def ask(self, who: str) -> None:
        """Have the read models made anew; while they are, again is harmless. Raises Conflict where there is none."""
        if not self._models:
            raise Conflict(
                f"{self._database.service} has no read model: all it keeps is its own record, which no event can "
                "make again. A lost database comes back from a backup.",
                zh=f"{self._database.service} 没有读模型：其数据是自身的记录，无法由事件重建，请从备份恢复。",
            )
        await self._database.run(lambda tx: holds.hold_consumers(tx, who))
        await holds.look(self._database)

    async def progress(self) -> Progress:
        """How far it is."""
        await holds.look(self._database)
        table = self._database.frame.progress
        total = select(func.coalesce(func.sum(table.c.last_sequence), 0))
        ours = table.c.source.startswith(MARK)
        async with self._database.reading() as connection:
            done = int((await connection.execute(total.where(ours))).scalar_one())
            of = int((await connection.execute(total.where(~ours))).scalar_one())
        return Progress(self._database.is_rebuilding, done, of)

    async def run(self) -> None:
        """Rebuild whenever it is asked for, for ever."""
        while True:
            try:
                if self._database.is_rebuilding:
                    await self.rebuild()
            except Transient as error:
                log.warning("rebuild waits", service=self._database.service, error=str(error))
            await asyncio.sleep(AGAIN_SECONDS)

    async def rebuild(self) -> None:
        """Make all read models anew, if no other process does. Raises Transient when it must begin again later."""
        lease = await leases.take(self._database, REBUILDER, self._owner)
        if lease is None:
            return
        log.warning("rebuilding", service=self._database.service)
        while await self._step(lease, self._clear):
            pass
        await self._apply_all(lease)
        while await self._step(lease, _clear_marks):
            pass
        await self._database.run(lambda tx: _finish(tx, lease))
        await leases.release(self._database, lease)
        await holds.look(self._database)
        log.warning("rebuilt", service=self._database.service)

    async def _clear(self, tx: Tx) -> int:
        return await _clear_marks(tx) + sum(
            [await model.clear(tx, CLEARED_AT_ONCE) for model in self._models]
        )

    async def _apply_all(self, lease: Lease) -> None:
        """Read the topics side by side, so that what belongs together comes about together."""
        topics = sorted({t for model in self._models for t in topics_of(model.subscriptions)})
        async with AsyncExitStack() as stack:
            readers = [await stack.enter_async_context(self._bus.read(topic)) for topic in topics]
            while readers:
                for reader in tuple(readers):
                    records = await reader.read(wait=READ_WAIT)
                    deliveries, _ = read_deliveries(records)
                    await self._apply_batch(lease, deliveries)
                    if reader.caught_up:
                        readers.remove(reader)

    async def _apply_batch(self, lease: Lease, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        try:
            await self._step(lease, lambda tx: self._apply(tx, deliveries))
        except Transient:
            raise
        except Exception:  # noqa: BLE001 - found out one by one
            for delivery in deliveries:
                await self._apply_alone(lease, delivery)

    async def _apply_alone(self, lease: Lease, delivery: Delivery) -> None:
        try:
            await self._step(lease, lambda tx: self._apply(tx, [delivery]))
        except (Transient, SaysSomething):
            raise
        except Exception as error:  # noqa: BLE001 - such as one that a person had dropped
            log.error("event left out of the rebuild", service=self._database.service, subject=delivery.header.subject,
                      type=delivery.header.type, error=f"{type(error).__name__}: {error}")  # fmt: skip

    async def _apply(self, tx: Tx, deliveries: Sequence[Delivery]) -> int:
        """Apply what the service has applied and the rebuild has not; the rest is the consumer's."""
        keys = {delivery.key for delivery in deliveries}
        live, done = await marks(tx, keys), await marks(tx, map(_ours, keys))
        moved: dict[Key, int] = {}
        for delivery in deliveries:
            key, sequence = _ours(delivery.key), delivery.header.sequence
            if done[key] < sequence <= live[delivery.key]:
                await self._handle(tx, delivery)
                done[key] = moved[key] = sequence
        await record(tx, moved)
        return len(moved)

    async def _handle(self, tx: Tx, delivery: Delivery) -> None:
        body = BY_TYPE.get(delivery.header.type)
        for model in self._models:
            handler = model.subscriptions.get(body) if body else None
            if body is None or handler is None:
                continue
            await handler(read_event(delivery.header, body), tx, self._context)
            if tx.has_said or tx.has_armed:
                raise SaysSomething(
                    f"the read model {model.name} says or sets something when it is rebuilt"
                )

    async def _step(self, lease: Lease, work: Callable[[Tx], Awaitable[int]]) -> int:
        """One transaction of the rebuild, while the lease is this process's. Raises Transient when it is not."""
        now = asyncio.get_running_loop().time()
        if now - self._renewed > RENEW_SECONDS:
            await leases.take(self._database, REBUILDER, self._owner)
            self._renewed = now

        async def unit(tx: Tx) -> int:
            await leases.must_hold(tx, lease)
            return await work(tx)

        return await self._database.run(unit)


class SaysSomething(Poison):
    """A read model's handler said an event or set a timer: a mistake in the code, which ends the process."""


def _ours(key: Key) -> Key:
    return Key(MARK + key.source, key.subject)


async def _clear_marks(tx: Tx) -> int:
    table = tx.frame.progress
    some = (
        select(table.c.source, table.c.subject)
        .where(table.c.source.startswith(MARK))
        .limit(CLEARED_AT_ONCE)
    )
    gone = delete(table).where(tuple_(table.c.source, table.c.subject).in_(some))
    return (await tx.execute(gone)).rowcount


async def _finish(tx: Tx, lease: Lease) -> None:
    await leases.must_hold(tx, lease)
    table = tx.frame.leases
    await tx.execute(update(table).where(table.c.name == holds.REBUILD).values(expires=0))
