"""Erasures: what is asked for, agreed to and done."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy import insert as insert_into
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.store.tables import (
    ATTACHMENTS,
    COMPLAINANTS,
    COMPLAINTS,
    ERASURES,
    MESSAGES,
    Found,
)
from shared.store.transaction import Tx

EMPTY = b""


async def add_erasure(tx: Tx, values: Mapping[str, object]) -> None:
    await tx.execute(insert_into(ERASURES), dict(values))


async def erasure(
    connection: AsyncConnection, id_: str, units: Iterable[str], *, lock: bool = False
) -> Found | None:
    """An erasure within reach; `lock` holds it until the commit."""
    query = select(ERASURES).where(ERASURES.c.id == id_, ERASURES.c.unit.in_(sorted(units)))
    if lock:
        query = query.with_for_update()
    return (await connection.execute(query)).one_or_none()


async def erasures_in(connection: AsyncConnection, state: str, *, limit: int) -> Sequence[Found]:
    """Erasures in a state, the oldest first."""
    query = select(ERASURES).where(ERASURES.c.state == state).order_by(ERASURES.c.id).limit(limit)
    return (await connection.execute(query)).all()


async def change_erasure(tx: Tx, id_: str, **values: Any) -> None:  # noqa: ANN401 - of columns
    await tx.execute(update(ERASURES).where(ERASURES.c.id == id_).values(**values))


async def files_of(connection: AsyncConnection, complainants: Iterable[str]) -> Sequence[str]:
    """The ids of the attachments that complaints of these complainants have taken."""
    mine = select(COMPLAINTS.c.id).where(COMPLAINTS.c.complainant_id.in_(sorted(complainants)))
    query = select(ATTACHMENTS.c.id).where(ATTACHMENTS.c.complaint_id.in_(mine))
    return sorted((await connection.execute(query)).scalars())


async def destroy(tx: Tx, complainants: Sequence[str]) -> None:
    """Delete the data keys of complainants and everything that was sealed under them; what is masked stays."""
    mine = select(COMPLAINTS.c.id).where(COMPLAINTS.c.complainant_id.in_(complainants))
    gone = {"data_key": None, "profile": None, "customer": None, "erased_at": tx.now}
    await tx.execute(update(COMPLAINANTS).where(COMPLAINANTS.c.id.in_(complainants)).values(**gone))
    await tx.execute(
        update(ATTACHMENTS)
        .where(ATTACHMENTS.c.complaint_id.in_(mine))
        .values(data_key=EMPTY, name=None, scan=None)
    )
    await tx.execute(
        update(MESSAGES).where(MESSAGES.c.complaint_id.in_(mine)).values(original=EMPTY)
    )
    await tx.execute(
        update(COMPLAINTS)
        .where(COMPLAINTS.c.complainant_id.in_(complainants))
        .values(
            original=EMPTY, code=EMPTY, matched_at=func.coalesce(COMPLAINTS.c.matched_at, tx.now)
        )
    )


async def people_of(connection: AsyncConnection, unit: str, *, limit: int) -> list[str]:
    """Some complainants of a unit who are not erased."""
    query = select(COMPLAINANTS.c.id).where(
        COMPLAINANTS.c.unit == unit, COMPLAINANTS.c.data_key.is_not(None)
    )
    return sorted((await connection.execute(query.limit(limit))).scalars())


async def keys_left(connection: AsyncConnection, complainants: Iterable[str]) -> int:
    """How many of these complainants still have a data key: none, once they are erased."""
    query = select(COMPLAINANTS.c.id).where(
        COMPLAINANTS.c.id.in_(sorted(complainants)), COMPLAINANTS.c.data_key.is_not(None)
    )
    return len((await connection.execute(query)).all())
