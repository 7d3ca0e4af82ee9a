"""Complaints: written many at a time, read masked."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.model import Reception
from services.intake.store.complainants import add_complainants
from services.intake.store.tables import (
    COMPLAINANTS,
    COMPLAINTS,
    CONTACT_POINTS,
    FRAME,
    Found,
)
from shared.store.transaction import Tx

_ADD_COMPLAINT = insert(COMPLAINTS)
_SEEN = [column for column in COMPLAINTS.c if column.name not in {"original", "code", "matched_at"}]


class NumberTaken(Exception):
    """A number drawn belongs to another complaint (one in ten thousand among a million): draw anew."""


async def add_complaints(
    tx: Tx, items: Sequence[Reception], facts: Sequence[Mapping[str, object]]
) -> None:
    """Add complaints and their complainants. Raises NumberTaken."""
    rows = [
        {
            "id": one.id,
            "number": one.number,
            "unit": one.complaint.unit,
            "channel": one.complaint.channel,
            "external_id": one.complaint.external_id,
            "language": one.complaint.language,
            "text": one.complaint.text,
            "facts": fact,
            "received_at": one.received_at,
            "complainant_id": one.complainant.id,
            "pack": one.pack,
            "pack_version": one.pack_version,
            "received_by": one.by,
            "original": one.sealed_original,
            "code": one.sealed_code,
        }
        for one, fact in zip(items, facts, strict=True)
    ]
    try:
        await tx.execute(_ADD_COMPLAINT, rows)
    except IntegrityError as error:
        raise NumberTaken from error
    await add_complainants(tx, items)


async def receipts(tx: Tx, ids: Iterable[str]) -> dict[str, Found]:
    """What replays need of complaints: number, time, sealed code and the key of its box, by id."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    query = (
        select(
            COMPLAINTS.c.id, COMPLAINTS.c.number, COMPLAINTS.c.received_at, COMPLAINTS.c.code,
            COMPLAINTS.c.complainant_id, COMPLAINANTS.c.data_key,
        )
        .join(COMPLAINANTS, COMPLAINANTS.c.id == COMPLAINTS.c.complainant_id)
        .where(COMPLAINTS.c.id.in_(wanted))
    )  # fmt: skip
    return {row.id: row for row in await tx.rows(query)}


async def units_of(connection: AsyncConnection, numbers: Iterable[str]) -> dict[str, str]:
    """The units of complaints, by number."""
    wanted = sorted(set(numbers))
    if not wanted:
        return {}
    query = select(COMPLAINTS.c.number, COMPLAINTS.c.unit).where(COMPLAINTS.c.number.in_(wanted))
    return {row.number: row.unit for row in await connection.execute(query)}


async def whose_code(tx: Tx, number: str, contact: str) -> Found | None:
    """The complaint of that number whose complainant has this contact point (a blind index) and is not erased."""
    query = (
        select(
            COMPLAINTS.c.id, COMPLAINTS.c.unit, COMPLAINTS.c.complainant_id, COMPLAINTS.c.language,
            COMPLAINTS.c.pack, COMPLAINTS.c.pack_version,
        )
        .join(CONTACT_POINTS, CONTACT_POINTS.c.complainant_id == COMPLAINTS.c.complainant_id)
        .where(COMPLAINTS.c.number == number, CONTACT_POINTS.c.token == contact)
    )  # fmt: skip
    rows = await tx.rows(query)
    return rows[0] if rows else None


async def complaint(connection: AsyncConnection, number: str, units: Iterable[str]) -> Found | None:
    """A complaint as it is shown, if it is within reach."""
    query = select(*_SEEN).where(
        COMPLAINTS.c.number == number, COMPLAINTS.c.unit.in_(sorted(units))
    )
    return (await connection.execute(query)).one_or_none()


async def complaints(
    connection: AsyncConnection,
    units: Iterable[str],
    *,
    channel: str | None,
    before: str | None,
    limit: int,
) -> Sequence[Found]:
    """Complaints within reach, the newest first."""
    query = (
        select(*_SEEN)
        .where(COMPLAINTS.c.unit.in_(sorted(units)))
        .order_by(COMPLAINTS.c.id.desc())
        .limit(limit)
    )
    if channel is not None:
        query = query.where(COMPLAINTS.c.channel == channel)
    if before is not None:
        query = query.where(COMPLAINTS.c.id < before)
    return (await connection.execute(query)).all()


async def complaints_claimed(
    connection: AsyncConnection, units: Iterable[str], *, scopes: Iterable[str], key: str
) -> Sequence[Found]:
    """The complaints within reach that a channel's own id made."""
    table = FRAME.idempotency
    made = select(table.c.reference).where(table.c.scope.in_(sorted(scopes)), table.c.key == key)
    query = select(*_SEEN).where(COMPLAINTS.c.id.in_(made), COMPLAINTS.c.unit.in_(sorted(units)))
    return (await connection.execute(query.order_by(COMPLAINTS.c.id.desc()))).all()
