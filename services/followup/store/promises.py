"""Promises, to list and to count."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.followup.store.tables import PROMISES


def promises_query(
    units: Iterable[str],
    *,
    state: str | None,
    due_before: datetime | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Select[Any]:
    """A page of promises of some units, the earliest due first."""
    query = select(PROMISES).where(PROMISES.c.unit.in_(sorted(units)))
    if state is not None:
        query = query.where(PROMISES.c.state == state)
    if due_before is not None:
        query = query.where(PROMISES.c.due_at < due_before)
    if after is not None:
        query = query.where(tuple_(PROMISES.c.due_at, PROMISES.c.id) > after)
    return query.order_by(PROMISES.c.due_at, PROMISES.c.id).limit(limit)


async def count_promises(
    connection: AsyncConnection, units: Iterable[str], *, begin: datetime, end: datetime
) -> dict[str, int]:
    """How many promises that were due in a stretch of time are kept, broken and open."""
    query = (
        select(PROMISES.c.state, func.count())
        .where(
            PROMISES.c.unit.in_(sorted(units)), PROMISES.c.due_at >= begin, PROMISES.c.due_at < end
        )
        .group_by(PROMISES.c.state)
    )
    return {str(row[0]): int(row[1]) for row in await connection.execute(query)}
