"""A database's rows as lines of JSON that either engine can take: out of one consistent look, into empty tables.

A row is an array in the order of the table's columns. Times are RFC 3339 with microseconds, bytes are Base64.
"""

import base64
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import orjson
from sqlalchemy import (
    Column,
    Connection,
    LargeBinary,
    MetaData,
    Table,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.errors import RedressError, Transient
from shared.store.engine import make_exporter, make_writer
from shared.store.faults import is_passing
from shared.store.tables import Frame
from shared.store.types import UTCDateTime

RESTORE: Final = "restore"
FOR_EVER: Final = 2**62
AT_ONCE: Final = 1_000
_NO_DATABASE: Final = "3D000"

T = TypeVar("T")


class NotEmpty(RedressError):
    """There is something where a backup is to be put back; the message says what and what to do."""


class Heads(NamedTuple):
    """How far a service has come: how many events it has said, and how many of them wait to be published."""

    said: int
    waiting: int


def tables_of(metadata: MetaData) -> list[Table]:
    """The tables that are copied, each behind those it refers to. Who holds which lease now is of no use later."""
    return [table for table in metadata.sorted_tables if table.name != "leases"]


@asynccontextmanager
async def looking(url: str, service: str) -> AsyncIterator[AsyncEngine]:
    """An engine for consistent looks at a database that others use. Raises Transient when it is away."""
    engine = make_exporter(url)
    try:
        yield engine
    except Exception as error:
        if is_passing(error) and not isinstance(error, Transient):
            raise Transient(f"the database of {service} is away: {type(error).__name__}") from error
        raise
    finally:
        await engine.dispose()


async def heads(connection: AsyncConnection, frame: Frame) -> Heads:
    """How far the service has come, in this look."""
    said = select(func.coalesce(func.sum(frame.subjects.c.last_sequence), 0))
    waiting = select(func.count()).where(frame.outbox.c.published_at.is_(None))
    return Heads(
        int((await connection.execute(said)).scalar_one()),
        (await connection.execute(waiting)).scalar_one(),
    )


async def rows_of(connection: AsyncConnection, table: Table) -> AsyncIterator[bytes]:
    """Each row of a table as one line; a thousand rows are in memory at a time."""
    encoders = [_encoder(column) for column in table.columns]
    result = await connection.stream(select(table).execution_options(yield_per=AT_ONCE))
    async for row in result:
        yield orjson.dumps([encode(value) for encode, value in zip(encoders, row, strict=True)])


async def put_rows(
    engine: AsyncEngine, table: Table, columns: Sequence[str], lines: Iterable[bytes]
) -> int:
    """Insert the lines, a thousand a transaction; says how many. `columns` names the values of each line."""
    decoders = [_decoder(table.columns[name]) for name in columns]
    source, count = iter(lines), 0
    while part := list(islice(source, AT_ONCE)):
        rows = [
            {
                name: decode(value)
                for name, decode, value in zip(columns, decoders, orjson.loads(line), strict=True)
            }
            for line in part
        ]
        async with engine.begin() as connection:
            await connection.execute(insert(table), rows)
        count += len(rows)
    return count


async def go_on_numbering(connection: AsyncConnection, metadata: MetaData) -> None:
    """Let PostgreSQL number new rows behind those put back; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables_of(metadata):
        column = table.autoincrement_column
        if column is None:
            continue
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        if (await connection.execute(select(sequence))).scalar_one() is None:
            continue
        last = func.max(column)
        await connection.execute(
            select(func.setval(sequence, func.coalesce(last, 1), last.is_not(None)))
        )


async def contents_of(url: str, frame: Frame) -> list[str]:
    """The tables that hold something, of a database that may not be there yet. Raises NotEmpty after half a restore."""
    if not has_file(url):
        return []
    engine = make_exporter(url)
    try:
        async with engine.connect() as connection:
            there = set(await connection.run_sync(_names))
            if "leases" in there and await is_half_restored(connection, frame):
                raise NotEmpty(
                    "a restore was begun here and did not end: empty the databases, the topics and the data folder "
                    "(keep its secrets), then restore again"
                )
            wanted = [table for table in tables_of(frame.metadata) if table.name in there]
            return [table.name for table in wanted if await _holds_any(connection, table)]
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _NO_DATABASE:
            return []
        raise
    finally:
        await engine.dispose()


async def begin_restore(engine: AsyncEngine, frame: Frame) -> None:
    """Leave the mark that keeps services from starting before the restore has ended."""
    async with engine.begin() as connection:
        mark = {"name": RESTORE, "owner": RESTORE, "token": 0, "expires": FOR_EVER}
        await connection.execute(insert(frame.leases), mark)


async def end_restore(engine: AsyncEngine, frame: Frame) -> None:
    """Take the mark away: all is there."""
    async with engine.begin() as connection:
        await connection.execute(delete(frame.leases).where(frame.leases.c.name == RESTORE))


async def is_half_restored(connection: AsyncConnection, frame: Frame) -> bool:
    """Whether a restore was begun here and has not ended."""
    query = select(frame.leases.c.name).where(frame.leases.c.name == RESTORE)
    return (await connection.execute(query)).first() is not None


async def revision_of(connection: AsyncConnection) -> list[str]:
    """The migrations that the database is at."""
    query = text("SELECT version_num FROM alembic_version ORDER BY version_num")
    return [str(one) for one in (await connection.execute(query)).scalars()]


@asynccontextmanager
async def writing(url: str) -> AsyncIterator[AsyncEngine]:
    """An engine to put rows back with, where no service runs."""
    engine = make_writer(url)
    try:
        yield engine
    finally:
        await engine.dispose()


def has_file(url: str) -> bool:
    """Whether a database that is a file is there; of a server's nothing is known before it is asked."""
    return not url.startswith("sqlite") or Path(url.split(":///", 1)[1]).exists()


def _names(connection: Connection) -> list[str]:
    return inspect(connection).get_table_names()


async def _holds_any(connection: AsyncConnection, table: Table) -> bool:
    return (await connection.execute(select(1).select_from(table).limit(1))).first() is not None


def _encoder(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, UTCDateTime):
        return _optional(datetime.isoformat)
    if isinstance(column.type, LargeBinary):
        return _optional(lambda value: base64.b64encode(bytes(value)).decode())
    return _as_it_is


def _decoder(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, UTCDateTime):
        return _optional(datetime.fromisoformat)
    if isinstance(column.type, LargeBinary):
        return _optional(base64.b64decode)
    return _as_it_is


def _optional(convert: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda value: None if value is None else convert(value)


def _as_it_is(value: Any) -> Any:  # noqa: ANN401 - any column's value
    return value
