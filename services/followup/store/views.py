"""Lists of cases that people saved."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.followup.store.tables import VIEWS
from shared.store.transaction import Tx


async def views_of(connection: AsyncConnection, owner: str) -> Sequence[Row[Any]]:
    """What somebody saved, by name."""
    query = select(VIEWS).where(VIEWS.c.owner == owner).order_by(VIEWS.c.name)
    return (await connection.execute(query)).all()


async def put_view(
    tx: Tx, *, id_: str, owner: str, unit: str, name: str, query: Mapping[str, str]
) -> None:
    """Save a view under its name, in place of an earlier one of the same owner."""
    said = {"query": dict(query), "made_at": tx.now}
    new = tx.upsert(VIEWS).values(id=id_, owner=owner, unit=unit, name=name, **said)
    await tx.execute(new.on_conflict_do_update(index_elements=["owner", "name"], set_=said))


async def drop_view(tx: Tx, *, owner: str, name: str) -> bool:
    """Forget a view; whether there was one."""
    gone = delete(VIEWS).where(VIEWS.c.owner == owner, VIEWS.c.name == name)
    return (await tx.execute(gone)).rowcount > 0
