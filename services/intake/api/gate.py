"""Whether intake can promise anything now: room for events that wait, and room on the disk; and whether it is to."""

import asyncio
import shutil
from pathlib import Path
from typing import Final

from starlette.requests import Request

from shared.errors import Transient
from shared.store.database import Database
from shared.store.relay import waiting_count

CHECK_SECONDS: Final = 1.0
LEAST_FREE: Final = 0.05


class Gate:
    """Looks at most once a second; between looks the last answer holds."""

    def __init__(self, database: Database, *, cap: int, folder: Path) -> None:
        self._database = database
        self._cap = cap
        self._folder = folder
        self._looked_at = float("-inf")
        self._problem: str | None = None
        self._look: asyncio.Task[None] | None = None

    async def must_be_open(self) -> None:
        """Raise Transient while too many events wait or the disk is nearly full."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at >= CHECK_SECONDS and self._look is None:
            first = self._looked_at < 0
            self._looked_at = now
            self._look = asyncio.ensure_future(self._see())
            if first or self._problem:
                await asyncio.shield(self._look)
        if self._problem:
            raise Transient(self._problem)

    async def _see(self) -> None:
        try:
            waiting = await waiting_count(self._database, at_most=self._cap + 1)
            disk = await asyncio.to_thread(shutil.disk_usage, self._folder)
            self._problem = self._judge(waiting, disk.free / disk.total)
        except (Transient, OSError):
            self._problem = None  # writing will tell by itself
        finally:
            self._look = None

    def _judge(self, waiting: int, free: float) -> str | None:
        if waiting > self._cap:
            return f"more than {self._cap} events wait to be published: is the log away?"
        if free < LEAST_FREE:
            return f"the disk under {self._folder} has only {free:.1%} left: make room"
        return None


def only_tells(request: Request) -> bool:
    """Whether nothing is to be stored: `?validate=true`."""
    return bool(request.scope["query_string"]) and request.query_params.get("validate") in (
        "true",
        "1",
    )
