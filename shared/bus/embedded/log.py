"""The log as an SQLite file: what it holds and how it is read and written. Every call blocks; threads are the caller's.

Offsets are dense within a partition: one writer gives them out inside BEGIN IMMEDIATE, so a reader never sees a gap.
Compacted topics keep everything: what is said there (states of policy) is little.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from shared.bus.embedded.folder import FolderRefused
from shared.bus.partition import partition_for
from shared.bus.port import BusMisconfigured, Message, Record, Slot, Topic

APPLICATION = 0x52445342  # "RDSB"
VERSION = 1
QUICK_ABOVE = 1 << 30  # bytes above which only PRAGMA quick_check is affordable at every start
PAGE = 4096
PRUNED_AT_ONCE = 500

_SCHEMA = """
CREATE TABLE topic (
    name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, retention INTEGER, compacted INTEGER NOT NULL
) STRICT;
CREATE TABLE slot (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL REFERENCES topic, partition INTEGER NOT NULL,
    end INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, partition)
) STRICT;
CREATE TABLE record (
    id INTEGER PRIMARY KEY, slot INTEGER NOT NULL REFERENCES slot, offset INTEGER NOT NULL,
    at INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX record_place ON record (slot, offset);
CREATE TABLE position (
    consumer TEXT NOT NULL, slot INTEGER NOT NULL REFERENCES slot, next INTEGER NOT NULL,
    PRIMARY KEY (consumer, slot)
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition as the file knows it: its row, and the offset the next record gets."""

    id: int
    slot: Slot
    end: int


def connect(path: Path) -> sqlite3.Connection:
    """A connection set up for this log. Raises FolderRefused where WAL is not to be had."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA busy_timeout = 5000")
        _demand_wal(connection, path)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _demand_wal(connection: sqlite3.Connection, path: Path) -> None:
    mode = connection.execute("PRAGMA journal_mode = wal").fetchone()[0]
    if mode != "wal":
        raise FolderRefused(
            f"{path}: SQLite answers journal mode {mode}, not wal."
            " Put the data folder on a local disk."
        )


def prepare(connection: sqlite3.Connection, path: Path, *, size_cap: int) -> None:
    """Make a new file into a log, or check an old one: whose it is, its version, that it is whole.

    Raises BusMisconfigured.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if empty:
        connection.executescript(
            f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA application_id = {APPLICATION};"
            f" PRAGMA user_version = {VERSION}; COMMIT;"
        )
    elif application != APPLICATION:
        raise BusMisconfigured(f"{path} is not a log of Redress: move it away.")
    elif version != VERSION:
        raise BusMisconfigured(
            f"{path} has schema version {version}, this release knows {VERSION}: start the release that wrote it."
        )
    else:
        check = "quick_check" if path.stat().st_size > QUICK_ABOVE else "integrity_check"
        answer = connection.execute(f"PRAGMA {check}(1)").fetchone()[0]
        if answer != "ok":
            raise BusMisconfigured(
                f"{path} is damaged ({answer}): put back a backup, then republish what came since."
            )
    connection.execute(f"PRAGMA max_page_count = {max(size_cap // PAGE, 1)}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE … COMMIT; rolled back whatever goes wrong."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def create(connection: sqlite3.Connection, topics: Sequence[Topic]) -> None:
    """Add the topics that are missing."""
    for topic in topics:
        retention = None if topic.retention is None else int(topic.retention.total_seconds())
        made = connection.execute(
            "INSERT INTO topic VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (topic.name, topic.partitions, retention, int(topic.compacted)),
        )
        if made.rowcount == 1:
            connection.executemany(
                "INSERT INTO slot (topic, partition) VALUES (?, ?)",
                [(topic.name, number) for number in range(topic.partitions)],
            )


def partitions_of(connection: sqlite3.Connection, topic: str) -> Sequence[Partition]:
    """The partitions of a topic in order; empty if there is no such topic."""
    rows = connection.execute(
        "SELECT id, partition, end FROM slot WHERE topic = ? ORDER BY partition", (topic,)
    )
    return [Partition(row[0], Slot(topic, row[1]), row[2]) for row in rows]


def ends(connection: sqlite3.Connection) -> Mapping[Slot, int]:
    """The offset the next record of each partition gets."""
    return {
        Slot(row[0], row[1]): row[2]
        for row in connection.execute("SELECT topic, partition, end FROM slot")
    }


def append(
    connection: sqlite3.Connection, topic: str, messages: Sequence[Message], *, at: int
) -> Mapping[Slot, int]:
    """Append in order; the new ends of the partitions touched. `at` is Unix seconds. Raises KeyError: no such topic."""
    parts = partitions_of(connection, topic)
    if not parts:
        raise KeyError(topic)
    ends = {part.slot: part.end for part in parts}
    rows: list[tuple[int, int, int, str, bytes]] = []
    touched: dict[Slot, int] = {}
    for message in messages:
        part = parts[partition_for(message.key, len(parts))]
        offset = ends[part.slot]
        rows.append((part.id, offset, at, message.key, message.value))
        ends[part.slot] = touched[part.slot] = offset + 1
    connection.executemany(
        "INSERT INTO record (slot, offset, at, key, value) VALUES (?, ?, ?, ?, ?)", rows
    )
    connection.executemany(
        "UPDATE slot SET end = ? WHERE topic = ? AND partition = ?",
        [(end, slot.topic, slot.partition) for slot, end in touched.items()],
    )
    return touched


def fetch(
    connection: sqlite3.Connection, wanted: Mapping[Slot, int], *, at_most: int
) -> Mapping[Slot, Sequence[Record]]:
    """Records from the wanted offsets on, in the order of `wanted`, `at_most` in all."""
    found: dict[Slot, Sequence[Record]] = {}
    for slot, offset in wanted.items():
        if at_most <= 0:
            break
        rows = connection.execute(
            "SELECT offset, key, value FROM record WHERE slot ="
            " (SELECT id FROM slot WHERE topic = ? AND partition = ?) AND offset >= ? ORDER BY offset LIMIT ?",
            (slot.topic, slot.partition, offset, at_most),
        ).fetchall()
        if rows:
            found[slot] = [Record(slot, row[0], row[1], row[2]) for row in rows]
            at_most -= len(rows)
    return found


def register(
    connection: sqlite3.Connection, group: str, topics: Sequence[str]
) -> Mapping[Slot, int]:
    """Make the group known to the topics, so that nothing unread is pruned; where it stands in each partition."""
    for topic in topics:
        connection.execute(
            "INSERT INTO position SELECT ?, id, 0 FROM slot WHERE topic = ? ON CONFLICT DO NOTHING",
            (group, topic),
        )
    return positions(connection, group, topics)


def positions(
    connection: sqlite3.Connection, group: str, topics: Sequence[str]
) -> Mapping[Slot, int]:
    """Where the group stands in each partition of the topics: 0 where it never was."""
    return {
        Slot(topic, row[0]): row[1]
        for topic in topics
        for row in connection.execute(
            "SELECT partition, coalesce(next, 0) FROM slot LEFT JOIN position ON slot = id AND consumer = ?"
            " WHERE topic = ? ORDER BY partition",
            (group, topic),
        )
    }


def commit(connection: sqlite3.Connection, group: str, offsets: Mapping[Slot, int]) -> None:
    """Set where the group stands."""
    connection.executemany(
        "UPDATE position SET next = ? WHERE consumer = ? AND slot ="
        " (SELECT id FROM slot WHERE topic = ? AND partition = ?)",
        [(offset, group, slot.topic, slot.partition) for slot, offset in offsets.items()],
    )


def skip_to_end(connection: sqlite3.Connection, group: str, topics: Sequence[str]) -> None:
    """Set the group behind all that is in the topics."""
    register(connection, group, topics)
    commit(
        connection,
        group,
        {slot: end for slot, end in ends(connection).items() if slot.topic in topics},
    )


def lag(connection: sqlite3.Connection, group: str, topics: Sequence[str]) -> Mapping[Slot, int]:
    """How many records of each partition the group has not committed."""
    return {
        Slot(topic, row[0]): max(row[1] - max(row[2], row[3]), 0)
        for topic in topics
        for row in connection.execute(
            "SELECT partition, end, coalesce(next, 0),"
            " coalesce((SELECT min(offset) FROM record WHERE record.slot = slot.id), end)"
            " FROM slot LEFT JOIN position ON position.slot = slot.id AND consumer = ?"
            " WHERE topic = ? ORDER BY partition",
            (group, topic),
        )
    }


def prune(connection: sqlite3.Connection, *, now: int) -> int:
    """Delete some records past their topic's retention that every registered group has read; how many were deleted.

    `now` is Unix seconds. Called again until it answers 0; each call is short.
    """
    slots = connection.execute(
        "SELECT slot.id, retention, coalesce((SELECT min(next) FROM position WHERE position.slot = slot.id), end)"
        " FROM slot JOIN topic ON name = topic WHERE retention IS NOT NULL"
    ).fetchall()
    deleted = 0
    for slot, retention, floor in slots:
        expired = now - retention
        oldest = connection.execute(
            "SELECT offset, at FROM record WHERE slot = ? AND offset < ? ORDER BY offset LIMIT ?",
            (slot, floor, PRUNED_AT_ONCE),
        ).fetchall()
        # Only the head: an older record behind a younger one (the clock went back) waits for it.
        head = [row[0] for row in takewhile(lambda row: row[1] < expired, oldest)]  # noqa: B023 - used at once
        if head:
            deleted += connection.execute(
                "DELETE FROM record WHERE slot = ? AND offset BETWEEN ? AND ?",
                (slot, head[0], head[-1]),
            ).rowcount
    return deleted
