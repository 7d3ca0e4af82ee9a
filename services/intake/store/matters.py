"""What tells that two complaints are about the same matter, and the links between them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    String,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy import insert as insert_into
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.model import Likely
from services.intake.store.tables import (
    COMPLAINTS,
    CONTACT_POINTS,
    LINKS,
    MATTERS,
    SIGNATURES,
    TRAITS,
    Found,
)
from shared.store.lists import POSTGRESQL, UpsertInsert, among, unless_there
from shared.store.transaction import Tx

MOST_ALIKE: Final = 50
"""Complaints that are looked at for one trait: a trait that more have tells little."""


Trait = tuple[str, str, str]
"""A unit, the kind of what complaints may have in common, and a token of it."""


class Matter(NamedTuple):
    """The last complaint of a person about something, and by which channel it came."""

    complaint_id: str
    channel: str
    received_at: datetime


async def matters(tx: Tx, tokens: Collection[str], *, since: datetime) -> dict[str, Matter]:
    """The last complaints of persons about references, by token."""
    found = await tx.rows(
        _matters(tx.connection.dialect.name), {"tokens": sorted(tokens), "since": since}
    )
    return {row.token: Matter(row.complaint_id, row.channel, row.received_at) for row in found}


@cache
def _matters(dialect: str) -> Select[Any]:
    return select(MATTERS).where(
        among(MATTERS.c.token, "tokens", dialect), MATTERS.c.received_at >= bindparam("since")
    )


async def keep_matters(tx: Tx, found: Mapping[str, Matter]) -> None:
    """Remember the last complaints of persons about references, by token."""
    rows = [{"token": token, **matter._asdict()} for token, matter in sorted(found.items())]
    await tx.add(MATTERS, rows, _latest)


def _latest(new: UpsertInsert) -> UpsertInsert:
    names = ("complaint_id", "channel", "received_at")
    changed = {name: new.excluded[name] for name in names}
    return new.on_conflict_do_update(index_elements=["token"], set_=changed)


async def contacts_of(
    connection: AsyncConnection, numbers: Collection[str]
) -> dict[tuple[str, str, str], str]:
    """(unit, number, contact point's token) → complaint, of complaints by number."""
    query = (
        select(COMPLAINTS.c.id, COMPLAINTS.c.unit, COMPLAINTS.c.number, CONTACT_POINTS.c.token)
        .join(CONTACT_POINTS, CONTACT_POINTS.c.complainant_id == COMPLAINTS.c.complainant_id)
        .where(COMPLAINTS.c.number.in_(sorted(numbers)))
    )
    return {(row.unit, row.number, row.token): row.id for row in await connection.execute(query)}


async def unmatched(connection: AsyncConnection, *, limit: int) -> Sequence[Found]:
    """Complaints that were not yet compared with others, the oldest first."""
    rows: Sequence[Found] = (await connection.execute(_UNMATCHED, {"most": limit})).all()
    return rows


_UNMATCHED: Final[Select[Any]] = (
    select(
        COMPLAINTS.c.id, COMPLAINTS.c.number, COMPLAINTS.c.unit, COMPLAINTS.c.text, COMPLAINTS.c.facts,
        COMPLAINTS.c.complainant_id, COMPLAINTS.c.received_at,
    )
    .where(COMPLAINTS.c.matched_at.is_(None))
    .order_by(COMPLAINTS.c.id)
    .limit(bindparam("most"))
)  # fmt: skip


async def take_unmatched(tx: Tx, ids: Collection[str]) -> set[str]:
    """Mark complaints as compared; says which were not yet, the erased left out."""
    statement = _take_unmatched(tx.connection.dialect.name)
    return {row.id for row in await tx.rows(statement, {"ids": sorted(ids), "at": tx.now})}


@cache
def _take_unmatched(dialect: str) -> Executable:
    mine = among(COMPLAINTS.c.id, "ids", dialect), COMPLAINTS.c.matched_at.is_(None)
    taken = update(COMPLAINTS).where(*mine).values(matched_at=bindparam("at"))
    return taken.returning(COMPLAINTS.c.id)


async def contact_tokens(
    connection: AsyncConnection, complainants: Collection[str]
) -> dict[str, list[str]]:
    """The blind indexes of the contact points of complainants."""
    query = _contact_tokens(connection.dialect.name)
    found: dict[str, list[str]] = {}
    for row in await connection.execute(query, {"ids": sorted(complainants)}):
        found.setdefault(row.complainant_id, []).append(row.token)
    return found


@cache
def _contact_tokens(dialect: str) -> Select[Any]:
    query = select(CONTACT_POINTS.c.complainant_id, CONTACT_POINTS.c.token)
    return query.where(among(CONTACT_POINTS.c.complainant_id, "ids", dialect))


async def sharing(
    connection: AsyncConnection, traits: Collection[Trait], *, since: str
) -> dict[Trait, list[str]]:
    """The complaints that have a trait, the latest first, for each trait that any has.

    Ids carry the time: those from `since` on. Of more complaints than can be looked at, the latest.
    """
    wanted = sorted(traits)
    dialect = connection.dialect.name
    found = await connection.execute(_sharing(dialect), _lists(wanted, dialect) | {"since": since})
    return {
        wanted[row.nth]: orjson.loads(row.ids) if isinstance(row.ids, str) else row.ids
        for row in found
        if row.ids and row.ids != "[]"
    }


def _lists(wanted: Sequence[Trait], dialect: str) -> dict[str, Any]:
    if dialect != POSTGRESQL:
        return {"wanted": orjson.dumps(wanted).decode()}
    return {name: [one[at] for one in wanted] for at, name in enumerate(_TRAIT)}


_TRAIT: Final = ("unit", "kind", "value")


@cache
def _sharing(dialect: str) -> Select[Any]:
    """For each trait, the latest complaints in one list: each is a look into the index, however many have it."""
    if dialect == POSTGRESQL:
        lists = [bindparam(name, type_=ARRAY(String())) for name in _TRAIT]
        each = func.unnest(*lists).table_valued(*_TRAIT, with_ordinality="nth").render_derived()
        latest = _latest_with([each.c[name] for name in _TRAIT]).correlate(each)
        return select(
            (each.c.nth - 1).label("nth"), func.array(latest.scalar_subquery()).label("ids")
        )
    one = func.json_each(bindparam("wanted", type_=String())).table_valued("key", "value")
    trait = [func.json_extract(one.c.value, f"$[{at}]") for at in range(len(_TRAIT))]
    newest = _latest_with(trait).correlate(one).subquery()
    return select(
        one.c.key.label("nth"),
        select(func.json_group_array(newest.c.complaint_id)).scalar_subquery().label("ids"),
    )


def _latest_with(trait: Sequence[ColumnElement[Any]]) -> Select[Any]:
    same = [TRAITS.c[name] == value for name, value in zip(_TRAIT, trait, strict=True)]
    return (
        select(TRAITS.c.complaint_id)
        .where(*same, TRAITS.c.complaint_id >= bindparam("since"))
        .order_by(TRAITS.c.complaint_id.desc())
        .limit(MOST_ALIKE)
    )


async def signatures(connection: AsyncConnection, ids: Collection[str]) -> dict[str, str]:
    """The MinHashes of complaints that have one, as they are stored."""
    found = await connection.execute(_signatures(connection.dialect.name), {"ids": sorted(ids)})
    return {row.complaint_id: row.signature for row in found}


@cache
def _signatures(dialect: str) -> Select[Any]:
    return select(SIGNATURES).where(among(SIGNATURES.c.complaint_id, "ids", dialect))


async def keep_traits(tx: Tx, traits: Iterable[tuple[Trait, str]]) -> None:
    """Remember by what complaints can be found: a trait and a complaint's id each."""
    rows = [
        {"unit": unit, "kind": kind, "value": value, "complaint_id": id_}
        for (unit, kind, value), id_ in sorted(traits)
    ]
    await tx.add(TRAITS, rows, unless_there)


async def keep_signatures(tx: Tx, found: Mapping[str, str]) -> None:
    """Remember the MinHashes of complaints, by id."""
    rows = [{"complaint_id": id_, "signature": one} for id_, one in sorted(found.items())]
    await tx.add(SIGNATURES, rows, unless_there)


async def add_links(tx: Tx, links: Sequence[tuple[str, str, Likely]]) -> None:
    """Link complaints with others: a complaint's id, its unit, and the other."""
    rows = [
        {
            "complaint_id": id_,
            "other_id": one.complaint_id,
            "unit": unit,
            "score": one.score,
            "reasons": list(one.reasons),
            "linked_at": tx.now,
        }
        for id_, unit, one in links
    ]
    if rows:
        await tx.execute(insert_into(LINKS), rows)


async def linked_with(connection: AsyncConnection, ids: Collection[str]) -> dict[str, set[str]]:
    """The complaints before it that each of these is linked with."""
    query = _linked_with(connection.dialect.name)
    found: dict[str, set[str]] = {}
    for row in await connection.execute(query, {"ids": sorted(ids)}):
        found.setdefault(row.complaint_id, set()).add(row.other_id)
    return found


@cache
def _linked_with(dialect: str) -> Select[Any]:
    query = select(LINKS.c.complaint_id, LINKS.c.other_id).where(LINKS.c.undone_at.is_(None))
    return query.where(among(LINKS.c.complaint_id, "ids", dialect))


async def numbers_by_id(connection: AsyncConnection, ids: Collection[str]) -> dict[str, str]:
    """The numbers of complaints."""
    found = await connection.execute(_numbers(connection.dialect.name), {"ids": sorted(ids)})
    return {row.id: row.number for row in found}


@cache
def _numbers(dialect: str) -> Select[Any]:
    query = select(COMPLAINTS.c.id, COMPLAINTS.c.number)
    return query.where(among(COMPLAINTS.c.id, "ids", dialect))


async def known_numbers(
    connection: AsyncConnection, numbers: Collection[str]
) -> dict[tuple[str, str], str]:
    """Unit and number → id, of the complaints that have these numbers."""
    query = select(COMPLAINTS.c.id, COMPLAINTS.c.unit, COMPLAINTS.c.number).where(
        COMPLAINTS.c.number.in_(sorted(numbers))
    )
    return {(row.unit, row.number): row.id for row in await connection.execute(query)}


async def links_of(connection: AsyncConnection, id_: str, units: Iterable[str]) -> Sequence[Found]:
    """The links of a complaint in either direction, with the other's number."""
    found: list[Found] = []
    for mine, theirs in (
        (LINKS.c.complaint_id, LINKS.c.other_id),
        (LINKS.c.other_id, LINKS.c.complaint_id),
    ):
        query = (
            select(
                theirs.label("id"), COMPLAINTS.c.number, LINKS.c.score, LINKS.c.reasons, LINKS.c.linked_at,
                LINKS.c.undone_by, LINKS.c.undone_at,
            )
            .join(COMPLAINTS, COMPLAINTS.c.id == theirs)
            .where(mine == id_, LINKS.c.unit.in_(sorted(units)))
            .order_by(theirs)
        )  # fmt: skip
        found += (await connection.execute(query)).all()  # type: ignore[arg-type] # rows of seven
    return found


async def undo_link(tx: Tx, id_: str, other: str, *, by: str) -> Found | None:
    """Undo a link in whichever direction it is; the row, or None where there is none to undo."""
    for one, two in ((id_, other), (other, id_)):
        undone = (
            update(LINKS)
            .where(
                LINKS.c.complaint_id == one, LINKS.c.other_id == two, LINKS.c.undone_at.is_(None)
            )
            .values(undone_by=by, undone_at=tx.now)
            .returning(
                LINKS.c.complaint_id, LINKS.c.other_id, LINKS.c.unit, LINKS.c.score, LINKS.c.reasons
            )
        )
        row: Found | None = await tx.row(undone)
        if row is not None:
            return row
    return None


async def forget_traits(tx: Tx, complainants: Sequence[str]) -> None:
    """Delete by what complaints of these complainants could be found."""
    mine = select(COMPLAINTS.c.id).where(COMPLAINTS.c.complainant_id.in_(complainants))
    for table in (MATTERS, TRAITS, SIGNATURES):
        await tx.execute(delete(table).where(table.c.complaint_id.in_(mine)))
