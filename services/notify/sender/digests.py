"""Plans the digests of a day once its hour has come."""

import asyncio
from datetime import date
from typing import Final

from services.notify.policy.choose.digest import due_day
from services.notify.usecases import Notify
from services.notify.usecases.digests import plan_digests
from shared import telemetry
from shared.errors import Transient
from shared.store.database import Database

LOOK_SECONDS: Final = 60.0

log = telemetry.logger("digests")


class Digester:
    """Looks at the clock; what a process before it planned is not planned again."""

    def __init__(self, *, database: Database, notify: Notify) -> None:
        self._database = database
        self._notify = notify
        self._done: date | None = None

    async def run(self) -> None:
        """Look for ever."""
        while True:
            try:
                if not self._database.is_paused:
                    await self.plan_due()
            except Transient as error:
                log.warning("digests wait", error=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def plan_due(self) -> int:
        """Plan the digests of today if it is time and they were not; says how many."""
        day = due_day(self._database.clock.now(), self._notify.settings.timezone)
        if day is None or day == self._done or not self._notify.policy.units:
            return 0
        planned = await self._database.run(lambda tx: plan_digests(tx, self._notify, day))
        self._done = day
        return planned
