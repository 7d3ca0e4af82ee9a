"""Writers that do not hold the relay's lease call its holder, on PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.store.listen import listen
from tests.contract.store_engines import asyncpg_url, due, make_tables, open_store

if TYPE_CHECKING:
    from shared.store.transaction import Tx


async def test_a_commit_in_another_process_wakes_the_relay_that_listens(
    postgres_database: str,
) -> None:
    address = asyncpg_url(postgres_database)
    await make_tables(address)
    async with open_store(address) as holder, open_store(address) as writer:
        writer.announce = True
        listening = asyncio.create_task(listen(holder, address))
        try:
            async with asyncio.timeout(20):
                while True:
                    await writer.run(_say)
                    if await holder.outbox_filled.wait(0.2):
                        break
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def _say(tx: Tx) -> None:
    tx.say(due(), subject="c", unit="root")
