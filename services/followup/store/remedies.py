"""Remedies to list, and the ledger: postings, two an entry, that are only ever added."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    Select,
    String,
    Table,
    UniqueConstraint,
    func,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.followup.store.tables import METADATA
from shared.contracts.values import CaseRemedy
from shared.store.tables import BigId
from shared.store.transaction import AnyRow, Tx
from shared.store.types import UTCDateTime, json_column

REMEDIES = Table(
    "remedies",
    METADATA,
    Column("complaint", String(200), primary_key=True),
    Column("id", String(20), primary_key=True),
    Column("number", String(20), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("state", String(20), nullable=False),
    Column("needs", String(20)),
    Column("expires_at", UTCDateTime, nullable=False),
    Column("body", json_column(), nullable=False),
    comment="What customers were offered, as the facts say it: to list what awaits approval or payment.",
)
Index("ix_remedies_unit", REMEDIES.c.unit, REMEDIES.c.state, REMEDIES.c.expires_at)
POSTINGS = Table(
    "postings",
    METADATA,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("complaint", String(200), nullable=False),
    Column("number", String(20), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("remedy", String(20), nullable=False),
    Column("entry", String(60), nullable=False),
    Column("account", String(10), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("places", Integer, nullable=False),
    Column("month", String(7), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("by", String(100), nullable=False),
    UniqueConstraint("complaint", "entry", "account"),
    comment="The ledger, in the smallest units of each currency: the postings of an entry add up to nothing.",
)
Index("ix_postings_unit", POSTINGS.c.unit, POSTINGS.c.id)
Index("ix_postings_month", POSTINGS.c.unit, POSTINGS.c.month, POSTINGS.c.account)


class Remedies:
    """What a unit of work changes of remedies and adds to the ledger."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Mapping[str, object]] = {}
        self.postings: list[Mapping[str, object]] = []

    async def write(self, tx: Tx) -> None:
        for row in self.rows.values():
            new = tx.upsert(REMEDIES).values(**row)
            await tx.execute(
                new.on_conflict_do_update(index_elements=["complaint", "id"], set_=dict(row))
            )
        await tx.add(POSTINGS, self.postings)


def put_remedy(tx: Tx, complaint: str, remedy: CaseRemedy, *, number: str, unit: str) -> None:
    """Keep the row of a remedy as it stands now."""
    tx.memory(Remedies).rows[complaint, remedy.id] = {
        "complaint": complaint,
        "id": remedy.id,
        "number": number,
        "unit": unit,
        "state": remedy.state,
        "needs": remedy.needs,
        "expires_at": remedy.expires_at,
        "body": remedy.model_dump(mode="json"),
    }


def post(tx: Tx, postings: Sequence[Mapping[str, object]]) -> None:
    """Add the postings of an entry. A second entry of the same id in a case is refused by the database."""
    tx.memory(Remedies).postings.extend(postings)


async def spent(connection: AsyncConnection, unit: str, month: str, currency: str) -> int:
    """What a unit's budget has given in a month, less what came back, in the smallest unit of the currency."""
    query = select(func.sum(POSTINGS.c.amount)).where(
        POSTINGS.c.unit == unit,
        POSTINGS.c.month == month,
        POSTINGS.c.account == "budget",
        POSTINGS.c.currency == currency,
    )
    return -int((await connection.execute(query)).scalar_one() or 0)


def remedies_query(
    units: Iterable[str],
    *,
    states: Collection[str],
    after: tuple[datetime, str, str] | None,
    limit: int,
) -> Select[Any]:
    """A page of remedies of some units, those that expire first before others."""
    columns = REMEDIES.c.expires_at, REMEDIES.c.complaint, REMEDIES.c.id
    query = select(REMEDIES).where(REMEDIES.c.unit.in_(sorted(units)))
    if states:
        query = query.where(REMEDIES.c.state.in_(sorted(states)))
    if after is not None:
        query = query.where(tuple_(*columns) > after)
    return query.order_by(*columns).limit(limit)


def postings_query(
    units: Iterable[str], *, number: str | None, after: int | None, limit: int
) -> Select[Any]:
    """A page of postings of some units, in the order in which they were made."""
    query = select(POSTINGS).where(POSTINGS.c.unit.in_(sorted(units)))
    if number is not None:
        query = query.where(POSTINGS.c.number == number)
    if after is not None:
        query = query.where(POSTINGS.c.id > after)
    return query.order_by(POSTINGS.c.id).limit(limit)


async def balances(connection: AsyncConnection, units: Iterable[str]) -> Sequence[AnyRow]:
    """What each account of some units holds, by currency."""
    columns = POSTINGS.c.currency, POSTINGS.c.places, POSTINGS.c.account
    query = (
        select(*columns, func.sum(POSTINGS.c.amount).label("amount"))
        .where(POSTINGS.c.unit.in_(sorted(units)))
        .group_by(*columns)
        .order_by(*columns)
    )
    return (await connection.execute(query)).all()


async def unbalanced(connection: AsyncConnection, units: Iterable[str]) -> Sequence[AnyRow]:
    """Entries whose postings do not add up to nothing: there are none, unless somebody altered the ledger."""
    columns = POSTINGS.c.complaint, POSTINGS.c.number, POSTINGS.c.entry
    query = (
        select(*columns)
        .where(POSTINGS.c.unit.in_(sorted(units)))
        .group_by(*columns)
        .having(func.sum(POSTINGS.c.amount) != 0)
        .order_by(*columns)
        .limit(100)
    )
    return (await connection.execute(query)).all()
