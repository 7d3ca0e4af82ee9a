"""The bare chain in one process: POST → commit with outbox → log append → consumer commit.

The same rows as intake's, then a line in a log file of SQLite, then a case. Three files, as the product has three.
"""

import argparse
import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from bench.floors.grouping import Groups, sqlite_writer
from bench.floors.intake import application
from bench.floors.serving import serve
from shared.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.floors.rows import Posted


def opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


class Chain:
    """Relay and consumer, each woken by what comes before it."""

    def __init__(self, folder: Path) -> None:
        self.outbox = opened(folder / "intake.db")
        self.log = opened(folder / "log.db")
        self.log.execute("CREATE TABLE log (position INTEGER PRIMARY KEY, key TEXT, value BLOB)")
        self.cases = opened(folder / "cases.db")
        self.cases.execute(
            "CREATE TABLE cases (complaint TEXT PRIMARY KEY, state TEXT, event TEXT)"
        )
        self.cases.execute("CREATE TABLE progress (id INTEGER PRIMARY KEY, position INTEGER)")
        self.committed, self.appended = asyncio.Event(), asyncio.Event()
        self._relaying, self._consuming = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._position = 0

    async def relay(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self.committed.wait()
            self.committed.clear()
            ids = await loop.run_in_executor(self._relaying, self._append)
            self.appended.set()
            await loop.run_in_executor(self._relaying, self._mark, ids)

    async def consume(self) -> None:
        while True:
            await self.appended.wait()
            self.appended.clear()
            await asyncio.get_running_loop().run_in_executor(self._consuming, self._open_cases)

    def _append(self) -> "Sequence[tuple[int]]":
        rows = self.outbox.execute(
            "SELECT id, subject, event FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT 500"
        ).fetchall()
        self.log.execute("BEGIN IMMEDIATE")
        self.log.executemany(
            "INSERT INTO log (key, value) VALUES (?, ?)", [row[1:] for row in rows]
        )
        self.log.execute("COMMIT")
        return [(row[0],) for row in rows]

    def _mark(self, ids: "Sequence[tuple[int]]") -> None:
        now = SystemClock().now().isoformat()
        self.outbox.execute("BEGIN IMMEDIATE")
        self.outbox.executemany(
            "UPDATE outbox SET published_at = ? WHERE id = ?", [(now, *one) for one in ids]
        )
        self.outbox.execute("COMMIT")

    def _open_cases(self) -> None:
        rows = self.log.execute(
            "SELECT position, key, value FROM log WHERE position > ? ORDER BY position",
            [self._position],
        ).fetchall()
        if not rows:
            return
        self._position = rows[-1][0]
        self.cases.execute("BEGIN IMMEDIATE")
        self.cases.executemany(
            "INSERT INTO cases VALUES (?, 'received', ?)", [row[1:] for row in rows]
        )
        self.cases.execute("INSERT OR REPLACE INTO progress VALUES (1, ?)", [self._position])
        self.cases.execute("COMMIT")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    write = sqlite_writer(str(options.folder / "intake.db"))
    chain = Chain(options.folder)

    async def write_and_wake(batch: "Sequence[Posted]") -> None:
        await write(batch)
        chain.committed.set()

    serve(
        application(Groups(write_and_wake)), port=options.port, loops=[chain.relay, chain.consume]
    )


if __name__ == "__main__":
    main()
