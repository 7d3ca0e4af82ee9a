"""Keeps the newest state of every case in a database of its own, applying each event once, whatever is killed when.

REDRESS_URL=http://127.0.0.1:8000 REDRESS_KEY=rk_… python consumer.py cases.db    the feed, over HTTP
REDRESS_KAFKA=broker:9092 python consumer.py cases.db                             the topics, from Kafka
"""

import asyncio
import json
import os
import sqlite3
import sys
import time
from typing import Any

TOPICS = ("redress.complaints", "redress.assignments", "redress.cases", "redress.notifications")
Event = dict[str, Any]


def open_store(path: str) -> sqlite3.Connection:
    store = sqlite3.connect(path, isolation_level=None)
    store.executescript("""
        PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        CREATE TABLE IF NOT EXISTS progress (source, subject, sequence, PRIMARY KEY (source, subject));
        CREATE TABLE IF NOT EXISTS feed (id INTEGER PRIMARY KEY CHECK (id = 1), cursor);
        CREATE TABLE IF NOT EXISTS cases (number PRIMARY KEY, state, events NOT NULL);""")
    return store


def apply_once(store: sqlite3.Connection, events: list[Event], cursor: str | None = None) -> None:
    """One transaction: what the new events do, their marks, and how far the feed was read; all of it or nothing."""
    with store:
        store.execute("BEGIN IMMEDIATE")
        for event in events:
            mark = (event["source"], event["subject"], event["sequence"])
            moved = store.execute(
                "INSERT INTO progress VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence"
                " WHERE sequence < excluded.sequence", mark)  # fmt: skip
            if moved.rowcount == 1:  # at or below the mark: it came before
                react(store, event)
        if cursor is not None:
            store.execute("INSERT OR REPLACE INTO feed VALUES (1, ?)", (cursor,))


def react(store: sqlite3.Connection, event: Event) -> None:
    """What your team does with an event: every `case.*` is the whole case, so the last one is all there is to keep."""
    number, state = event["data"].get("number"), event["data"].get("state")
    store.execute(
        "INSERT INTO cases VALUES (?, ?, 1) ON CONFLICT DO UPDATE"
        " SET state = coalesce(excluded.state, state), events = events + 1", (number, state))  # fmt: skip


def read_feed(store: sqlite3.Connection, url: str, key: str) -> None:
    import httpx

    known = store.execute("SELECT cursor FROM feed").fetchone()
    after = known[0] if known else "beginning"
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        while True:
            try:
                query = {"after": after, "limit": 200}
                page = client.get("/notify/v1/events", params=query).raise_for_status().json()
            except httpx.HTTPError as error:
                print(f"waiting: {error!r}", file=sys.stderr)
                time.sleep(1)
                continue
            apply_once(store, page["items"], page["next"])
            after = page["next"]
            if not page["items"]:
                time.sleep(0.5)


async def read_kafka(store: sqlite3.Connection, servers: str) -> None:
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(
        *TOPICS, bootstrap_servers=servers, group_id="example-consumer", auto_offset_reset="earliest",
        enable_auto_commit=False,
    )  # fmt: skip
    async with consumer:
        while True:
            batch = await consumer.getmany(timeout_ms=1000, max_records=500)
            apply_once(
                store, [json.loads(one.value) for records in batch.values() for one in records]
            )
            if batch:  # offsets only now: what comes again is dropped by its mark
                await consumer.commit(
                    {part: records[-1].offset + 1 for part, records in batch.items()}
                )


if __name__ == "__main__":
    opened = open_store(sys.argv[1])
    if kafka := os.environ.get("REDRESS_KAFKA"):
        asyncio.run(read_kafka(opened, kafka))
    else:
        read_feed(opened, os.environ["REDRESS_URL"], os.environ["REDRESS_KEY"])
