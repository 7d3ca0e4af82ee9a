"""What was added to complaints."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.store.tables import COMPLAINANTS, COMPLAINTS, MESSAGES, Found
from shared.store.transaction import Tx

_SEEN_MESSAGE = [column for column in MESSAGES.c if column.name != "original"]


async def complaint_to_add_to(tx: Tx, number: str) -> Found | None:
    """What adding a message needs of a complaint."""
    return await tx.row(_ADD_TO.where(COMPLAINTS.c.number == number))


async def complaints_to_add_to(tx: Tx, ids: Collection[str]) -> dict[str, Found]:
    """The same of several, by id."""
    if not ids:
        return {}
    return {row.id: row for row in await tx.rows(_ADD_TO.where(COMPLAINTS.c.id.in_(sorted(ids))))}


_ADD_TO = (
        select(
        COMPLAINTS.c.id, COMPLAINTS.c.number, COMPLAINTS.c.unit, COMPLAINTS.c.channel, COMPLAINTS.c.complainant_id,
        COMPLAINTS.c.received_at, COMPLAINANTS.c.data_key, COMPLAINANTS.c.profile,
    )
    .join(COMPLAINANTS, COMPLAINANTS.c.id == COMPLAINTS.c.complainant_id)
)  # fmt: skip


async def add_message(tx: Tx, values: Mapping[str, object]) -> None:
    await tx.execute(insert(MESSAGES), dict(values))


async def message(tx: Tx, id_: str) -> Found | None:
    return await tx.row(select(MESSAGES.c.id, MESSAGES.c.added_at).where(MESSAGES.c.id == id_))


async def messages(
    connection: AsyncConnection, complaint_id: str, *, after: str | None, limit: int
) -> Sequence[Found]:
    """A complaint's messages, the oldest first."""
    query = (
        select(*_SEEN_MESSAGE)
        .where(MESSAGES.c.complaint_id == complaint_id)
        .order_by(MESSAGES.c.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(MESSAGES.c.id > after)
    return (await connection.execute(query)).all()
