"""The floor of the relay: read 500 rows in order, publish them, mark them, commit; no lease, nothing set aside.

By the databases' own drivers. To Kafka with one idempotent producer, to the embedded side into a bare SQLite file.
Prints rows a second.
"""

import argparse
import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import asyncpg
import uvloop
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.outbox import PARTITIONS, WARM_UP, fill
from shared.clock import SystemClock

BATCH: Final = 500
TOPIC: Final = "bench.complaints"
WAITING: Final = (
    "SELECT id, subject, event FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT 500"
)
Rows = Sequence[Any]
Publish = Callable[[Rows], Awaitable[None]]
Batch = Callable[[Publish], Awaitable[int]]


async def postgresql(url: str) -> Batch:
    connection = await asyncpg.connect("postgresql://" + url.split("://", 1)[1])

    async def batch(publish: Publish) -> int:
        async with connection.transaction():
            rows = await connection.fetch(WAITING)
            await publish(rows)
            await connection.execute(
                "UPDATE outbox SET published_at = now() WHERE id = ANY($1)",
                [row[0] for row in rows],
            )
        return len(rows)

    return batch


def sqlite(file: Path) -> Batch:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")

    async def batch(publish: Publish) -> int:
        connection.execute("BEGIN IMMEDIATE")
        rows = connection.execute(WAITING).fetchall()
        await publish(rows)
        now = SystemClock().now().isoformat()
        connection.executemany(
            "UPDATE outbox SET published_at = ? WHERE id = ?", [(now, row[0]) for row in rows]
        )
        connection.execute("COMMIT")
        return len(rows)

    return batch


async def kafka(bootstrap: str, stack: AsyncExitStack) -> Publish:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    if TOPIC not in await admin.list_topics():
        await admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
    await admin.close()
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, acks="all", linger_ms=0
    )
    await producer.start()
    stack.push_async_callback(producer.stop)

    async def publish(rows: Rows) -> None:
        await asyncio.gather(
            *[
                await producer.send(TOPIC, key=row[1].encode(), value=row[2].encode())
                for row in rows
            ]
        )

    return publish


def embedded(file: Path) -> Publish:
    log = sqlite3.connect(file, isolation_level=None)
    log.execute("PRAGMA journal_mode = WAL")
    log.execute("PRAGMA synchronous = FULL")
    log.execute("DROP TABLE IF EXISTS log")
    log.execute("CREATE TABLE log (position INTEGER PRIMARY KEY, key TEXT, value BLOB)")

    async def publish(rows: Rows) -> None:
        log.execute("BEGIN IMMEDIATE")
        log.executemany(
            "INSERT INTO log (key, value) VALUES (?, ?)",
            [(row[1], row[2].encode()) for row in rows],
        )
        log.execute("COMMIT")

    return publish


async def measure(url: str, bus: str, folder: Path, count: int) -> float:
    """Rows a second from a full outbox to a log that has acknowledged them."""
    await fill(url, WARM_UP + count)
    is_postgresql = url.startswith("postgresql")
    batch = await postgresql(url) if is_postgresql else sqlite(Path(url.split(":///", 1)[1]))
    async with AsyncExitStack() as stack:
        if bus == "embedded":
            publish = embedded(folder / "bare-log.db")
        else:
            publish = await kafka(bus.split("://")[1], stack)
        await batch(publish)
        started, done = time.perf_counter(), 0
        while done < count:
            done += await batch(publish)
        return count / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", required=True, help="an SQLAlchemy address")
    parser.add_argument("--bus", required=True, help="embedded or kafka://host:port")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rows", type=int, required=True)
    options = parser.parse_args()
    print(uvloop.run(measure(options.database, options.bus, options.folder, options.rows)))


if __name__ == "__main__":
    main()
