"""Webhooks, how far each has come in the feed, and their deliveries."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.model import Wanted
from services.notify.store.tables import DELIVERIES, DELIVERY_LOG, FEED, WEBHOOKS
from shared.ids import new_id
from shared.store.leases import database_milliseconds
from shared.store.lists import unless_there
from shared.store.transaction import AnyRow, Tx


class Webhook(NamedTuple):
    """A webhook as it is."""

    id: str
    unit: str
    label: str
    url: str
    wants: Wanted
    state: str
    generation: int
    old_until: datetime | None
    position: int
    failing_since: datetime | None


class Due(NamedTuple):
    """A delivery that was begun: its event, and which attempt it is."""

    webhook: Webhook
    position: int
    event_id: str
    subject: str
    event: str
    attempt: int


def webhook_of(row: AnyRow) -> Webhook:
    wants = Wanted(**{name: tuple(value) for name, value in row.wants.items()})
    return Webhook(
        row.id, row.unit, row.label, row.url, wants, row.state, row.generation, row.old_until, row.position,
        row.failing_since,
    )  # fmt: skip


async def add_webhook(tx: Tx, values: dict[str, Any]) -> None:
    await tx.execute(WEBHOOKS.insert().values(values))


async def webhooks(
    connection: AsyncConnection,
    *,
    units: frozenset[str] | None = None,
    id_: str | None = None,
    is_active: bool = False,
) -> Sequence[AnyRow]:
    """Webhooks of these units (all where None), by id."""
    query = select(WEBHOOKS).order_by(WEBHOOKS.c.id)
    if units is not None:
        query = query.where(WEBHOOKS.c.unit.in_(sorted(units)))
    if id_ is not None:
        query = query.where(WEBHOOKS.c.id == id_)
    if is_active:
        query = query.where(WEBHOOKS.c.state == "active")
    return (await connection.execute(query)).all()


async def change_webhook(tx: Tx, id_: str, **values: Any) -> None:  # noqa: ANN401 - columns
    await tx.execute(update(WEBHOOKS).where(WEBHOOKS.c.id == id_).values(**values))


async def hold_webhook(tx: Tx, id_: str) -> Webhook | None:
    """A webhook, held until the commit."""
    row = await tx.row(select(WEBHOOKS).where(WEBHOOKS.c.id == id_).with_for_update())
    return webhook_of(row) if row else None


async def remove_webhook(tx: Tx, id_: str) -> None:
    for table, column in ((DELIVERY_LOG, "webhook"), (DELIVERIES, "webhook"), (WEBHOOKS, "id")):
        await tx.execute(delete(table).where(table.c[column] == id_))


async def queue(tx: Tx, webhook: str, rows: Sequence[AnyRow], *, position: int) -> bool:
    """Queue deliveries of feed rows, and note how far was looked; False where another process has done so before."""
    moved = await tx.row(
        update(WEBHOOKS)
        .where(WEBHOOKS.c.id == webhook, WEBHOOKS.c.position < position)
        .values(position=position)
        .returning(WEBHOOKS.c.id)
    )
    if moved is None:
        return False
    await tx.add(DELIVERIES, [_delivery(tx, webhook, row) for row in rows], unless_there)
    return True


def _delivery(tx: Tx, webhook: str, row: AnyRow) -> dict[str, Any]:
    return {
        "webhook": webhook, "position": row.position, "event_id": row.event_id, "type": row.type,
        "subject": row.subject, "state": "pending", "attempts": 0, "next_at": tx.now,
    }  # fmt: skip


async def begin_deliveries(tx: Tx, webhook: Webhook, *, within: timedelta, limit: int) -> list[Due]:
    """Begin what is due: of each subject only the first that was not delivered, so that order holds."""
    clock = database_milliseconds(tx.connection.dialect.name)
    earlier = DELIVERIES.alias("earlier")
    is_first = ~exists().where(
        earlier.c.webhook == DELIVERIES.c.webhook,
        earlier.c.subject == DELIVERIES.c.subject,
        earlier.c.position < DELIVERIES.c.position,
        earlier.c.state == "pending",
    )
    chosen = (
        select(DELIVERIES.c.position)
        .where(
            DELIVERIES.c.webhook == webhook.id,
            DELIVERIES.c.state == "pending",
            DELIVERIES.c.next_at <= tx.now,
            func.coalesce(DELIVERIES.c.expires, 0) < clock,
            is_first,
        )
        .order_by(DELIVERIES.c.position)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    begun = await tx.rows(
        update(DELIVERIES)
        .where(
            DELIVERIES.c.webhook == webhook.id, DELIVERIES.c.position.in_(select(chosen.c.position))
        )
        .values(
            attempts=DELIVERIES.c.attempts + 1, expires=clock + round(within.total_seconds() * 1000)
        )
        .returning(DELIVERIES.c.position, DELIVERIES.c.attempts)
    )
    if not begun:
        return []
    attempts = {row.position: row.attempts for row in begun}
    query = (
        select(FEED.c.position, FEED.c.event_id, FEED.c.subject, FEED.c.event)
        .where(FEED.c.position.in_(sorted(attempts)))
        .order_by(FEED.c.position)
    )
    found = [
        Due(webhook, row.position, row.event_id, row.subject, row.event, attempts[row.position])
        for row in await tx.rows(query)
    ]
    # A rebuilt feed has its events at other positions: they are queued from there.
    if lost := attempts.keys() - {one.position for one in found}:
        await tx.execute(
            delete(DELIVERIES).where(
                DELIVERIES.c.webhook == webhook.id, DELIVERIES.c.position.in_(sorted(lost))
            )
        )
    return found


async def end_deliveries(tx: Tx, webhook: str, ended: Sequence[dict[str, Any]]) -> None:
    """Record what became of attempts: `state` and `next_at` of each position."""
    rows = [
        {
            "of_webhook": webhook, "of_position": one["position"], "state": one["state"], "next_at": one["next_at"],
            "delivered_at": tx.now if one["state"] == "delivered" else None,
        }
        for one in ended
    ]  # fmt: skip
    if rows:
        await tx.execute(_END, rows)


_END: Final = (
    update(DELIVERIES)
    .where(
        DELIVERIES.c.webhook == bindparam("of_webhook"),
        DELIVERIES.c.position == bindparam("of_position"),
    )
    .values(
        {name: bindparam(name) for name in ("state", "next_at", "delivered_at")} | {"expires": None}
    )
)


async def log_deliveries(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what the receiver answered."""
    await tx.add(DELIVERY_LOG, [{"id": new_id(), **row} for row in rows])


async def hurry(tx: Tx, webhook: str) -> None:
    """It works again: what waits for its next attempt need not."""
    await tx.execute(
        update(DELIVERIES)
        .where(
            DELIVERIES.c.webhook == webhook,
            DELIVERIES.c.state == "pending",
            DELIVERIES.c.expires.is_(None),
        )
        .values(next_at=tx.now)
    )


async def free_deliveries(tx: Tx) -> None:
    """Free the attempts of a process that is gone: only where no other process can be sending."""
    await tx.execute(
        update(DELIVERIES).where(DELIVERIES.c.expires.is_not(None)).values(expires=None)
    )


async def replay(
    tx: Tx,
    units: frozenset[str],
    *,
    event_id: str | None,
    since: int,
    until: int,
    limit: int,
) -> Sequence[AnyRow]:
    """Feed rows to send again: one by its id, or those between two positions, in order."""
    query = (
        select(
            FEED.c.position, FEED.c.event_id, FEED.c.type, FEED.c.unit, FEED.c.subject, FEED.c.event
        )
        .where(FEED.c.unit.in_(sorted(units)))
        .order_by(FEED.c.position)
        .limit(limit)
    )
    if event_id is not None:
        query = query.where(FEED.c.event_id == event_id)
    else:
        query = query.where(FEED.c.position > since, FEED.c.position <= until)
    return await tx.rows(query)


async def queue_again(tx: Tx, webhook: str, rows: Sequence[AnyRow]) -> None:
    """Queue deliveries whether or not they were made before."""
    positions = [row.position for row in rows]
    again = and_(DELIVERIES.c.webhook == webhook, DELIVERIES.c.position.in_(positions))
    await tx.execute(delete(DELIVERIES).where(again))
    await tx.add(DELIVERIES, [_delivery(tx, webhook, row) for row in rows])


async def position_before(connection: AsyncConnection, at: datetime) -> int:
    """The position of the last event that was said before a time: events' ids are drawn in the order of time."""
    # A UUIDv7 begins with the milliseconds of its time.
    first = f"{int(at.timestamp() * 1000):012x}"
    bound = f"{first[:8]}-{first[8:]}-7000-8000-000000000000"
    query = select(func.max(FEED.c.position)).where(FEED.c.event_id < bound)
    return int((await connection.execute(query)).scalar() or 0)


async def waiting(connection: AsyncConnection, webhook: str, *, at_most: int) -> int:
    """How many deliveries of a webhook wait; no more than so many are counted."""
    some = (
        select(DELIVERIES.c.position)
        .where(DELIVERIES.c.webhook == webhook, DELIVERIES.c.state == "pending")
        .limit(at_most)
        .subquery()
    )
    return int((await connection.execute(select(func.count()).select_from(some))).scalar_one())


async def deliveries(
    connection: AsyncConnection, webhook: str, *, state: str | None, after: int, limit: int
) -> Sequence[AnyRow]:
    """Deliveries of a webhook, in the order of the feed."""
    query = (
        select(DELIVERIES)
        .where(DELIVERIES.c.webhook == webhook, DELIVERIES.c.position > after)
        .order_by(DELIVERIES.c.position)
        .limit(limit)
    )
    if state is not None:
        query = query.where(DELIVERIES.c.state == state)
    return (await connection.execute(query)).all()


async def delivery_log(
    connection: AsyncConnection, webhook: str, *, before: str | None, limit: int
) -> Sequence[AnyRow]:
    """The attempts of a webhook, the newest first."""
    query = (
        select(DELIVERY_LOG)
        .where(DELIVERY_LOG.c.webhook == webhook)
        .order_by(DELIVERY_LOG.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(DELIVERY_LOG.c.id < before)
    return (await connection.execute(query)).all()


async def forget_deliveries(tx: Tx, *, before: datetime) -> None:
    """Delete the log and what was delivered long ago; what waits stays."""
    await tx.execute(delete(DELIVERY_LOG).where(DELIVERY_LOG.c.at < before))
    await tx.execute(delete(DELIVERIES).where(DELIVERIES.c.delivered_at < before))
