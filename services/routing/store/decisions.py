"""Decisions and handlers as they are shown."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.store.tables import DECISIONS, HANDLERS
from shared.store.transaction import AnyRow


async def one_decision(
    connection: AsyncConnection, *, number: str, units: frozenset[str]
) -> AnyRow | None:
    query = select(DECISIONS).where(
        DECISIONS.c.number == number, DECISIONS.c.unit.in_(sorted(units))
    )
    return (await connection.execute(query)).one_or_none()


async def decisions(
    connection: AsyncConnection,
    *,
    units: frozenset[str],
    state: str | None,
    after: str | None,
    limit: int,
) -> Sequence[AnyRow]:
    query = (
        select(DECISIONS)
        .where(DECISIONS.c.unit.in_(sorted(units)))
        .order_by(DECISIONS.c.number)
        .limit(limit)
    )
    if state is not None:
        query = query.where(DECISIONS.c.state == state)
    if after is not None:
        query = query.where(DECISIONS.c.number > after)
    return (await connection.execute(query)).all()


async def roster(
    connection: AsyncConnection, *, units: frozenset[str], after: str | None, limit: int
) -> Sequence[Any]:
    query = (
        select(HANDLERS)
        .where(HANDLERS.c.unit.in_(sorted(units)))
        .order_by(HANDLERS.c.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(HANDLERS.c.id > after)
    return (await connection.execute(query)).all()


async def one_handler(connection: AsyncConnection, handler: str) -> AnyRow | None:
    return (
        await connection.execute(select(HANDLERS).where(HANDLERS.c.id == handler))
    ).one_or_none()
