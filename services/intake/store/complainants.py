"""Complainants, sealed, and the blind index of their contact points."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.model import Reception
from services.intake.store.tables import (
    COMPLAINANTS,
    COMPLAINTS,
    CONTACT_POINTS,
    OWNED,
    READS,
    STAFF,
    Found,
)
from shared.store.transaction import Tx

Points = Collection[tuple[str, str]]
"""(kind or name, token) pairs of a blind index."""
MOST_FOUND: Final = 200
_ADD_COMPLAINANT, _ADD_CONTACT_POINT = insert(COMPLAINANTS), insert(CONTACT_POINTS)


async def add_complainants(tx: Tx, items: Sequence[Reception]) -> None:
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


async def complainant(connection: AsyncConnection, id_: str, units: Iterable[str]) -> Found | None:
    """A complainant, sealed, if within reach."""
    query = select(COMPLAINANTS).where(
        COMPLAINANTS.c.id == id_, COMPLAINANTS.c.unit.in_(sorted(units))
    )
    return (await connection.execute(query)).one_or_none()


async def complainants(
    connection: AsyncConnection, ids: Iterable[str], units: Iterable[str]
) -> dict[str, Found]:
    """Complainants within reach, sealed, by id."""
    query = select(COMPLAINANTS).where(
        COMPLAINANTS.c.id.in_(sorted(set(ids))), COMPLAINANTS.c.unit.in_(sorted(units))
    )
    return {row.id: row for row in await connection.execute(query)}


async def known_as(tx: Tx, unit: str, customer: str) -> Found | None:
    """A known customer by the blind index of their number, held until the commit."""
    query = select(COMPLAINANTS).where(
        COMPLAINANTS.c.unit == unit, COMPLAINANTS.c.customer == customer
    )
    return await tx.row(query.with_for_update())


async def keep_customer(
    tx: Tx, values: Mapping[str, object], points: Points, owned: Points, *, is_new: bool
) -> None:
    """Write a known customer whole: the row, contact points and belongings that they have now, and no others."""
    id_, unit = values["id"], values["unit"]
    if is_new:
        await tx.execute(_ADD_COMPLAINANT, dict(values))
    else:
        row = COMPLAINANTS.c.id == id_
        await tx.execute(update(COMPLAINANTS).where(row).values(profile=values["profile"]))
        await forget_indexes(tx, [str(id_)])
    for table, column, found in ((CONTACT_POINTS, "kind", points), (OWNED, "name", owned)):
        rows = [
            {"token": token, column: name, "complainant_id": id_, "unit": unit}
            for name, token in sorted(set(found))
        ]
        if rows:
            await tx.execute(insert(table), rows)


async def forget_indexes(tx: Tx, ids: Sequence[str]) -> tuple[int, int]:
    """Delete the blind indexes of complainants; says how many contact points and belongings there were."""
    gone = []
    for table in (CONTACT_POINTS, OWNED):
        found = await tx.execute(delete(table).where(table.c.complainant_id.in_(ids)))
        gone.append(found.rowcount)
    return gone[0], gone[1]


async def whose(
    connection: AsyncConnection, points: Points, owned: Points, units: Iterable[str]
) -> dict[str, set[str]]:
    """Complainants within reach by any of these tokens: id → which kinds matched."""
    found: dict[str, set[str]] = {}
    for table, column, wanted in (
        (CONTACT_POINTS, CONTACT_POINTS.c.kind, points),
        (OWNED, OWNED.c.name, owned),
    ):
        if not wanted:
            continue
        tokens = {token for _, token in wanted}
        query = select(table.c.complainant_id, column.label("kind"), table.c.token).where(
            table.c.token.in_(sorted(tokens)), table.c.unit.in_(sorted(units))
        )
        for row in await connection.execute(query.limit(MOST_FOUND)):
            if (row.kind, row.token) in wanted:
                found.setdefault(row.complainant_id, set()).add(row.kind)
    return found


async def numbers_of(
    connection: AsyncConnection, ids: Iterable[str]
) -> dict[str, list[tuple[str, str]]]:
    """The complaints of complainants, the oldest first: complainant → (id, number)."""
    query = (
        select(COMPLAINTS.c.complainant_id, COMPLAINTS.c.id, COMPLAINTS.c.number)
        .where(COMPLAINTS.c.complainant_id.in_(sorted(set(ids))))
        .order_by(COMPLAINTS.c.id)
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.complainant_id, []).append((row.id, row.number))
    return found


async def reads_of(connection: AsyncConnection, targets: Iterable[str]) -> Sequence[Found]:
    """Who read or changed these, the oldest first."""
    query = select(READS).where(READS.c.target.in_(sorted(set(targets)))).order_by(READS.c.id)
    return (await connection.execute(query)).all()


async def record_read(
    tx: Tx,
    *,
    reader: str,
    what: str,
    target: str,
    unit: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    """Record that somebody read or changed something of the vault."""
    await tx.execute(
        insert(READS),
        {
            "reader": reader,
            "what": what,
            "target": target,
            "unit": unit,
            "at": at,
            "reason": reason,
        },
    )


async def keep_staff(tx: Tx, values: Mapping[str, object]) -> None:
    """Write where a member of staff can be reached."""
    new = tx.upsert(STAFF).values(**values)
    changed = {name: new.excluded[name] for name in values if name != "account"}
    await tx.execute(new.on_conflict_do_update(index_elements=["account"], set_=changed))


async def staff(connection: AsyncConnection, account: str, units: Iterable[str]) -> Found | None:
    """Where a member of staff within reach can be reached, sealed."""
    query = select(STAFF).where(STAFF.c.account == account, STAFF.c.unit.in_(sorted(units)))
    return (await connection.execute(query)).one_or_none()


async def forget_staff(tx: Tx, account: str) -> None:
    await tx.execute(delete(STAFF).where(STAFF.c.account == account))
