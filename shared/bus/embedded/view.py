"""Looking at the embedded log without its lock: beside the process that has it, or when none does."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

from shared.bus.embedded import log
from shared.bus.embedded.bus import FILE
from shared.bus.embedded.subscription import EmbeddedReader
from shared.bus.embedded.threads import ReadThread
from shared.bus.port import BusMisconfigured, BusUnavailable, Reader, Slot


@asynccontextmanager
async def open_view(folder: Path) -> AsyncIterator["EmbeddedView"]:
    """Open the log in `folder` to read it. Raises BusMisconfigured where there is none."""
    path = folder / FILE
    if not path.is_file():
        raise BusMisconfigured(f"{path} is not there: set REDRESS_DATA to the folder of a system")
    reader = ReadThread(await asyncio.to_thread(_connect, path))
    try:
        yield EmbeddedView(reader)
    finally:
        await reader.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    connection.execute("PRAGMA query_only = ON")
    return connection


class EmbeddedView:
    """The port's LogView over the file."""

    def __init__(self, reader: ReadThread) -> None:
        self.reader = reader
        self.ends: dict[Slot, int] = {}

    @asynccontextmanager
    async def _open_reader(self, topic: str) -> AsyncIterator[Reader]:
        await self._look(topic)
        yield EmbeddedReader([slot for slot in self.ends if slot.topic == topic], self)

    def read(self, topic: str) -> AbstractAsyncContextManager[Reader]:
        return self._open_reader(topic)

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[Slot, int]:
        for topic in topics:
            await self._look(topic)
        return await self.reader.run(partial(log.lag, group=group, topics=topics))

    async def changed(self, wait: float) -> None:
        """Let time pass, then see where the partitions end."""
        await asyncio.sleep(min(wait, 0.05))
        await self._learn_ends()

    async def _look(self, topic: str) -> None:
        await self._learn_ends()
        if Slot(topic, 0) not in self.ends:
            raise BusMisconfigured(f"the log has no topic {topic}: run `redress migrate`")

    async def _learn_ends(self) -> None:
        try:
            self.ends.update(await self.reader.run(log.ends))
        except sqlite3.Error as error:
            raise BusUnavailable(f"the embedded log cannot be read: {error}") from error
