"""What an operator holds back in a service: rows of `leases` that each of its processes looks at again and again.

`pause` holds writing requests, timers and loops of the service's own; relay and consumer go on until nothing is left.
It expires by itself when whoever asked for it is gone. `rebuild` holds the consumer until a read model is whole.
"""

import asyncio
from typing import Final

from sqlalchemy import func, select

from shared import telemetry
from shared.errors import Conflict, Transient
from shared.store import leases
from shared.store.database import Database
from shared.store.leases import Lease, database_milliseconds
from shared.store.transaction import Tx

PAUSE: Final = "pause"
REBUILD: Final = "rebuild"
LOOK_SECONDS: Final = 0.5
FOR_EVER: Final = 2**62
CONSUMING: Final = 7_262_734
"""Any number, the same for every process: PostgreSQL's lock between consumers and who holds them."""

log = telemetry.logger("holds")


async def pause(database: Database, owner: str) -> Lease:
    """Hold the service, or hold it longer: for 15 s from now. Raises Conflict while another holds it."""
    lease = await leases.take(database, PAUSE, owner)
    if lease is None:
        raise Conflict(
            f"Another operator has paused {database.service}: wait until that is over.",
            zh=f"另一位运维人员已暂停 {database.service}，请等待其结束。",
        )
    await look(database)
    return lease


async def resume(database: Database, owner: str) -> None:
    """Let the service go on at once. Again, or after it expired, is harmless."""
    lease = await leases.take(database, PAUSE, owner)
    if lease is not None:
        await leases.release(database, lease)
    await look(database)


async def hold_consumers(tx: Tx, who: str) -> None:
    """Hold the consumers of all processes from this commit on, until the rebuild that follows has ended."""
    if tx.connection.dialect.name == "postgresql":
        # Waits for those that apply something now; later ones see the hold (`must_flow`).
        await tx.execute(select(func.pg_advisory_xact_lock(CONSUMING)))
    values = {"owner": who[:60], "token": 0, "expires": FOR_EVER}
    new = tx.upsert(tx.frame.leases).values(name=REBUILD, **values)
    await tx.execute(new.on_conflict_do_update(index_elements=["name"], set_=values))


async def must_flow(tx: Tx) -> None:
    """Raise Transient while the consumers are held; otherwise none can be held before this commit."""
    if tx.connection.dialect.name == "postgresql":
        await tx.execute(select(func.pg_advisory_xact_lock_shared(CONSUMING)))
    table = tx.frame.leases
    now = database_milliseconds(tx.connection.dialect.name)
    held = select(table.c.name).where(table.c.name == REBUILD, table.c.expires >= now)
    if await tx.row(held) is not None:
        raise Transient("a read model is being rebuilt")


async def look(database: Database) -> None:
    """See what is held now. Raises Transient when the database is away."""
    table = database.frame.leases
    now = database_milliseconds("sqlite" if database.is_sqlite else "postgresql")
    query = select(table.c.name).where(table.c.name.in_((PAUSE, REBUILD)), table.c.expires >= now)
    async with database.reading() as connection:
        held = set((await connection.execute(query)).scalars())
    if (PAUSE in held) != database.is_paused:
        log.warning("paused" if PAUSE in held else "goes on", service=database.service)
    database.is_paused, database.is_rebuilding = PAUSE in held, REBUILD in held


async def watch(database: Database) -> None:
    """Keep seeing what is held, for ever. While the database is away, what was seen last holds."""
    while True:
        try:
            await look(database)
        except Transient as error:
            log.warning("holds not seen", service=database.service, error=str(error))
        await asyncio.sleep(LOOK_SECONDS)
