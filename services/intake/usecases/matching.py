"""Linking complaints that are likely about the same, a moment after they were taken in, and undoing links."""

import asyncio
import time
from functools import partial
from typing import Final

from services.intake import store
from services.intake.model import Reader
from services.intake.usecases.comparing import Comparison, compare, record
from shared import telemetry
from shared.contracts.intake import ComplaintLinked
from shared.errors import NotFound, Transient
from shared.store import leases
from shared.store.database import Database
from shared.store.leases import Lease
from shared.store.signal import Signal
from shared.store.transaction import Tx

BATCH: Final = 50
POLL_SECONDS: Final = 2.0
GATHER_SECONDS: Final = 0.1
"""How long complaints may gather after the first of them: a batch costs hardly more than one alone."""
SHARE: Final = 20
"""How much longer than it works it waits while more come in, so that taking complaints in goes first."""
RENEW_SECONDS: Final = 5.0

log = telemetry.logger("matcher")


class Matcher:
    """Compares new complaints with earlier ones, a batch at a time; one matcher at a time per database, under a lease.

    While complaints come in as fast as they can be written it takes a twentieth of the time at most and falls behind;
    what it has not compared yet is kept, and it catches up once there is room.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owner = leases.owner_name()
        self._lease: Lease | None = None
        self._renewed = float("-inf")
        self.wake = Signal()

    async def run(self) -> None:
        """Match for ever. The database being away is waited out."""
        while True:
            try:
                while await self._round():
                    pass
            except Transient as error:
                log.warning("matching waits", error=str(error))
            if await self.wake.wait(POLL_SECONDS):
                await asyncio.sleep(GATHER_SECONDS)

    async def stop(self) -> None:
        """Give the lease back. The loop must have ended."""
        if self._lease is not None:
            try:
                await leases.release(self._database, self._lease)
            except Transient:
                log.warning("lease not released", service=self._database.service)
            self._lease = None

    async def _round(self) -> bool:
        """Compare a batch and let others work; says whether another should follow."""
        if self._database.is_paused or not await self._hold_lease():
            return False
        begun = time.perf_counter()
        await self.wake.wait(0)
        done = await self.match_waiting()
        more_came = self.wake.is_set
        await asyncio.sleep((time.perf_counter() - begun) * (SHARE if more_came else 1))
        return done == BATCH

    async def _hold_lease(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self._lease is None or now - self._renewed > RENEW_SECONDS:
            # On SQLite there is one process: an unexpired lease is that of one that is gone.
            self._lease = await leases.take(
                self._database, "matcher", self._owner, seize=self._database.is_sqlite
            )
            self._renewed = now
        return self._lease is not None

    async def _record(self, found: Comparison, tx: Tx) -> None:
        if self._lease is not None:
            await leases.must_hold(tx, self._lease)
        await record(tx, found)

    async def match_waiting(self) -> int:
        """Compare a batch of what was not compared yet; says how many. Nobody else may meanwhile. Raises Transient."""
        async with self._database.reading() as connection:
            waiting = await store.unmatched(connection, limit=BATCH)
            found = await compare(connection, waiting) if waiting else None
        if found is not None:
            await self._database.run(partial(self._record, found))
        return len(waiting)


async def undo_link(tx: Tx, number: str, other: str, reader: Reader) -> None:
    """Undo a link between two complaints within reach. Raises NotFound where there is none."""
    mine = await store.complaint(tx.connection, number, reader.units)
    theirs = await store.complaint(tx.connection, other, reader.units)
    if mine is None or theirs is None:
        raise _no_link(number, other)
    await tx.lock(mine.id, theirs.id)
    row = await store.undo_link(tx, mine.id, theirs.id, by=reader.id)
    if row is None:
        raise _no_link(number, other)
    later, earlier = (mine, theirs) if row.complaint_id == mine.id else (theirs, mine)
    said = ComplaintLinked(
        number=later.number,
        other_id=earlier.id,
        other_number=earlier.number,
        score=row.score,
        reasons=tuple(row.reasons),
        undone=True,
    )
    tx.say(said, subject=later.id, unit=row.unit)


def _no_link(number: str, other: str) -> NotFound:
    return NotFound(
        f"There is no link between {number} and {other} within reach.", zh="没有该关联。"
    )
