"""Mistakes built in on purpose, one at a time, to show that the checker notices each of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, text

from redress import host
from services.notify import store
from shared.bus import consume
from shared.bus.embedded.subscription import EmbeddedSubscription
from shared.bus.kafka.subscription import KafkaSubscription
from shared.store import leases, relay
from shared.store.database import Database
from shared.store.progress import Verdict
from shared.store.transaction import Tx

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def no_progress() -> None:
    """Apply whatever comes, also what was applied before."""
    consume.judge = lambda **_: Verdict.APPLY  # type: ignore[attr-defined]


def offsets_first() -> None:
    """Commit offsets as soon as records are taken, before their effects."""
    for kind in (EmbeddedSubscription, KafkaSubscription):
        _commit_at_once(kind)


def _commit_at_once(kind: Any) -> None:
    take = kind.take

    async def taking(self: Any, **how: Any) -> Any:
        batch = await take(self, **how)
        if batch:
            await self.commit({slot: records[-1].offset + 1 for slot, records in batch.items()})
        return batch

    kind.take = taking


def relay_by_id() -> None:
    """Relay what has a higher id than the last relayed: rows committed later with a lower id are passed."""
    lasts: dict[int, int] = {}

    async def waiting(self: relay.Relay) -> Sequence[Any]:
        table = self._database.frame.outbox
        async with self._database.reading() as connection:
            if id(self) not in lasts:
                published = select(table.c.id).where(table.c.published_at.is_not(None))
                newest = published.order_by(table.c.id.desc()).limit(1)
                lasts[id(self)] = (await connection.execute(newest)).scalar_one_or_none() or 0
            query = (
                select(table.c.id, table.c.subject, table.c.event)
                .where(table.c.id > lasts[id(self)])
                .order_by(table.c.id)
                .limit(relay.BATCH)
            )
            rows = (await connection.execute(query)).all()
        if rows:
            lasts[id(self)] = rows[-1].id
        return rows

    relay.Relay._waiting = waiting  # type: ignore[method-assign]


def outbox_apart() -> None:
    """Write what is said in a transaction of its own, after the one that it is about."""
    run = Database.run
    flush = Tx.flush
    said: list[Any] = []

    async def keep(self: Tx) -> None:
        said.extend(self._said)
        self._said.clear()
        await flush(self)

    async def running(self: Database, unit: Callable[[Tx], Any]) -> Any:
        result = await run(self, unit)
        mine = [one for one in said if one.body.source == self.service]
        for one in mine:
            said.remove(one)
        if mine:

            async def write(tx: Tx) -> None:
                tx._said.extend(mine)
                tx.has_said = True
                await flush(tx)

            await run(self, write)
        return result

    Tx.flush = keep  # type: ignore[method-assign]
    Database.run = running  # type: ignore[method-assign]


def messages_without_key() -> None:
    """Let the same message be planned twice: nobody looks, and no unique key forbids it (SQLite only)."""
    migrate = host.migrate

    async def none(*_: object) -> set[store.Purpose]:
        return set()

    async def migrating(environment: Any, services: Any, bus: Any) -> None:
        await migrate(environment, services, bus)
        [notify] = [one for one in services if one.name == "notify"]
        await notify.database.run(_drop_key)

    host.migrate = migrating
    store.purposes = none  # type: ignore[assignment]


async def _drop_key(tx: Tx) -> None:
    """Make the table anew without the constraint; done before, at an earlier start, it changes nothing."""
    where = "FROM sqlite_master WHERE type = 'table' AND name = 'messages'"
    written = (await tx.execute(text(f"SELECT sql {where}"))).scalar_one()
    bare = re.sub(r",\s*CONSTRAINT uq_messages_once UNIQUE \([^)]*\)", "", written)
    if bare == written:
        return
    await tx.execute(text("PRAGMA defer_foreign_keys = ON"))
    await tx.execute(text(re.sub(r"TABLE \"?messages\"?", "TABLE bare", bare, count=1)))
    for statement in (
        "INSERT INTO bare SELECT * FROM messages",
        "DROP TABLE messages",
        "ALTER TABLE bare RENAME TO messages",
    ):
        await tx.execute(text(statement))


def no_lease() -> None:
    """Let every relay believe that it alone has the lease."""

    async def take(*_: object, **__: object) -> leases.Lease:
        return leases.Lease("relay", "everybody", 1)

    leases.take = take
    leases.guarded = lambda statement, *_: statement


MUTANTS: Final[Mapping[str, Callable[[], None]]] = {
    "no-progress": no_progress,
    "offsets-first": offsets_first,
    "relay-by-id": relay_by_id,
    "outbox-apart": outbox_apart,
    "messages-without-key": messages_without_key,
    "no-lease": no_lease,
}
