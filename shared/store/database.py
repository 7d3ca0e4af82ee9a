"""One service's database. `run` is the only way to write.

A unit runs to its end in a task of its own, also when the request that asked for it was cancelled: a cancelled
transaction may have committed (S4, P4), so none is ever cancelled. On SQLite, units that wait together share one
commit, each in a savepoint of its own; PostgreSQL commits side by side and groups the flushes itself.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import faults
from shared.clock import Clock
from shared.errors import CommitUnknown, NotHereYet, Transient
from shared.store.engine import make_reader, make_writer
from shared.store.faults import is_passing, lost_the_answer
from shared.store.signal import Signal
from shared.store.tables import Frame
from shared.store.transaction import Tx

T = TypeVar("T")
Unit = Callable[[Tx], Awaitable[T]]

GROUP = 100
CHANNEL = "redress_outbox"
"""PostgreSQL channel on which writers without the relay's lease call its holder."""
RETRY_PAUSES = (0.01, 0.05, 0.2)
"""Seconds before each new try of a unit that failed for a passing reason; after the last the caller is told."""


@dataclass(slots=True)
class _Waiting:
    unit: Unit[Any]
    done: "asyncio.Future[Any]"


class Database:
    """Reads and writes of one service. Open it with `open_database`."""

    def __init__(self, url: str, *, frame: Frame, service: str, clock: Clock) -> None:
        self.service = service
        self.frame = frame
        self.clock = clock
        self.is_sqlite = url.startswith("sqlite")
        self.outbox_filled = Signal()
        self.timer_armed = Signal()
        self.commits = 0
        self.announce = False
        """Whether commits tell other processes (LISTEN/NOTIFY) that the outbox holds something."""
        self.is_paused = False
        """Whether an operator holds back requests that write, timers and loops of the service's own."""
        self.is_rebuilding = False
        """Whether the consumer stands still because a read model is made anew."""
        self._writer = make_writer(url)
        self._reader = make_reader(url, self._writer)
        self._waiting: deque[_Waiting] = deque()
        self._running: set[asyncio.Future[Any]] = set()
        """Units and readings under way: a connection given back after the end would stay open."""
        self._draining = False
        self._closed = False

    async def run(self, unit: Unit[T]) -> T:
        """Run `unit` in a transaction and return what it returns once it is committed.

        Rolls back and raises what the unit raises. Raises Transient when the database is away or full, CommitUnknown
        when COMMIT got no answer. A unit may run more than once: it draws ids and times outside, and touches
        nothing but `tx`.
        """
        self._must_be_open()
        task = asyncio.ensure_future(self._queued(unit) if self.is_sqlite else self._alone(unit))
        self._keep(task)
        return await asyncio.shield(task)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for queries, with one consistent view of the data. Raises Transient when it is away."""
        self._must_be_open()
        read = asyncio.get_running_loop().create_future()
        self._keep(read)
        try:
            async with self._reader.connect() as connection, connection.begin():
                yield connection
        except Exception as error:
            if is_passing(error) and not isinstance(error, Transient):
                raise Transient(
                    f"the database of {self.service} is away: {type(error).__name__}"
                ) from error
            raise
        finally:
            read.set_result(None)

    async def ping(self) -> None:
        """Raise Transient when the database does not answer."""
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))

    async def clock_skew(self) -> timedelta:
        """How far the database server's clock is ahead of this machine's; zero on SQLite."""
        if self.is_sqlite:
            return timedelta()
        async with self.reading() as connection:
            before = self.clock.now()
            theirs = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
            after = self.clock.now()
        skew: timedelta = theirs - (before + (after - before) / 2)
        return skew

    async def close(self) -> None:
        """Wait for what is running, then let go of the connections."""
        self._closed = True
        while self._running:
            await asyncio.wait(self._running)
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()

    def _must_be_open(self) -> None:
        if self._closed:
            raise Transient(f"the database of {self.service} is closed")

    def _keep(self, task: asyncio.Future[Any]) -> None:
        self._running.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Future[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # The caller may be gone; its error is nobody's surprise.

    async def _alone(self, unit: Unit[T]) -> T:
        for pause in (*RETRY_PAUSES, None):
            try:
                return await self._transaction(lambda tx: _one(unit, tx))
            except (CommitUnknown, NotHereYet):
                raise  # the one must not run again, for the other a moment changes nothing
            except Exception as error:
                if not is_passing(error):
                    raise
                if pause is None:
                    raise self._away(error) from error
                await asyncio.sleep(pause)
        raise AssertionError("the last pause is None")

    async def _queued(self, unit: Unit[T]) -> T:
        waiting = _Waiting(unit, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if not self._draining:
            self._draining = True
            self._keep(asyncio.ensure_future(self._drain()))
        result: T = await waiting.done
        return result

    async def _drain(self) -> None:
        """Commit what waits, group after group, until nothing does."""
        try:
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
                await self._commit_group(group)
        finally:
            self._draining = False

    async def _commit_group(self, group: list[_Waiting]) -> None:
        if len(group) > 1 and await self._commit_together(group):
            return
        for one in group:
            try:
                _settle(one.done, await self._alone(one.unit), None)
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                _settle(one.done, None, error)

    async def _commit_together(self, group: list[_Waiting]) -> bool:
        """Commit the group at once; False when that failed before COMMIT, so that each can be tried alone."""
        results: list[tuple[_Waiting, Any, BaseException | None]] = []
        try:
            await self._transaction(lambda tx: _each_in_savepoint(group, tx, results))
        except CommitUnknown as unknown:
            results = [(one, None, unknown) for one in group]
        except Exception:  # noqa: BLE001 - each unit tells its own error when it runs alone
            return False
        for one, result, error in results:
            _settle(one.done, result, error)
        return True

    async def _transaction(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        async with self._writer.connect() as connection:
            transaction = await connection.begin()
            tx = Tx(connection, frame=self.frame, service=self.service, now=self.clock.now())
            try:
                result = await work(tx)
                if self.announce and tx.has_said:
                    await connection.execute(text(f"SELECT pg_notify('{CHANNEL}', '')"))
                faults.reach(f"{self.service}.before_commit")
            except BaseException:
                await transaction.rollback()
                raise
            try:
                await transaction.commit()
            except Exception as error:
                if lost_the_answer(error):
                    raise CommitUnknown(
                        f"the database of {self.service} did not answer COMMIT: it may have happened"
                    ) from error
                raise
        faults.reach(f"{self.service}.after_commit")
        self.commits += 1
        for wake in tx.wakes:
            wake.set()
        if tx.has_said:
            self.outbox_filled.set()
        if tx.has_armed:
            self.timer_armed.set()
        return result

    def _away(self, error: BaseException) -> Transient:
        if isinstance(error, Transient):
            return error
        return Transient(f"the database of {self.service} is away or full: {type(error).__name__}")


async def _one(unit: Unit[T], tx: Tx) -> T:
    result = await unit(tx)
    await tx.flush()
    return result


async def _each_in_savepoint(
    group: list[_Waiting], tx: Tx, results: list[tuple[_Waiting, Any, BaseException | None]]
) -> None:
    results.clear()
    for waiting in group:
        try:
            async with tx.connection.begin_nested():
                results.append((waiting, await _one(waiting.unit, tx), None))
        except Exception as error:
            tx.forget()
            if is_passing(error):
                raise
            results.append((waiting, None, error))


def _settle(future: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
