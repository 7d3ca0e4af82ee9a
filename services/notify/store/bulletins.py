"""Bulletins: how far each has been spread to its incident's members."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.store.tables import BULLETINS
from shared.store.lists import unless_there
from shared.store.transaction import AnyRow, Tx


async def start_bulletin(tx: Tx, values: dict[str, Any]) -> None:
    """Note a bulletin that is to be spread, once."""
    row = {"planned": 0, "state": "open", "next_at": tx.now, "started_at": tx.now, "after": None}
    await tx.add(BULLETINS, [row | values], unless_there)


async def due_bulletins(connection: AsyncConnection, *, now: datetime) -> Sequence[AnyRow]:
    """Bulletins with members who were not planned for yet, danger first."""
    query = (
        select(BULLETINS)
        .where(BULLETINS.c.state == "open", BULLETINS.c.next_at <= now)
        .order_by(BULLETINS.c.is_danger.desc(), BULLETINS.c.started_at)
    )
    return (await connection.execute(query)).all()


async def advance_bulletin(
    tx: Tx, id_: str, *, before: str | None, after: str | None, planned: int
) -> bool:
    """Note that one more page was planned for; False where another process did that page already."""
    is_there = BULLETINS.c.after.is_(None) if before is None else BULLETINS.c.after == before
    row = await tx.row(
        update(BULLETINS)
        .where(BULLETINS.c.id == id_, BULLETINS.c.state == "open", is_there)
        .values(
            after=after,
            planned=BULLETINS.c.planned + planned,
            state="open" if after is not None else "done",
        )
        .returning(BULLETINS.c.id)
    )
    return row is not None


async def put_off_bulletin(tx: Tx, id_: str, *, wait: timedelta) -> None:
    await tx.execute(update(BULLETINS).where(BULLETINS.c.id == id_).values(next_at=tx.now + wait))
