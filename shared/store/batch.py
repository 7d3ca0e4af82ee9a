"""Group commit for many small equal writes: whatever came while the last commit ran goes into the next one.

An idle service commits at once. Under load the answers of one commit bring the next requests a moment later; to take
the first of them alone would make every second commit one of a single item. So the next batch waits until three
quarters of the last one's number are there, five milliseconds at most. `write` is set-based: it gets the open
transaction and all items, and gives one result (or one Rejected) per item, in order. If a batch fails before COMMIT was
sent, its items are written one by one, so that a bad one costs only itself.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.errors import CommitUnknown, Rejected
from shared.store.database import Database
from shared.store.transaction import Tx

I = TypeVar("I")  # noqa: E741 - item
R = TypeVar("R")
Write = Callable[[Tx, Sequence[I]], Awaitable[Sequence[R | Rejected]]]

CAP = 100
GATHER_SECONDS = 0.005


@dataclass(slots=True)
class _Entry(Generic[I, R]):
    item: I
    done: "asyncio.Future[R]"


class Batcher(Generic[I, R]):
    """Writes items of one kind in shared commits."""

    def __init__(
        self,
        database: Database,
        write: Write[I, R],
        *,
        coming: Callable[[], int] | None = None,
        patience: float = GATHER_SECONDS,
    ) -> None:
        """`coming`: how many more are known to be on their way; a batch waits for them, `patience` seconds at most."""
        self._coming = coming
        self._patience = patience
        self._database = database
        self._write = write
        self._entries: deque[_Entry[I, R]] = deque()
        self._running = False
        self._wanted = 0
        """How many a batch that is about to begin waits for."""
        self._gathered = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, item: I) -> R:
        """Write one item; returns after its commit. Raises its Rejected, or what `Database.run` raises."""
        entry: _Entry[I, R] = _Entry(item, asyncio.get_running_loop().create_future())
        self._entries.append(entry)
        if len(self._entries) >= self._wanted:
            self._gathered.set()
        if not self._running:
            self._running = True
            task = asyncio.ensure_future(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(entry.done)

    async def _drain(self) -> None:
        try:
            while self._entries:
                await self._gather()
                batch = [self._entries.popleft() for _ in range(min(CAP, len(self._entries)))]
                self._wanted = len(batch) * 3 // 4
                await self._commit(batch)
        finally:
            self._running = False

    async def _gather(self) -> None:
        """Let the requests come in that the last batch's answers brought about, or those that are on their way."""
        if self._coming is not None:
            self._wanted = min(CAP, len(self._entries) + self._coming())
        if len(self._entries) < self._wanted:
            self._gathered.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await self._gathered.wait()

    async def _commit(self, batch: Sequence[_Entry[I, R]]) -> None:
        try:
            results = await self._database.run(
                lambda tx: self._write(tx, [entry.item for entry in batch])
            )
        except Exception as error:  # noqa: BLE001 - given to whoever waits
            if len(batch) == 1 or isinstance(error, CommitUnknown):
                for entry in batch:
                    _give(entry, error)
                return
            for entry in batch:
                await self._commit([entry])
            return
        for entry, result in zip(batch, results, strict=True):
            _give(entry, result)


def _give(entry: _Entry[I, R], result: R | BaseException) -> None:
    if entry.done.done():
        return
    if isinstance(result, BaseException):
        entry.done.set_exception(result)
        entry.done.exception()  # The waiter may be gone.
    else:
        entry.done.set_result(result)
