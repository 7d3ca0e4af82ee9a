"""Has files looked at by a scanner, where one is set: until it has found nothing, they are given to nobody."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from services.intake import store
from services.intake.policy.seal import Box, Vault
from services.intake.usecases.clamd import scan
from shared import telemetry
from shared.errors import Conflict, Transient
from shared.store.database import Database

WAITING: Final = "waiting"
CLEAN: Final = "clean"
INFECTED: Final = "infected"
LOST: Final = "lost"
"""Its bytes are gone."""
BATCH: Final = 20
POLL_SECONDS: Final = 2.0

log = telemetry.logger("scanner")


class Scanner:
    """Scans what waits, the oldest first. Two processes may scan the same file: both find the same."""

    def __init__(
        self, database: Database, vault: Vault, *, address: str, path_of: Callable[[str], Path]
    ) -> None:
        """`address` is clamd's; `path_of` tells where a file's sealed bytes are."""
        self._database = database
        self._vault = vault
        self._address = address
        self._path_of = path_of

    async def run(self) -> None:
        """Scan for ever. The scanner or the database being away is waited out: the files stay in quarantine."""
        while True:
            try:
                while not self._database.is_paused and await self.scan_waiting() == BATCH:
                    pass
            except Transient as error:
                log.warning("files wait to be scanned", error=str(error))
            await asyncio.sleep(POLL_SECONDS)

    async def scan_waiting(self) -> int:
        """Scan some files; says how many. Raises Transient."""
        async with self._database.reading() as connection:
            rows = await store.unscanned(connection, limit=BATCH)
        for row in rows:
            state = await self._state(row)
            await self._database.run(partial(store.note_scan, id_=row.id, state=state))
        return len(rows)

    async def _state(self, row: store.Found) -> str:
        content = await self._content(row)
        if content is None:
            return LOST
        found = await scan(self._address, content)
        if found is not None:
            log.warning("a scanner found something", attachment=row.id, found=found)
        return CLEAN if found is None else INFECTED

    async def _content(self, row: store.Found) -> bytes | None:
        """A file's bytes in clear; None where there are none: it is gone, or its owner was erased. Raises Transient."""
        try:
            sealed = await asyncio.to_thread(self._path_of(row.id).read_bytes)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Transient(f"attachment {row.id} cannot be read: {error.strerror}") from error
        box = self._box(row)
        return None if box is None else await asyncio.to_thread(box.open, "content", sealed)

    def _box(self, row: store.Found) -> Box | None:
        if row.complaint_id is None:
            return self._vault.box(row.file_key, owner=row.id)
        if row.data_key is None:
            return None
        owners = self._vault.box(row.data_key, owner=row.complainant_id)
        return Box(owners.open(f"attachment/{row.id}", row.file_key), owner=row.id)


def must_be_clean(state: str | None) -> None:
    """Raise Conflict for a file that is in quarantine."""
    if state == WAITING:
        raise Conflict(
            "The file has not been scanned yet: try again in a moment.",
            zh="文件尚未完成病毒扫描，请稍后再试。",
        )
    if state == INFECTED:
        raise Conflict(
            "The scanner found something in the file: it is not given out.",
            zh="扫描发现文件含有恶意内容，不予提供。",
        )
