"""What erasing leaves in files is taken out after its commit: at once, and again by a sweeper where that failed."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from services.intake import store
from services.intake.store.mails import MAILS
from services.intake.usecases.erasing import ERASED, scrubbed
from shared import telemetry
from shared.errors import Transient
from shared.store.database import Database
from shared.store.scrub import Scrubbed, scrub
from shared.store.signal import Signal
from shared.store.transaction import Tx

BATCH = 100
POLL_SECONDS = 30.0
_WITH_KEYS = (store.COMPLAINANTS, store.ATTACHMENTS, MAILS)
"""What was sealed elsewhere is worth nothing without them."""

log = telemetry.logger("scrubber")


class Scrubber:
    """Deletes files of the erased and scrubs the database, for all that wait together."""

    def __init__(self, database: Database, *, url: str, path_of: Callable[[str], Path]) -> None:
        """`url` is the database's; `path_of` tells where an attachment's bytes are."""
        self._database = database
        self._url = url
        self._path_of = path_of
        self._one_at_a_time = asyncio.Lock()
        self.wake = Signal()

    async def run(self) -> None:
        """Scrub for ever."""
        while True:
            try:
                if not self._database.is_paused:
                    await self.scrub_waiting()
            except Transient as error:
                log.warning("erasures wait to be scrubbed", error=str(error))
            await self.wake.wait(POLL_SECONDS)

    async def scrub_waiting(self) -> int:
        """Scrub what was erased and not yet scrubbed; says how many erasures. Raises Transient."""
        async with self._one_at_a_time:
            async with self._database.reading() as connection:
                waiting = await store.erasures_in(connection, ERASED, limit=BATCH)
            if not waiting:
                return 0
            files = {row.id: await self._delete(row.proof["attachments"]) for row in waiting}
            done = await scrub(self._url, _WITH_KEYS)
            for row in waiting:
                await self._database.run(partial(self._record, row, files[row.id], done))
            return len(waiting)

    async def _record(self, row: store.Found, files: int, done: Scrubbed, tx: Tx) -> None:
        units = frozenset({row.unit})
        await scrubbed(tx, row.id, units, files=files, is_log_clean=done.is_log_clean)

    async def _delete(self, ids: list[str]) -> int:
        """Delete attachments' bytes; says how many are gone. Raises Transient when the disk refuses."""
        for id_ in ids:
            try:
                await asyncio.to_thread(self._path_of(id_).unlink, missing_ok=True)
            except OSError as error:
                raise Transient(f"attachment {id_} cannot be deleted: {error.strerror}") from error
        return len(ids)
