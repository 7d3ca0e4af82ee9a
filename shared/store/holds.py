"""What an operator holds back in a service: rows of `leases` that each of its processes looks at again and again.

`pause` holds writing requests, timers and loops of the service's own; relay and consumer go on until nothing is left.
It expires by itself when whoever asked for it is gone. `rebuild` holds the consumer until a read model is whole.
"""

import asyncio
from typing import Final

from sqlalchemy import select

from shared import telemetry
from shared.errors import Conflict, Transient
from shared.store import leases
from shared.store.database import Database
from shared.store.leases import Lease, database_milliseconds

PAUSE: Final = "pause"
REBUILD: Final = "rebuild"
LOOK_SECONDS: Final = 0.5

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
