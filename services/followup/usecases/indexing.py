"""The indexer: gives the words of new complaints to the index behind the consumer's back, so that opening cases waits
for no index. What waits is marked in the rows themselves: no position that a late commit could slip behind.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from services.followup.store.finding import index_anew, index_waiting
from shared import telemetry
from shared.errors import Transient
from shared.store.database import Database

AT_ONCE: Final = 200
EVERY_SECONDS: Final = 0.5

log = telemetry.logger("indexing")


@dataclass(frozen=True, slots=True)
class Indexing:
    """Followup's loop that indexes."""

    database: Database

    async def indexing(self) -> None:
        """Index for ever; what a restored database has, from the start."""
        is_begun = False
        while True:
            try:
                if not is_begun:
                    await self.database.run(index_anew)
                    is_begun = True
                while not self.database.is_paused and await self.index_some() == AT_ONCE:
                    pass
            except Transient as error:
                log.warning("texts are indexed later", error=str(error))
            await asyncio.sleep(EVERY_SECONDS)

    async def index_some(self) -> int:
        """Index what waits, at most so many at once; says how many."""
        return await self.database.run(lambda tx: index_waiting(tx, most=AT_ONCE))
