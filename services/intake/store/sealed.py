"""What is sealed, with the key of its box: originals, codes, attachments."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Executable, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.store.tables import ATTACHMENTS, COMPLAINANTS, COMPLAINTS, MESSAGES, Found


async def sealed_complaint(
    connection: AsyncConnection, number: str, units: Iterable[str]
) -> Found | None:
    """A complaint's sealed original with the key of its box, if it is within reach."""
    query = (
        select(
            COMPLAINTS.c.id, COMPLAINTS.c.number, COMPLAINTS.c.unit, COMPLAINTS.c.complainant_id,
            COMPLAINTS.c.original, COMPLAINANTS.c.data_key, COMPLAINANTS.c.erased_at,
        )
        .join(COMPLAINANTS, COMPLAINANTS.c.id == COMPLAINTS.c.complainant_id)
        .where(COMPLAINTS.c.number == number, COMPLAINTS.c.unit.in_(sorted(units)))
    )  # fmt: skip
    return await _one(connection, query)


async def sealed_messages(connection: AsyncConnection, complaint_id: str) -> Sequence[Found]:
    """The sealed originals of a complaint's messages, the oldest first."""
    query = (
        select(MESSAGES.c.id, MESSAGES.c.added_at, MESSAGES.c.original)
        .where(MESSAGES.c.complaint_id == complaint_id)
        .order_by(MESSAGES.c.id)
    )
    rows: Sequence[Found] = (await connection.execute(query)).all()  # type: ignore[assignment] # rows of three
    return rows


async def sealed_code(connection: AsyncConnection, complaint: str, *, owner: str) -> bytes | None:
    """The sealed code of a complaint of this complainant's."""
    query = select(COMPLAINTS.c.code).where(
        COMPLAINTS.c.id == complaint, COMPLAINTS.c.complainant_id == owner
    )
    return (await connection.execute(query)).scalar_one_or_none()


async def sealed_attachment(
    connection: AsyncConnection, id_: str, units: Iterable[str]
) -> Found | None:
    """An attachment that a complaint within reach has taken, with the key of its box."""
    query = (
        select(
            ATTACHMENTS.c.id, ATTACHMENTS.c.media_type, ATTACHMENTS.c.name, ATTACHMENTS.c.scan, ATTACHMENTS.c.data_key.label("file_key"),
            COMPLAINTS.c.unit, COMPLAINTS.c.complainant_id, COMPLAINANTS.c.data_key,
        )
        .join(COMPLAINTS, COMPLAINTS.c.id == ATTACHMENTS.c.complaint_id)
        .join(COMPLAINANTS, COMPLAINANTS.c.id == COMPLAINTS.c.complainant_id)
        .where(ATTACHMENTS.c.id == id_, COMPLAINTS.c.unit.in_(sorted(units)))
    )  # fmt: skip
    return await _one(connection, query)


async def _one(connection: AsyncConnection, query: Executable) -> Found | None:
    row: Found | None = (await connection.execute(query)).one_or_none()
    return row
