"""SQLite's one writing connection, in the form that SQLAlchemy's aiosqlite dialect expects, without its thread.

A statement takes microseconds, handing it to a thread and back ten times as long, and a batch of complaints has some
thirty such hand-overs. So statements run where they are asked for; only COMMIT, which waits for the disk, goes to a
thread. The lock of another process is waited for without holding the loop.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Self

POLL_SECONDS: Final = 0.005


class DirectCursor:
    """A cursor whose methods end before they are awaited, but for BEGIN while another holds the lock."""

    arraysize = 1

    def __init__(self, cursor: sqlite3.Cursor, *, wait_seconds: float) -> None:
        self._cursor = cursor
        self._wait_seconds = wait_seconds

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:  # noqa: ANN401 - as the DB-API has it
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._cursor.lastrowid

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        if statement.startswith("BEGIN"):
            await self._begin(statement)
        else:
            self._cursor.execute(statement, parameters)

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        self._cursor.executemany(statement, parameters)

    async def fetchone(self) -> Any:  # noqa: ANN401 - as the DB-API has it
        return self._cursor.fetchone()

    async def fetchmany(self, size: int | None = None) -> Sequence[Any]:
        return self._cursor.fetchmany(size or self.arraysize)

    async def fetchall(self) -> Sequence[Any]:
        return self._cursor.fetchall()

    async def close(self) -> None:
        self._cursor.close()

    async def _begin(self, statement: str) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._wait_seconds
        while True:
            try:
                self._cursor.execute(statement)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or loop.time() > end:
                    raise
                await asyncio.sleep(POLL_SECONDS)
            else:
                return


class DirectConnection:
    """One connection, for one task at a time."""

    def __init__(self, file: str, *, wait_seconds: float) -> None:
        self._connection: sqlite3.Connection | None = sqlite3.connect(
            file, timeout=0, isolation_level=None, check_same_thread=False
        )
        self._wait_seconds = wait_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-commit")

    @property
    def isolation_level(self) -> None:
        """None: the driver opens no transactions by itself."""
        return

    def cursor(self) -> DirectCursor:
        return DirectCursor(self._opened.cursor(), wait_seconds=self._wait_seconds)

    async def commit(self) -> None:
        if self._opened.in_transaction:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._opened.commit)

    async def rollback(self) -> None:
        self._opened.rollback()

    async def create_function(
        self, name: str, parameters: int, function: Callable[..., Any], *, deterministic: bool = False
    ) -> None:  # fmt: skip
        self._opened.create_function(name, parameters, function, deterministic=deterministic)

    async def close(self) -> None:
        self.stop()

    def stop(self) -> None:
        """Close it; once is enough."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._thread.shutdown()  # a COMMIT under way must not lose its connection
            connection.close()

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ValueError("connection closed")  # as aiosqlite says it
        return self._connection
