"""Takes what was deleted out of a database's files too: deleting alone leaves it in them (S6, P5).

SQLite overwrites what it deletes (`secure_delete`), but its write-ahead log keeps the old pages until a truncating
checkpoint. PostgreSQL keeps old rows until their table is written anew, and its log until the files were reused.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from shared.errors import Transient
from shared.store.faults import is_passing

PATIENCE_SECONDS = 10
MOST_FILES = 200
"""Files of PostgreSQL's log that are turned over at most, 16 MB each."""
_TURNED_OVER = (
    "SELECT pg_logical_emit_message(false, 'redress', 'scrub')",
    "SELECT pg_switch_wal()",
    "CHECKPOINT",
)


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What was done. `is_log_clean` is False where the role may not turn PostgreSQL's log over: it ages by itself."""

    is_log_clean: bool


async def scrub(url: str, tables: Sequence[Table]) -> Scrubbed:
    """Leave nothing of what was deleted from `tables` in the files. Raises Transient: try again later.

    On PostgreSQL the tables are locked while they are written anew.
    """
    if url.startswith("sqlite"):
        await asyncio.to_thread(_truncate_log, url.split(":///", 1)[1])
        return Scrubbed(is_log_clean=True)
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=0)
    try:
        async with engine.connect() as connection:
            for table in tables:
                await connection.execute(text(f"VACUUM (FULL) {table.name}"))
            return Scrubbed(is_log_clean=await _turn_log_over(connection))
    except Exception as error:
        if is_passing(error):
            raise Transient(f"the database is away: {type(error).__name__}") from error
        raise
    finally:
        await engine.dispose()


def _truncate_log(file: str) -> None:
    connection = sqlite3.connect(file, timeout=PATIENCE_SECONDS, isolation_level=None)
    try:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        raise Transient(f"the database's log cannot be truncated now: {error}") from error
    finally:
        connection.close()
    if busy:
        raise Transient("somebody reads the database: its log cannot be truncated now")


async def _turn_log_over(connection: AsyncConnection) -> bool:
    """Have every file of the log written anew; False where the role may not."""
    try:
        files = (await connection.execute(text("SELECT count(*) FROM pg_ls_waldir()"))).scalar_one()
        for _ in range(min(files + 2, MOST_FILES)):
            for statement in _TURNED_OVER:
                await connection.execute(text(statement))
    except DBAPIError as error:
        if "permission denied" in str(error.orig):
            return False
        raise
    return True
