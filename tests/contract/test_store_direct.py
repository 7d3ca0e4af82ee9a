"""SQLite's writing connection without a thread: it never holds the loop for another's lock."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from shared.store.direct import DirectConnection

if TYPE_CHECKING:
    from pathlib import Path


async def begin(connection: DirectConnection) -> None:
    await connection.cursor().execute("BEGIN IMMEDIATE")


async def test_the_loop_runs_on_while_another_holds_the_lock(tmp_path: Path) -> None:
    file = str(tmp_path / "state.db")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (n INTEGER)")
        other.execute("BEGIN IMMEDIATE")
        mine = DirectConnection(file, wait_seconds=5)
        waiting = asyncio.create_task(begin(mine))
        await asyncio.sleep(0)
        assert not waiting.done()

        other.execute("COMMIT")

        await waiting
        await mine.cursor().executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
        await mine.commit()
        await mine.close()
        assert other.execute("SELECT count(*) FROM t").fetchone() == (2,)


async def test_a_lock_that_is_not_let_go_is_told_as_busy(tmp_path: Path) -> None:
    file = str(tmp_path / "state.db")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        mine = DirectConnection(file, wait_seconds=0.02)

        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await begin(mine)

        await mine.close()


async def test_a_closed_connection_says_so(tmp_path: Path) -> None:
    mine = DirectConnection(str(tmp_path / "state.db"), wait_seconds=0)
    await mine.close()
    await mine.close()

    with pytest.raises(ValueError, match="connection closed"):
        await begin(mine)
