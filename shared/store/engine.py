"""Engines as both databases need them: measured facts S1, S3, P3 of the reliability notes."""

import sqlite3
import time
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from shared.store.direct import DirectConnection

BUSY_MILLISECONDS = 5_000
POOL_SIZE = 10
IDLE_SECONDS: Final = 1.0
"""A pooled connection that was used more recently than this is taken without asking the server whether it is there."""


def _dump(value: object) -> str:
    return orjson.dumps(value).decode()


def make_writer(url: str) -> AsyncEngine:
    """The engine that writes: one connection on SQLite, a pool on PostgreSQL."""
    if url.startswith("sqlite"):
        return _sqlite(url, begin="BEGIN IMMEDIATE", connections=1, read_only=False)
    return _postgresql(url)


def make_reader(url: str, writer: AsyncEngine) -> AsyncEngine:
    """The engine that reads: SQLite reads beside its writer, PostgreSQL from the same pool."""
    if url.startswith("sqlite"):
        return _sqlite(url, begin="BEGIN", connections=4, read_only=True)
    return writer


def make_exporter(url: str) -> AsyncEngine:
    """The engine for long, consistent looks at a database that others use: it writes nothing and is not hurried."""
    if url.startswith("sqlite"):
        return _sqlite(url, begin="BEGIN", connections=2, read_only=True)
    return create_async_engine(
        url,
        isolation_level="REPEATABLE READ",
        pool_size=2,
        max_overflow=0,
        json_serializer=_dump,
        json_deserializer=orjson.loads,
        connect_args={
            "timeout": 5,
            "server_settings": {
                "application_name": "redress backup",
                "default_transaction_read_only": "on",
                "timezone": "UTC",
            },
        },
    )


def _sqlite(url: str, *, begin: str, connections: int, read_only: bool) -> AsyncEngine:
    Path(url.split(":///", 1)[1]).parent.mkdir(parents=True, exist_ok=True)
    file = url.split(":///", 1)[1]

    async def connect(*_: object, **__: object) -> DirectConnection:
        return DirectConnection(file, wait_seconds=BUSY_MILLISECONDS / 1000)

    engine = create_async_engine(
        url,
        # Queries may take long, so they have their threads; the writer's statements are short and many.
        **({} if read_only else {"async_creator": connect}),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=30,
        json_serializer=_dump,
        json_deserializer=orjson.loads,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        # The driver must not open transactions by itself: a deferred BEGIN that writes later fails at once (S1).
        if read_only:
            connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            f"busy_timeout = {BUSY_MILLISECONDS if read_only else 0}",
            "foreign_keys = ON",
            "secure_delete = ON",
            "cache_size = -8000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        if read_only:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: object) -> None:
        connection.exec_driver_sql(begin)  # type: ignore[attr-defined] # SQLAlchemy hands a Connection

    return engine


def _postgresql(url: str) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=5,
        pool_recycle=1800,
        # The same few connections again and again: they know the statements, the others may go stale.
        pool_use_lifo=True,
        json_serializer=_dump,
        json_deserializer=orjson.loads,
        connect_args={
            "timeout": 5,
            "command_timeout": 15,
            "server_settings": {
                "application_name": "redress",
                "statement_timeout": "10s",
                "lock_timeout": "5s",
                "idle_in_transaction_session_timeout": "30s",
                "timezone": "UTC",
                "jit": "off",
            },
        },
    )
    _replace_lost_connections(engine)
    return engine


def _replace_lost_connections(engine: AsyncEngine) -> None:
    """Take no lost connection from the pool. The pool's own pre-ping costs three round trips at every use.

    A connection that the server closed says so itself; only one that was idle may be half-open.
    """

    @event.listens_for(engine.sync_engine, "checkin")
    def given_back(_: object, record: ConnectionPoolEntry) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def taken(connection: Any, record: ConnectionPoolEntry, _: object) -> None:  # noqa: ANN401 - the driver's
        if connection.driver_connection.is_closed():
            raise DisconnectionError
        now = time.monotonic()
        if now - record.info.get("idle_since", now) > IDLE_SECONDS:
            try:
                connection.ping()
            except (engine.dialect.loaded_dbapi.Error, OSError) as error:  # OSError: also time-outs
                raise InvalidatePoolError from error
