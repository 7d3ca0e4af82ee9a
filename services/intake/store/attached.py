"""Attachments' rows; their bytes are files."""

from collections.abc import AsyncIterator, Iterable, Sequence

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.model import NewAttachment, Taken
from services.intake.store.tables import ATTACHMENTS, COMPLAINANTS, COMPLAINTS, Found
from shared.store.transaction import Tx


async def attachments(
    connection: AsyncConnection, ids: Iterable[str], *, lock: bool = False
) -> dict[str, Found]:
    """Attachments by id; `lock` holds them until the commit, in a fixed order."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    query = select(ATTACHMENTS).where(ATTACHMENTS.c.id.in_(wanted)).order_by(ATTACHMENTS.c.id)
    if lock:
        query = query.with_for_update()
    return {row.id: row for row in await connection.execute(query)}


async def take_attachments(tx: Tx, taken: Sequence[tuple[str, Taken]]) -> None:
    """Bind attachments to complaints: (complaint's id, attachment)."""
    if not taken:
        return
    statement = (
        update(ATTACHMENTS)
        .where(ATTACHMENTS.c.id == bindparam("of"))
        .values(complaint_id=bindparam("taken_by"), data_key=bindparam("sealed_key"))
    )
    await tx.execute(
        statement,
        [
            {"of": one.value.id, "taken_by": complaint, "sealed_key": one.data_key}
            for complaint, one in taken
        ],
    )


async def add_attachment(tx: Tx, new: NewAttachment) -> None:
    await tx.execute(
        insert(ATTACHMENTS),
        {
            "id": new.id,
            "unit": new.unit,
            "owner": new.owner,
            "media_type": new.media_type,
            "size": new.size,
            "name": new.name,
            "data_key": new.data_key,
            "created_at": tx.now,
            "scan": new.scan,
        },
    )


async def unscanned(connection: AsyncConnection, *, limit: int) -> Sequence[Found]:
    """Files that a scanner has not looked at, the oldest first, with the keys that open them."""
    query = (
        select(
            ATTACHMENTS.c.id, ATTACHMENTS.c.complaint_id, ATTACHMENTS.c.data_key.label("file_key"),
            COMPLAINTS.c.complainant_id, COMPLAINANTS.c.data_key,
        )
        .outerjoin(COMPLAINTS, COMPLAINTS.c.id == ATTACHMENTS.c.complaint_id)
        .outerjoin(COMPLAINANTS, COMPLAINANTS.c.id == COMPLAINTS.c.complainant_id)
        .where(ATTACHMENTS.c.scan == "waiting")
        .order_by(ATTACHMENTS.c.id)
        .limit(limit)
    )  # fmt: skip
    rows: Sequence[Found] = (await connection.execute(query)).all()  # type: ignore[assignment] # rows of five
    return rows


async def note_scan(tx: Tx, *, id_: str, state: str) -> None:
    """Note what a scanner found in a file."""
    await tx.execute(update(ATTACHMENTS).where(ATTACHMENTS.c.id == id_).values(scan=state))


async def attachment_ids(connection: AsyncConnection) -> AsyncIterator[str]:
    """The ids of all attachments, one after the other."""
    result = await connection.stream(select(ATTACHMENTS.c.id))
    async for id_ in result.scalars():
        yield id_
