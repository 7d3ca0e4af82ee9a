"""Group commit with SQLAlchemy Core: whatever came while the last commit ran goes into the next one."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import orjson
from sqlalchemy import Engine, create_engine, event, insert
from sqlalchemy.ext.asyncio import create_async_engine

from bench.floors.rows import Posted, rows_of
from services.intake.store import METADATA

CAP: Final = 100
Write = Callable[[Sequence[Posted]], Awaitable[None]]


class Groups:
    """Writes what waits, at most CAP in a commit, one commit at a time."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._waiting: list[tuple[Posted, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def submit(self, one: Posted) -> None:
        """Returns after the commit."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, done))
        if self._task is None:
            self._task = asyncio.ensure_future(self._drain())
        await done

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:CAP], self._waiting[CAP:]
            try:
                await self._write([one for one, _ in batch])
            except Exception as error:  # noqa: BLE001 - whoever waits tells it
                for _, done in batch:
                    done.set_exception(error)
                continue
            for _, done in batch:
                done.set_result(None)
        self._task = None


def _dump(value: object) -> str:
    return orjson.dumps(value).decode()


def sqlite_engine(file: str) -> Engine:
    """SQLite as it must be set to keep what was answered: WAL, synchronous=FULL."""
    engine = create_engine(f"sqlite:///{file}", json_serializer=_dump)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: object) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined] # a Connection

    return engine


def sqlite_writer(file: str) -> Write:
    """A writer over a new SQLite file, in one thread of its own."""
    engine, thread = sqlite_engine(file), ThreadPoolExecutor(1)
    METADATA.create_all(engine)

    def write(batch: Sequence[Posted]) -> None:
        with engine.begin() as connection:
            for table, rows in rows_of(batch):
                connection.execute(insert(table), rows)

    async def from_thread(batch: Sequence[Posted]) -> None:
        await asyncio.get_running_loop().run_in_executor(thread, write, batch)

    return from_thread


def postgresql_writer(url: str) -> Write:
    """A writer over an empty PostgreSQL database, by asyncpg."""
    engine = create_async_engine(url, json_serializer=_dump)
    is_made = False

    async def write(batch: Sequence[Posted]) -> None:
        nonlocal is_made
        async with engine.begin() as connection:
            if not is_made:
                await connection.run_sync(METADATA.create_all)
                is_made = True
            for table, rows in rows_of(batch):
                await connection.execute(insert(table), rows)

    return write
