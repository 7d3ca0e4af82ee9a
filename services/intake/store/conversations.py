"""Conversations in messengers that are no complaint yet, or became one: where each stands."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Index, LargeBinary, String, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.store.tables import CONTACT_POINTS, METADATA, Found
from shared.store.transaction import Tx
from shared.store.types import UTCDateTime

CONVERSATIONS = Table(
    "conversations",
    METADATA,
    Column("account", String(40), primary_key=True),
    Column("sender", String(64), primary_key=True),
    Column("turned_at", UTCDateTime, nullable=False),
    Column("number", String(13)),
    Column("is_open", Boolean, nullable=False),
    Column("data_key", LargeBinary),
    Column("state", LargeBinary),
    comment="What was said in a messenger before it was a complaint, sealed under a key of its own; `sender` is a "
    "blind index. `is_open`: it is to become a complaint and has not yet.",
)
Index("ix_conversations_turned", CONVERSATIONS.c.turned_at)


def _is(account: str, sender: str) -> Any:  # noqa: ANN401 - a condition
    return (CONVERSATIONS.c.account == account) & (CONVERSATIONS.c.sender == sender)


async def conversation(tx: Tx, account: str, sender: str) -> Found:
    """A conversation, held until the commit; a new one where there was none."""
    query = select(CONVERSATIONS).where(_is(account, sender)).with_for_update()
    row: Found | None = (await tx.execute(query)).one_or_none()
    if row is None:
        new = tx.upsert(CONVERSATIONS).values(
            account=account, sender=sender, turned_at=tx.now, is_open=False
        )
        await tx.execute(new.on_conflict_do_nothing())
        row = (await tx.execute(query)).one()
    return row


async def keep_conversation(tx: Tx, values: Mapping[str, Any]) -> None:
    """Write where a conversation stands now."""
    mine = _is(values["account"], values["sender"])
    await tx.execute(update(CONVERSATIONS).where(mine).values(**values))


async def settle_conversation(
    tx: Tx, account: str, sender: str, *, state: bytes, number: str | None
) -> None:
    """Note which complaint it became, and forget what it was made of; nothing where it has moved on."""
    mine = _is(account, sender) & (CONVERSATIONS.c.state == state)
    values = {"number": number, "is_open": False, "data_key": None, "state": None}
    await tx.execute(update(CONVERSATIONS).where(mine).values(**values))


async def open_conversations(
    connection: AsyncConnection, *, before: datetime, limit: int
) -> Sequence[Found]:
    """Conversations that were to become complaints before that time and have not."""
    query = (
        select(CONVERSATIONS)
        .where(CONVERSATIONS.c.is_open, CONVERSATIONS.c.turned_at < before)
        .order_by(CONVERSATIONS.c.turned_at)
        .limit(limit)
    )
    rows: Sequence[Found] = (await connection.execute(query)).all()
    return rows


async def forget_silent(tx: Tx, *, before: datetime) -> int:
    """Delete the conversations that ended before that time; says how many."""
    ended = (CONVERSATIONS.c.turned_at < before) & CONVERSATIONS.c.is_open.is_(False)
    return (await tx.execute(delete(CONVERSATIONS).where(ended))).rowcount


async def erase_conversations(tx: Tx, complainants: Iterable[str]) -> None:
    """Delete the conversations of complainants, while their contact points are still indexed."""
    theirs = select(CONTACT_POINTS.c.token).where(
        CONTACT_POINTS.c.complainant_id.in_(sorted(complainants))
    )
    await tx.execute(delete(CONVERSATIONS).where(CONVERSATIONS.c.sender.in_(theirs)))
