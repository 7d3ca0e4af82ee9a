"""Two threads between the event loop and the file: one writes, one reads.

The writer takes every job that waits and commits them together, so that callers who come at once share one fsync.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.bus.embedded import log

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

JOBS_AT_ONCE = 64


@dataclass(slots=True)
class _Job(Generic[T]):
    work: Work[T]
    answer: asyncio.Future[T]
    result: T | None = None
    error: BaseException | None = None


class Writer:
    """Runs work inside a transaction. What was handed over runs to its end, also when the caller was cancelled."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="bus-writer", daemon=True)
        self._thread.start()

    async def run(self, work: Work[T]) -> T:
        """Do `work` and commit; returns when it is on disk. Raises what it raised, or sqlite3.Error."""
        answer: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Job(work, answer))
        return await answer

    async def close(self) -> None:
        """Finish what waits, then stop."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _run(self) -> None:
        going = True
        while going:
            jobs: list[_Job[Any]] = []
            job = self._jobs.get()
            while job is not None:
                jobs.append(job)
                if len(jobs) == JOBS_AT_ONCE or self._jobs.empty():
                    break
                job = self._jobs.get()
            going = job is not None
            if jobs:
                self._commit(jobs)
                self._loop.call_soon_threadsafe(_answer, jobs)

    def _commit(self, jobs: list[_Job[Any]]) -> None:
        try:
            with log.transaction(self._connection):
                for job in jobs:
                    self._attempt(job)
        except sqlite3.Error as error:
            for job in jobs:
                job.error = job.error or error

    def _attempt(self, job: _Job[Any]) -> None:
        """Each job in a savepoint: one that fails takes no other with it."""
        self._connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(self._connection)
        except Exception as error:
            job.error = error
            if (
                not self._connection.in_transaction
            ):  # SQLite gave the whole transaction up (disk full)
                raise
            self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")


class ReadThread:
    """Runs reads one after the other on a connection of its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bus-reader")

    async def run(self, work: Work[T]) -> T:
        """Do `work`. Raises what it raised."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, work, self._connection
        )

    async def close(self) -> None:
        """Finish what waits, then stop."""
        await asyncio.to_thread(self._thread.shutdown)
        self._connection.close()


def _answer(jobs: list[_Job[Any]]) -> None:
    for job in jobs:
        if job.answer.done():  # the caller was cancelled
            continue
        if job.error is not None:
            job.answer.set_exception(job.error)
        else:
            job.answer.set_result(job.result)
