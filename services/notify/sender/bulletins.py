"""Spreads bulletins: fetches an incident's members page by page from followup, and plans a message for each.

A page's messages and the place where the next one begins are one transaction: a kill neither skips nor repeats anybody.
They wait in the last lane, behind every single message.
"""

import asyncio
from datetime import timedelta
from typing import Any, Final

import httpx

from services.notify.store import bulletins as rows
from services.notify.usecases import Notify, bulletins
from shared import faults, telemetry
from shared.errors import Transient
from shared.store.database import Database
from shared.store.transaction import AnyRow
from shared.web.credentials import Guard

POLL_SECONDS: Final = 1.0
PAGE: Final = 200
PAUSE: Final = timedelta(seconds=5)
SCOPES: Final = frozenset({"followup:read"})

log = telemetry.logger("bulletins")


class Spreader:
    """Spreads all bulletins of a process."""

    def __init__(
        self, *, database: Database, notify: Notify, client: httpx.AsyncClient, guard: Guard
    ) -> None:
        self._database = database
        self._notify = notify
        self._client = client
        self._guard = guard

    async def run(self) -> None:
        """Spread for ever."""
        while True:
            try:
                while not self._database.is_paused and await self.spread_due():
                    pass
            except Transient as error:
                log.warning("bulletins wait", error=str(error))
                await asyncio.sleep(PAUSE.total_seconds())
            await asyncio.sleep(POLL_SECONDS)

    async def spread_due(self) -> int:
        """Plan one page of each bulletin that is due; says how many pages. A followup that is away puts it off."""
        async with self._database.reading() as connection:
            due = await rows.due_bulletins(connection, now=self._database.clock.now())
        return sum([await self._spread(row) for row in due])

    async def _spread(self, row: AnyRow) -> bool:
        found = await self._page(row)
        if found is None:
            await self._database.run(lambda tx: rows.put_off_bulletin(tx, row.id, wait=PAUSE))
            return False
        faults.reach("notify.bulletin_page")
        await self._database.run(
            lambda tx: bulletins.plan_page(
                tx, self._notify, row, found["items"], after=found["next"]
            )
        )
        return True

    async def _page(self, row: AnyRow) -> dict[str, Any] | None:
        """The next members; None where followup does not answer."""
        headers = {"Authorization": f"Bearer {self._guard.service_token('notify', SCOPES)}"}
        params = {"limit": str(PAGE)} | ({"after": row.after} if row.after else {})
        try:
            answer = await self._client.get(
                f"/followup/v1/incidents/{row.incident}/members", params=params, headers=headers
            )
        except httpx.HTTPError as error:
            log.info("followup is away", error=type(error).__name__)
            return None
        if answer.status_code != httpx.codes.OK:
            log.warning("members are not to be had", status=answer.status_code, bulletin=row.id)
            return None
        found: dict[str, Any] = answer.json()
        return found
