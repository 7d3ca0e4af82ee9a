"""Parked keys: an event that could not be applied, with the later ones of its key behind it, in order.

The head is tried again in the background, then waits for a person; other keys flow on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import (
    ColumnElement,
    FromClause,
    and_,
    delete,
    exists,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.errors import Conflict
from shared.store.database import Database
from shared.store.progress import Key, lists_of, of_keys, record
from shared.store.tables import Frame
from shared.store.transaction import AnyRow, Tx

Reason = Literal["failed", "gap", "unreadable", "version", "waiting"]
"""`waiting`: for something another topic brings; it is tried for ever. The others wait for a person in the end."""
RETRIES: Final = (
    timedelta(seconds=1),
    timedelta(seconds=5),
    timedelta(seconds=15),
    timedelta(seconds=30),
)


@dataclass(frozen=True, slots=True)
class Parked:
    """One parked event: its original bytes, why it is here, and when it is tried again (None: by a person)."""

    key: Key
    sequence: int
    event: bytes
    reason: Reason
    attempts: int


def next_try(*, reason: Reason, attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many failed attempts in the background; None: when a person says so."""
    if reason == "waiting":
        return now + RETRIES[min(attempts, len(RETRIES) - 1)]
    return now + RETRIES[attempts] if reason == "failed" and attempts < len(RETRIES) else None


async def park(tx: Tx, parked: Parked, *, error: str) -> None:
    """Keep an event that cannot be applied now. Parking it twice is harmless."""
    table = tx.frame.parked
    new = tx.upsert(table).values(
        source=parked.key.source,
        subject=parked.key.subject,
        sequence=parked.sequence,
        event=parked.event,
        reason=parked.reason,
        error=error[:2_000],
        attempts=parked.attempts,
        next_try_at=next_try(reason=parked.reason, attempts=0, now=tx.now),
        parked_at=tx.now,
    )
    await tx.execute(new.on_conflict_do_nothing())


async def sequences(tx: Tx, keys: Iterable[Key]) -> dict[Key, set[int]]:
    """The parked sequences of those keys that have any."""
    wanted = set(keys)
    found: dict[Key, set[int]] = {}
    query = of_keys(tx.frame.parked, "sequence", tx.connection.dialect.name)
    for source, subject, sequence in await tx.rows(query, lists_of(wanted)):
        if (key := Key(source, subject)) in wanted:
            found.setdefault(key, set()).add(sequence)
    return found


async def wake(tx: Tx, key: Key) -> None:
    """What was missing has been applied: try the key's head at once."""
    table = tx.frame.parked
    await tx.execute(
        update(table)
        .where(
            table.c.source == key.source, table.c.subject == key.subject, table.c.reason == "gap"
        )
        .values(next_try_at=tx.now)
    )


async def due(database: Database, *, now: datetime) -> list[Key]:
    """The keys with an event to be tried again now."""
    table = database.frame.parked
    query = (
        select(table.c.source, table.c.subject)
        .where(table.c.next_try_at <= now)
        .distinct()
        .limit(100)
    )
    async with database.reading() as connection:
        return [Key(*row) for row in (await connection.execute(query)).all()]


async def head(tx: Tx, key: Key) -> Parked | None:
    """The first parked event of a key."""
    table = tx.frame.parked
    query = (
        select(table)
        .where(table.c.source == key.source, table.c.subject == key.subject)
        .order_by(table.c.sequence)
        .limit(1)
    )
    row = await tx.row(query)
    return Parked(key, row.sequence, bytes(row.event), row.reason, row.attempts) if row else None


async def remove(tx: Tx, parked: Parked) -> None:
    """It was applied, or someone decided to do without it."""
    table = tx.frame.parked
    await tx.execute(
        delete(table).where(
            table.c.source == parked.key.source,
            table.c.subject == parked.key.subject,
            table.c.sequence == parked.sequence,
        )
    )


async def failed_again(tx: Tx, parked: Parked, *, error: str, is_early: bool = False) -> None:
    """Another attempt failed: wait longer, in the end for a person; `is_early` when it needs what is not here yet."""
    table = tx.frame.parked
    reason = _reason_of(parked, is_early=is_early)
    await tx.execute(
        update(table)
        .where(
            table.c.source == parked.key.source,
            table.c.subject == parked.key.subject,
            table.c.sequence == parked.sequence,
        )
        .values(
            attempts=table.c.attempts + 1,
            error=error[:2_000],
            reason=reason,
            next_try_at=next_try(reason=reason, attempts=parked.attempts + 1, now=tx.now),
        )
    )


def _reason_of(parked: Parked, *, is_early: bool) -> Reason:
    if is_early:
        return "waiting"
    return "failed" if parked.reason in {"gap", "waiting"} else parked.reason


async def drop(tx: Tx, key: Key, sequence: int) -> bool:
    """Do without the first parked event of a key: the mark moves past it, the next is due; False when it is not there.

    Raises Conflict while an earlier one of its key is parked.
    """
    await tx.lock(key.subject)
    one = await head(tx, key)
    if one is None or one.sequence > sequence:
        return False
    if one.sequence < sequence:
        raise Conflict(
            f"The event {one.sequence} of this key is parked before it: decide about that one first.",
            zh=f"同一键下序号 {one.sequence} 的事件排在前面，请先处理它。",
        )
    await record(tx, {key: sequence})
    await remove(tx, one)
    return True


async def heads(
    connection: AsyncConnection, frame: Frame, *, after: Key, subject: str | None, limit: int
) -> Sequence[AnyRow]:
    """The first parked event of each key beyond `after`, in order of keys; `events` counts those of the key."""
    table, earlier, all_ = frame.parked, frame.parked.alias(), frame.parked.alias()
    query = (
        select(table, _events_of(table, all_))
        .where(
            ~exists().where(_same_key(table, earlier), earlier.c.sequence < table.c.sequence),
            tuple_(table.c.source, table.c.subject) > tuple_(*map(literal, after)),
        )
        .order_by(table.c.source, table.c.subject)
        .limit(limit)
    )
    if subject is not None:
        query = query.where(table.c.subject == subject)
    return (await connection.execute(query)).all()


async def events_of(
    connection: AsyncConnection, frame: Frame, key: Key, *, limit: int
) -> Sequence[AnyRow]:
    """The parked events of a key, in order."""
    table = frame.parked
    query = (
        select(table)
        .where(table.c.source == key.source, table.c.subject == key.subject)
        .order_by(table.c.sequence)
        .limit(limit)
    )
    return (await connection.execute(query)).all()


def _same_key(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return and_(one.c.source == other.c.source, one.c.subject == other.c.subject)


def _events_of(table: FromClause, all_: FromClause) -> ColumnElement[int]:
    counting = select(func.count()).where(_same_key(table, all_)).select_from(all_)
    return counting.scalar_subquery().label("events")


async def count(database: Database) -> int:
    """How many keys are parked, but for those that wait only since a minute for what another topic brings."""
    table, early = database.frame.parked, database.frame.parked.alias()
    is_fresh = exists().where(
        _same_key(table, early), early.c.reason == "waiting", early.c.attempts < len(RETRIES)
    )
    keys = select(table.c.source, table.c.subject).where(~is_fresh).distinct().subquery()
    async with database.reading() as connection:
        found: int = (await connection.execute(select(func.count()).select_from(keys))).scalar_one()
    return found


async def hold(tx: Tx, parked: Parked) -> None:
    """Its turn has not come: wait until what is missing wakes it."""
    table = tx.frame.parked
    await tx.execute(
        update(table)
        .where(table.c.source == parked.key.source, table.c.subject == parked.key.subject)
        .values(next_try_at=None)
    )
