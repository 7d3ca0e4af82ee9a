"""The feed of all events, and what is offered to adapters: appended to as a transaction ends, read by position."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.model import Message
from services.notify.store.tables import ATTEMPTS, FEED, FEED_COUNTER, MESSAGES, OUTGOING
from shared.contracts.envelope import Body, Event, encode
from shared.store.transaction import AnyRow, Tx

_FEED, _OUTGOING = 1, 2
"""Rows of the counter."""


def append_to_feed(tx: Tx, event: Event[Body]) -> None:
    """Put an event into the feed when this transaction commits, at the next position."""
    tx.at_the_end(_write_feed, event)


async def _write_feed(tx: Tx, events: Sequence[Event[Body]]) -> None:
    last = await _count(tx, _FEED, len(events))
    rows = [
        {
            "position": position,
            "event_id": event.id,
            "type": event.type,
            "unit": event.unit,
            "subject": event.subject,
            "number": getattr(event.body, "number", None),
            "event": (event.encoded or encode(event)).decode(),
        }
        for position, event in enumerate(events, last - len(events) + 1)
    ]
    await tx.add(FEED, rows)


async def _count(tx: Tx, counter: int, by: int) -> int:
    """Draw positions; gives the last. The counter's row lock is held to COMMIT: position order is commit order."""
    new = tx.upsert(FEED_COUNTER).values(id=counter, position=by)
    statement = new.on_conflict_do_update(
        index_elements=["id"], set_={"position": FEED_COUNTER.c.position + by}
    ).returning(FEED_COUNTER.c.position)
    return int((await tx.execute(statement)).scalar_one())


async def clear_feed(tx: Tx, limit: int) -> int:
    """Delete the newest part of the feed; says how many. Its counter stays, so that no position is given out twice."""
    newest = select(FEED.c.position).order_by(FEED.c.position.desc()).limit(limit).subquery()
    first = select(func.min(newest.c.position)).scalar_subquery()
    return (await tx.execute(delete(FEED).where(FEED.c.position >= first))).rowcount


async def feed(
    connection: AsyncConnection,
    *,
    units: frozenset[str],
    after: int,
    limit: int,
    number: str | None = None,
    types: Sequence[str] = (),
) -> Sequence[AnyRow]:
    """Events beyond a position, in order. `types` are whole, or end in `*`."""
    query = (
        select(
            FEED.c.position, FEED.c.event_id, FEED.c.type, FEED.c.unit, FEED.c.subject, FEED.c.event
        )
        .where(FEED.c.position > after, FEED.c.unit.in_(sorted(units)))
        .order_by(FEED.c.position)
        .limit(limit)
    )
    if number is not None:
        query = query.where(FEED.c.number == number)
    if types:
        query = query.where(or_(*map(_is_of_type, types)))
    return (await connection.execute(query)).all()


def _is_of_type(wanted: str) -> ColumnElement[bool]:
    if wanted.endswith("*"):
        return FEED.c.type.startswith(wanted.removesuffix("*"), autoescape=True)
    return FEED.c.type == wanted


async def feed_end(connection: AsyncConnection) -> int:
    """The position of the newest event."""
    row = (
        await connection.execute(select(FEED_COUNTER.c.position).where(FEED_COUNTER.c.id == _FEED))
    ).one_or_none()
    return row.position if row else 0


def offer(tx: Tx, message: Message, channel: str) -> None:
    """Put a message where a channel's adapter fetches it, when this transaction commits, at the next position."""
    row = {"channel": channel, "message": message.id, "unit": message.unit, "offered_at": tx.now}
    tx.at_the_end(_write_outgoing, row)


async def _write_outgoing(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    last = await _count(tx, _OUTGOING, len(rows))
    await tx.add(
        OUTGOING, [row | {"position": at} for at, row in enumerate(rows, last - len(rows) + 1)]
    )


async def outgoing(
    connection: AsyncConnection, *, channel: str, units: frozenset[str], after: int, limit: int
) -> Sequence[AnyRow]:
    """What a channel's adapter is offered beyond a position and has not answered for, in order."""
    query = (
        select(OUTGOING.c.position, OUTGOING.c.offered_at, *MESSAGES.c)
        .join(MESSAGES, MESSAGES.c.id == OUTGOING.c.message)
        .where(
            OUTGOING.c.channel == channel,
            OUTGOING.c.position > after,
            OUTGOING.c.unit.in_(sorted(units)),
            MESSAGES.c.state == "offered",
            MESSAGES.c.channel == channel,
        )
        .order_by(OUTGOING.c.position)
        .limit(limit)
    )
    return (await connection.execute(query)).all()


async def note_provider_id(tx: Tx, message: str, provider_id: str | None, code: str | None) -> None:
    """Keep what an adapter's provider called the message, and its raw code, with the last attempt."""
    last = (
        select(func.max(ATTEMPTS.c.attempt)).where(ATTEMPTS.c.message == message).scalar_subquery()
    )
    values = {"provider_id": provider_id, "code": code}
    given = {name: value[:300] for name, value in values.items() if value}
    if given:
        mine = update(ATTEMPTS).where(ATTEMPTS.c.message == message, ATTEMPTS.c.attempt == last)
        await tx.execute(mine.values(given))
