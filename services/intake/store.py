"""Intake's tables and queries: complaints and messages masked, and the vault, where everything personal is sealed."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Executable,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Select,
    String,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.model import Claim, NewAttachment, Reception, Taken
from shared.errors import Transient
from shared.store.lists import among
from shared.store.tables import NAMING, BigId, frame_tables
from shared.store.transaction import Tx
from shared.store.types import UTCDateTime, json_column

METADATA = MetaData(naming_convention=NAMING)
FRAME = frame_tables(METADATA)

COMPLAINTS = Table(
    "complaints",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("number", String(13), nullable=False, unique=True),
    Column("unit", String(63), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("external_id", String(300)),
    Column("language", String(5), nullable=False),
    Column("text", Text, nullable=False),
    Column("facts", json_column(), nullable=False),
    Column("received_at", UTCDateTime, nullable=False),
    Column("complainant_id", String(36), nullable=False),
    Column("pack", String(63), nullable=False),
    Column("pack_version", String(30), nullable=False),
    Column("received_by", String(60), nullable=False),
    Column("original", LargeBinary, nullable=False),
    Column("code", LargeBinary, nullable=False),
    comment="Complaints, masked; `original` (as received) and `code` are sealed in the complainant's box.",
)
Index("ix_complaints_unit", COMPLAINTS.c.unit, COMPLAINTS.c.id)

MESSAGES = Table(
    "messages",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("complaint_id", String(36), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("by", String(11), nullable=False),
    Column("added_by", String(60), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("language", String(5), nullable=False),
    Column("text", Text, nullable=False),
    Column("attachments", json_column(), nullable=False),
    Column("added_at", UTCDateTime, nullable=False),
    Column("original", LargeBinary, nullable=False),
    comment="What was added to complaints, masked; `original` is sealed in the complainant's box.",
)
Index("ix_messages_complaint", MESSAGES.c.complaint_id, MESSAGES.c.id)

COMPLAINANTS = Table(
    "complainants",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("data_key", LargeBinary),
    Column("profile", LargeBinary),
    Column("anonymous", Boolean, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("erased_at", UTCDateTime),
    comment="The vault: a wrapped data key and a sealed profile each. Erasing deletes the key.",
)
CONTACT_POINTS = Table(
    "contact_points",
    METADATA,
    Column("token", String(64), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("complainant_id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    comment="The vault's blind index: whose contact point a value is, without the value.",
)
ATTACHMENTS = Table(
    "attachments",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("owner", String(60), nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("size", Integer, nullable=False),
    Column("name", LargeBinary),
    Column("data_key", LargeBinary, nullable=False),
    Column("complaint_id", String(36)),
    Column("created_at", UTCDateTime, nullable=False),
    comment="Files kept sealed on disk; once taken by a complaint, their keys are sealed in the complainant's box.",
)
READS = Table(
    "reads",
    METADATA,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("reader", String(60), nullable=False),
    Column("what", String(20), nullable=False),
    Column("target", String(36), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    comment="Who read what of the vault, and when.",
)
# Made once: see shared/store/lists.py.
_ADD_COMPLAINT, _ADD_COMPLAINANT = insert(COMPLAINTS), insert(COMPLAINANTS)
_ADD_CONTACT_POINT, _CLAIM = insert(CONTACT_POINTS), insert(FRAME.idempotency)
_SEEN = [column for column in COMPLAINTS.c if column.name not in {"original", "code"}]
_SEEN_MESSAGE = [column for column in MESSAGES.c if column.name != "original"]


Found = Row[Any]
"""A row of one of the queries below."""


class NumberTaken(Exception):
    """A number drawn belongs to another complaint (one in ten thousand among a million): draw anew."""


class Raced(Transient):
    """Another replica has just made what the same key or external id makes: look again."""


async def claimed(tx: Tx, claims: Iterable[Claim]) -> dict[tuple[str, str], tuple[str, str]]:
    """What claims made already: (scope, key) → (fingerprint, id)."""
    wanted = {(one.scope, one.key) for one in claims}
    if not wanted:
        return {}
    scopes, keys = sorted({scope for scope, _ in wanted}), sorted({key for _, key in wanted})
    found = await tx.rows(_claimed(tx.connection.dialect.name), {"scopes": scopes, "keys": keys})
    return {
        (row.scope, row.key): (row.fingerprint, row.reference)
        for row in found
        if (row.scope, row.key) in wanted
    }


@cache
def _claimed(dialect: str) -> Select[tuple[str, str, str, str]]:
    table = FRAME.idempotency
    # Two lists, not one of pairs: both databases answer this from the index, neither always does for pairs.
    return select(table.c.scope, table.c.key, table.c.fingerprint, table.c.reference).where(
        among(table.c.scope, "scopes", dialect), among(table.c.key, "keys", dialect)
    )


async def claim(tx: Tx, made: Mapping[tuple[str, str], tuple[str, str]]) -> None:
    """Remember what claims made, in the order that keeps two replicas from waiting for each other. Raises Raced."""
    rows = [
        {
            "scope": scope,
            "key": key,
            "fingerprint": fingerprint,
            "reference": reference,
            "created_at": tx.now,
        }
        for (scope, key), (fingerprint, reference) in sorted(made.items())
    ]
    if not rows:
        return
    try:
        await tx.execute(_CLAIM, rows)
    except IntegrityError as error:
        raise Raced("the same key or external id is being used by another request") from error


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
    await _add_complainants(tx, items)


async def _add_complainants(tx: Tx, items: Sequence[Reception]) -> None:
    await tx.execute(
        _ADD_COMPLAINANT,
        [
            {
                "id": one.complainant.id,
                "unit": one.complaint.unit,
                "data_key": one.complainant.data_key,
                "profile": one.complainant.profile,
                "anonymous": one.complaint.person.anonymous,
                "created_at": one.received_at,
            }
            for one in items
        ],
    )
    points = [
        {
            "token": token,
            "kind": kind,
            "complainant_id": one.complainant.id,
            "unit": one.complaint.unit,
        }
        for one in items
        for kind, token in one.complainant.contact_tokens
    ]
    if points:
        await tx.execute(_ADD_CONTACT_POINT, points)


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
        },
    )


async def complaint_to_add_to(tx: Tx, number: str) -> Found | None:
    """What adding a message needs of a complaint."""
    query = (
        select(
            COMPLAINTS.c.id, COMPLAINTS.c.unit, COMPLAINTS.c.channel, COMPLAINTS.c.complainant_id,
            COMPLAINANTS.c.data_key,
        )
        .join(COMPLAINANTS, COMPLAINANTS.c.id == COMPLAINTS.c.complainant_id)
        .where(COMPLAINTS.c.number == number)
    )  # fmt: skip
    return await tx.row(query)


async def add_message(tx: Tx, values: Mapping[str, object]) -> None:
    await tx.execute(insert(MESSAGES), dict(values))


async def message(tx: Tx, id_: str) -> Found | None:
    return await tx.row(select(MESSAGES.c.id, MESSAGES.c.added_at).where(MESSAGES.c.id == id_))


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


async def complainant(connection: AsyncConnection, id_: str, units: Iterable[str]) -> Found | None:
    """A complainant, sealed, if within reach."""
    query = select(COMPLAINANTS).where(
        COMPLAINANTS.c.id == id_, COMPLAINANTS.c.unit.in_(sorted(units))
    )
    return (await connection.execute(query)).one_or_none()


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
            ATTACHMENTS.c.id, ATTACHMENTS.c.media_type, ATTACHMENTS.c.name, ATTACHMENTS.c.data_key.label("file_key"),
            COMPLAINTS.c.unit, COMPLAINTS.c.complainant_id, COMPLAINANTS.c.data_key,
        )
        .join(COMPLAINTS, COMPLAINTS.c.id == ATTACHMENTS.c.complaint_id)
        .join(COMPLAINANTS, COMPLAINANTS.c.id == COMPLAINTS.c.complainant_id)
        .where(ATTACHMENTS.c.id == id_, COMPLAINTS.c.unit.in_(sorted(units)))
    )  # fmt: skip
    return await _one(connection, query)


async def record_read(
    tx: Tx, *, reader: str, what: str, target: str, unit: str, at: datetime
) -> None:
    """Record that somebody read something of the vault."""
    await tx.execute(
        insert(READS), {"reader": reader, "what": what, "target": target, "unit": unit, "at": at}
    )


async def _one(connection: AsyncConnection, query: Executable) -> Found | None:
    row: Found | None = (await connection.execute(query)).one_or_none()
    return row


async def attachment_ids(connection: AsyncConnection) -> AsyncIterator[str]:
    """The ids of all attachments, one after the other."""
    result = await connection.stream(select(ATTACHMENTS.c.id))
    async for id_ in result.scalars():
        yield id_
