"""Sending again what the log should have: published rows of the outbox are marked as waiting, oldest first, in batches.

Order stays: while it lasts the relay publishes nothing beyond the last row marked (`horizon`), so that an old event
never comes behind a newer one of its subject that is sent for the first time. What is said meanwhile waits; a lease
ends it when whoever asked is gone. Readers drop what they have by its sequence.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, func, literal, select, update

from shared.errors import Conflict
from shared.store.leases import LEASE_MILLISECONDS, database_milliseconds
from shared.store.tables import Frame
from shared.store.transaction import Tx

LEASE: Final = "republish"
BATCH: Final = 2_000
END: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Marked:
    """What one step did. `after` is where the next goes on; None at the end. `waiting` is what the relay still has."""

    rows: int
    after: int | None
    waiting: int


async def step(
    tx: Tx, *, owner: str, since: datetime | None, after: int, limit: int = BATCH
) -> Marked:
    """Mark the next rows said since then (all when None), unless the relay has the last ones still to send.

    Raises Conflict while somebody else republishes.
    """
    table = tx.frame.outbox
    await _hold(tx, owner, after)
    behind = select(func.count()).where(
        table.c.published_at.is_(None), table.c.refused.is_(None), table.c.id <= after
    )
    waiting: int = (await tx.execute(behind)).scalar_one()
    if waiting:
        return Marked(0, after, waiting)
    wanted = select(table.c.id).where(table.c.id > after, table.c.published_at.is_not(None))
    if since is not None:
        wanted = wanted.where(table.c.created_at >= since)
    ids = list((await tx.execute(wanted.order_by(table.c.id).limit(limit))).scalars())
    if not ids:
        await _let_go(tx)
        return Marked(0, None, 0)
    again = update(table).where(
        table.c.id.between(ids[0], ids[-1]), table.c.published_at.is_not(None)
    )
    if since is not None:
        again = again.where(table.c.created_at >= since)
    await tx.execute(again.values(published_at=None))
    await _hold(tx, owner, ids[-1])
    return Marked(len(ids), ids[-1], len(ids))


def horizon(frame: Frame, dialect: str) -> ColumnElement[int]:
    """The last row that the relay may publish now, as an SQL expression."""
    table = frame.leases
    held: Select[tuple[int]] = select(table.c.token).where(
        table.c.name == LEASE, table.c.expires >= database_milliseconds(dialect)
    )
    return func.coalesce(held.scalar_subquery(), literal(END))


async def _hold(tx: Tx, owner: str, last: int) -> None:
    """Take or renew the lease; its token is the last row marked."""
    table = tx.frame.leases
    now = database_milliseconds(tx.connection.dialect.name)
    values = {"owner": owner, "token": last, "expires": now + LEASE_MILLISECONDS}
    new = tx.upsert(table).values(name=LEASE, **values)
    free = (table.c.owner == owner) | (table.c.expires < now)
    statement = new.on_conflict_do_update(index_elements=["name"], set_=values, where=free)
    if (await tx.execute(statement)).rowcount != 1:
        raise Conflict(
            "Somebody else is republishing: wait until that is over.",
            zh="另一位运维人员正在重新发布，请等待其结束。",
        )


async def _let_go(tx: Tx) -> None:
    table = tx.frame.leases
    await tx.execute(update(table).where(table.c.name == LEASE).values(expires=0))
