"""Hears that another process has filled the outbox (PostgreSQL's LISTEN). Only a hint: the relay polls all the same."""

import asyncio

import asyncpg

from shared import telemetry
from shared.store.database import CHANNEL, Database

CHECK_SECONDS = 15.0
AGAIN_SECONDS = 5.0

log = telemetry.logger("listen")


async def listen(database: Database, url: str) -> None:
    """Set the database's `outbox_filled` whenever another process calls, for ever."""
    while True:
        try:
            await _listen_once(database, url.replace("+asyncpg", "", 1))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.info("not listening", service=database.service, error=type(error).__name__)
        await asyncio.sleep(AGAIN_SECONDS)


async def _listen_once(database: Database, dsn: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=5)
    try:
        await connection.add_listener(CHANNEL, lambda *_: database.outbox_filled.set())
        while not connection.is_closed():
            # A half-open connection says nothing by itself.
            await asyncio.sleep(CHECK_SECONDS)
            await connection.execute("SELECT 1")
    finally:
        connection.terminate()
