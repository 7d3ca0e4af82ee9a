"""Mails that are no complaints: bounces, and what was put aside, sealed as it came. And how often who wrote."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    Select,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.model import NewMail
from services.intake.store.tables import COMPLAINTS, CONTACT_POINTS, METADATA, Found
from shared.store.transaction import Tx
from shared.store.types import UTCDateTime

MAILS = Table(
    "mails",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("key", String(64), nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("status", String(12)),
    Column("number", String(13)),
    Column("message_id", String(36)),
    Column("sender", String(64)),
    Column("size", Integer, nullable=False),
    Column("received_at", UTCDateTime, nullable=False),
    Column("data_key", LargeBinary),
    Column("raw", LargeBinary),
    Column("released_by", String(60)),
    Column("released_at", UTCDateTime),
    UniqueConstraint("unit", "channel", "key", name="uq_mails_unit"),
    comment="Bounces and what was put aside; `raw` is sealed under a key of its own, `sender` is a blind index.",
)
Index("ix_mails_outcome", MAILS.c.outcome, MAILS.c.id)
Index("ix_mails_sender", MAILS.c.sender)

SENDINGS = Table(
    "sendings",
    METADATA,
    Column("sender", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("at", UTCDateTime, nullable=False),
    comment="Which mails a sender (a blind index) has lately sent: what stops loops that nothing else stops.",
)
Index("ix_sendings_at", SENDINGS.c.at)

KEPT = timedelta(days=1)


async def add_mail(tx: Tx, new: NewMail) -> Found:
    """Keep a mail, or find that it is kept; returns its row."""
    statement = tx.upsert(MAILS).values(
        id=new.id, unit=new.unit, channel=new.channel, key=new.key, outcome=new.outcome, reason=new.reason,
        status=new.status, number=new.number, message_id=new.message, sender=new.sender, size=new.size,
        received_at=tx.now, data_key=new.data_key, raw=new.raw,
    )  # fmt: skip
    await tx.execute(statement.on_conflict_do_nothing())
    row: Found | None = await _kept(tx.connection, new.unit, new.channel, new.key)
    assert row is not None, "it was just written"  # noqa: S101
    return row


async def kept_mail(
    connection: AsyncConnection, *, unit: str, channel: str, key: str
) -> Found | None:
    """The mail that was kept under this key, if any."""
    return await _kept(connection, unit, channel, key)


async def _kept(connection: AsyncConnection, unit: str, channel: str, key: str) -> Found | None:
    query = select(*_SHOWN).where(
        MAILS.c.unit == unit, MAILS.c.channel == channel, MAILS.c.key == key
    )
    row: Found | None = (await connection.execute(query)).one_or_none()
    return row


_SHOWN = [column for column in MAILS.c if column.name not in {"data_key", "raw", "sender", "key"}]


async def mails(
    connection: AsyncConnection,
    units: Iterable[str],
    *,
    outcome: str | None,
    before: str | None,
    limit: int,
) -> Sequence[Found]:
    """Mails within reach, the newest first."""
    query = (
        select(*_SHOWN).where(MAILS.c.unit.in_(sorted(units))).order_by(MAILS.c.id.desc())
    ).limit(limit)
    if outcome is not None:
        query = query.where(MAILS.c.outcome == outcome)
    if before is not None:
        query = query.where(MAILS.c.id < before)
    rows: Sequence[Found] = (await connection.execute(query)).all()
    return rows


async def sealed_mail(connection: AsyncConnection, id_: str, units: Iterable[str]) -> Found | None:
    """A mail with its sealed bytes, if it is within reach."""
    query = select(MAILS).where(MAILS.c.id == id_, MAILS.c.unit.in_(sorted(units)))
    row: Found | None = (await connection.execute(query)).one_or_none()
    return row


async def release_mail(tx: Tx, id_: str, *, number: str, by: str) -> bool:
    """Note that a mail put aside became a complaint; False where somebody was quicker."""
    mine = MAILS.c.id == id_, MAILS.c.outcome == "quarantined"
    released = {"outcome": "released", "number": number, "released_by": by, "released_at": tx.now}
    return (await tx.execute(update(MAILS).where(*mine).values(**released))).rowcount == 1


async def note_sending(tx: Tx, *, sender: str, key: str, within: timedelta) -> int:
    """Note that a sender has sent a mail; returns how many others came from there within that time."""
    await tx.execute(delete(SENDINGS).where(SENDINGS.c.at < tx.now - KEPT))
    statement = tx.upsert(SENDINGS).values(sender=sender, key=key, at=tx.now)
    await tx.execute(statement.on_conflict_do_nothing())
    query = select(func.count()).where(
        SENDINGS.c.sender == sender, SENDINGS.c.key != key, SENDINGS.c.at > tx.now - within
    )
    found: int = (await tx.connection.execute(query)).scalar_one()
    return found


async def is_of(connection: AsyncConnection, complaint: str, contact: str) -> bool:
    """Whether a contact point (a blind index) is that of the complaint's complainant."""
    query = (
        select(CONTACT_POINTS.c.token)
        .join(COMPLAINTS, CONTACT_POINTS.c.complainant_id == COMPLAINTS.c.complainant_id)
        .where(COMPLAINTS.c.id == complaint, CONTACT_POINTS.c.token == contact)
    )
    return (await connection.execute(query)).first() is not None


def _theirs(complainants: Iterable[str]) -> tuple[Select[tuple[str]], ColumnElement[bool]]:
    """The addresses of complainants (blind indexes), and which mails came from there or are about their complaints."""
    ids = sorted(complainants)
    addresses = select(CONTACT_POINTS.c.token).where(CONTACT_POINTS.c.complainant_id.in_(ids))
    numbers = select(COMPLAINTS.c.number).where(COMPLAINTS.c.complainant_id.in_(ids))
    return addresses, MAILS.c.sender.in_(addresses) | MAILS.c.number.in_(numbers)


async def mails_of(
    connection: AsyncConnection, complainants: Iterable[str], units: Iterable[str]
) -> list[str]:
    """The ids of mails within reach that are kept sealed, by their senders or about their complaints."""
    _, theirs = _theirs(complainants)
    query = select(MAILS.c.id).where(
        theirs, MAILS.c.unit.in_(sorted(units)), MAILS.c.data_key.is_not(None)
    )
    return sorted((await connection.execute(query)).scalars())


async def erase_mails(tx: Tx, complainants: Iterable[str], units: Iterable[str]) -> int:
    """Delete keys and bytes of the mails of complainants, and when they wrote; says how many mails.

    While their contact points are still indexed: those tell whose a mail is.
    """
    addresses, theirs = _theirs(complainants)
    gone = await tx.execute(
        update(MAILS)
        .where(theirs, MAILS.c.unit.in_(sorted(units)), MAILS.c.data_key.is_not(None))
        .values(data_key=None, raw=None, sender=None)
    )
    await tx.execute(delete(SENDINGS).where(SENDINGS.c.sender.in_(addresses)))
    return gone.rowcount


async def participation(connection: AsyncConnection, number: str, contact: str) -> Found | None:
    """The complaint of that number; with `token` if this contact point (a blind index) is its complainant's."""
    query = (
        select(COMPLAINTS.c.id, COMPLAINTS.c.unit, COMPLAINTS.c.channel, CONTACT_POINTS.c.token)
        .outerjoin(
            CONTACT_POINTS,
            (CONTACT_POINTS.c.complainant_id == COMPLAINTS.c.complainant_id)
            & (CONTACT_POINTS.c.token == contact),
        )
        .where(COMPLAINTS.c.number == number)
    )
    row: Found | None = (await connection.execute(query)).first()  # type: ignore[assignment] # a row of four
    return row
