"""Incidents, their members, what goes to all of them, and what is looked at because of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.followup.store.tables import (
    BULLETINS,
    CASES,
    INCIDENTS,
    INSPECTIONS,
    MEMBERS,
    MOVES,
)
from shared.contracts.incidents import IncidentBody, IncidentUpdated
from shared.ids import new_id
from shared.store.lists import among, only, unless_there
from shared.store.transaction import AnyRow, Tx

_MEMBERS_OF: Final = select(MEMBERS).order_by(MEMBERS.c.id)
_OF_INCIDENT: Final = _MEMBERS_OF.where(MEMBERS.c.incident == bindparam("of"))
_SEEN: Final = select(
    MEMBERS.c.id, MEMBERS.c.complaint, MEMBERS.c.unit, MEMBERS.c.state, MEMBERS.c.seen
).where(MEMBERS.c.incident == bindparam("of"))
_ELSEWHERE: Final = (
    select(MEMBERS.c.complaint, MEMBERS.c.incident)
    .join(INCIDENTS, INCIDENTS.c.id == MEMBERS.c.incident)
    .where(MEMBERS.c.state == "in", INCIDENTS.c.is_open.is_(True))
)
_FOLLOWING: Final = select(
    INCIDENTS.c.id, INCIDENTS.c.unit, INCIDENTS.c.sign_by, INCIDENTS.c.sign_value
).where(INCIDENTS.c.is_open.is_(True), INCIDENTS.c.sign_by.is_not(None))
_NUMBERS: Final = select(CASES.c.number, CASES.c.complaint, CASES.c.unit)


def body_of(row: AnyRow) -> IncidentBody:
    """The incident that a row keeps."""
    return IncidentUpdated.model_validate(row.body)


async def put_incident(tx: Tx, body: IncidentBody, *, unit: str, is_new: bool) -> None:
    """Keep an incident as it is now. Lock it first."""
    row = {
        "id": body.incident_id,
        "unit": unit,
        "state": body.state,
        "is_open": body.state != "closed",
        "version": body.version,
        "warning": body.warning_id,
        "sign_by": body.sign.by if body.sign else None,
        "sign_value": body.sign.value if body.sign else None,
        "body": body.model_dump(mode="json"),
        "changed_at": tx.now,
    }
    if is_new:
        await tx.add(INCIDENTS, [row])
    else:
        await tx.change(INCIDENTS, [row])


async def incident_row(tx: Tx, id_: str) -> AnyRow | None:
    return await tx.row(select(INCIDENTS).where(INCIDENTS.c.id == id_))


async def incident_of_warning(tx: Tx, warning: str) -> AnyRow | None:
    return await tx.row(select(INCIDENTS).where(INCIDENTS.c.warning == warning))


async def find_incident(connection: AsyncConnection, id_: str) -> Row[Any] | None:
    """The row of an incident, whatever its unit."""
    return (await connection.execute(select(INCIDENTS).where(INCIDENTS.c.id == id_))).one_or_none()


async def following(tx: Tx) -> Sequence[AnyRow]:
    """The open incidents that complaints join by themselves, by the sign that they show. They are few."""
    return await tx.rows(_FOLLOWING)


async def places_of(tx: Tx, numbers: Collection[str]) -> Mapping[str, tuple[str, str]]:
    """Complaint and unit of each of these numbers that there is."""
    rows = await tx.rows_among(_NUMBERS, CASES.c.number, numbers)
    return {row.number: (row.complaint, row.unit) for row in rows}


async def ask_in(
    tx: Tx, incident: str, complaints: Collection[str], *, unit: str, via: str
) -> None:
    """Have complaints wait to be taken in; who is in, left or waits stays as it is."""
    rows = [
        {
            "id": new_id(), "incident": incident, "complaint": one, "unit": unit, "state": "waiting", "via": via,
            "seen": 0, "asked_at": tx.now, "look_at": tx.now,
        }
        for one in sorted(complaints)
    ]  # fmt: skip
    await tx.add(MEMBERS, rows, unless_there)


async def ask_again(tx: Tx, incident: str, complaints: Collection[str]) -> None:
    """Have those who left wait to be taken in anew."""
    again = update(MEMBERS).where(
        MEMBERS.c.incident == incident, MEMBERS.c.complaint.in_(sorted(complaints)), MEMBERS.c.state == "out",
    )  # fmt: skip
    await tx.execute(again.values(state="waiting", reason=None, left_at=None, look_at=tx.now))


async def members_among(tx: Tx, incident: str, complaints: Collection[str]) -> Sequence[AnyRow]:
    """What is known of complaints in an incident, by their ids in order."""
    query = only(_OF_INCIDENT, MEMBERS.c.complaint, tx.connection.dialect.name)
    return await tx.rows(query, {"values": sorted(complaints), "of": incident})


async def reached(tx: Tx, incident: str, complaints: Collection[str]) -> Sequence[AnyRow]:
    """How far the changes of an incident have come to some of its complaints."""
    query = only(_SEEN, MEMBERS.c.complaint, tx.connection.dialect.name)
    return await tx.rows(query, {"values": sorted(complaints), "of": incident})


async def members_by_id(tx: Tx, ids: Collection[str]) -> Sequence[AnyRow]:
    return await tx.rows_among(_MEMBERS_OF, MEMBERS.c.id, ids)


async def elsewhere(tx: Tx, complaints: Collection[str]) -> Mapping[str, str]:
    """Of these complaints those that are in an open incident, and in which."""
    rows = await tx.rows_among(_ELSEWHERE, MEMBERS.c.complaint, complaints)
    return {row.complaint: row.incident for row in rows}


async def change_members(tx: Tx, rows: Sequence[Mapping[str, object]]) -> None:
    """Change rows of members, each known by its `id`, all with the same columns."""
    await tx.change(MEMBERS, rows)


async def mark_seen(tx: Tx, ids: Collection[str], number: int) -> None:
    """Note that a change has come to the cases of these members."""
    seen = update(MEMBERS).where(among(MEMBERS.c.id, "ids", tx.connection.dialect.name))
    await tx.execute(seen.values(seen=number), {"ids": sorted(ids)})


async def waiting_rows(connection: AsyncConnection, *, now: datetime, limit: int) -> Sequence[Any]:
    """Who waits to be taken in, of one incident: the one that was asked for first."""
    is_due = and_(MEMBERS.c.look_at.is_not(None), MEMBERS.c.look_at <= now)
    first = select(MEMBERS.c.incident).where(is_due).order_by(MEMBERS.c.look_at).limit(1)
    query = select(MEMBERS.c.incident, MEMBERS.c.complaint).where(
        is_due, MEMBERS.c.incident == first.scalar_subquery()
    )
    return (
        await connection.execute(
            query.order_by(MEMBERS.c.asked_at, MEMBERS.c.complaint).limit(limit)
        )
    ).all()


async def begin_move(tx: Tx, values: Mapping[str, object]) -> None:
    """A change of state begins to go to all members."""
    begun = {"after": 0, "reached": 0, "blocked": 0, "is_open": True, "begun_at": tx.now}
    await tx.add(MOVES, [{"id": new_id(), **begun, **values}])


async def open_moves(connection: AsyncConnection) -> Sequence[AnyRow]:
    """Of each incident the oldest change that has not reached everybody; those of one go in their order."""
    first = (
        select(func.min(MOVES.c.number).label("number"), MOVES.c.incident)
        .where(MOVES.c.is_open.is_(True))
        .group_by(MOVES.c.incident)
        .subquery()
    )
    query = select(MOVES).join(
        first, and_(first.c.incident == MOVES.c.incident, first.c.number == MOVES.c.number)
    )
    return (await connection.execute(query.order_by(MOVES.c.begun_at, MOVES.c.id))).all()


async def move_page(connection: AsyncConnection, move: AnyRow, *, limit: int) -> Sequence[AnyRow]:
    """The members that a change reaches next, in the order in which they joined."""
    query = (
        select(MEMBERS.c.complaint, MEMBERS.c.position)
        .where(
            MEMBERS.c.incident == move.incident,
            MEMBERS.c.state == "in",
            MEMBERS.c.position > move.after,
        )
        .order_by(MEMBERS.c.position)
        .limit(limit)
    )
    return (await connection.execute(query)).all()


async def advance_move(tx: Tx, move: AnyRow, *, after: int, is_over: bool) -> bool:
    """Note that one more page is reached; False where another process did that page already."""
    row = await tx.row(
        update(MOVES)
        .where(MOVES.c.id == move.id, MOVES.c.is_open.is_(True), MOVES.c.after == move.after)
        .values(after=after, is_open=not is_over, ended_at=tx.now if is_over else None)
        .returning(MOVES.c.id)
    )
    return row is not None


async def count_move(tx: Tx, move: AnyRow, *, reached: int, blocked: int) -> None:
    """Count what a page did."""
    await tx.execute(
        update(MOVES)
        .where(MOVES.c.id == move.id)
        .values(reached=MOVES.c.reached + reached, blocked=MOVES.c.blocked + blocked)
    )


async def moves_of(connection: AsyncConnection, incident: str) -> Sequence[AnyRow]:
    query = select(MOVES).where(MOVES.c.incident == incident).order_by(MOVES.c.number)
    return (await connection.execute(query)).all()


async def add_bulletin(tx: Tx, values: Mapping[str, object]) -> None:
    await tx.add(BULLETINS, [values])


async def bulletin_row(tx: Tx, id_: str) -> AnyRow | None:
    return await tx.row(select(BULLETINS).where(BULLETINS.c.id == id_))


async def add_inspections(tx: Tx, rows: Sequence[Mapping[str, object]]) -> None:
    await tx.add(INSPECTIONS, rows)


async def settle_inspection(
    tx: Tx, incident: str, id_: str, values: Mapping[str, object]
) -> AnyRow | None:
    """Record what was found of an object; gives its state before, or None where there is no such object."""
    mine = (INSPECTIONS.c.id == id_, INSPECTIONS.c.incident == incident)
    before = await tx.row(select(INSPECTIONS.c.state).where(*mine))
    if before is not None:
        await tx.execute(update(INSPECTIONS).where(*mine).values(values))
    return before


def incidents_query(
    units: Iterable[str], *, is_open: bool | None, state: str | None, before: str | None, limit: int
) -> Select[Any]:
    """A page of incidents of some units, the newest first."""
    query = select(INCIDENTS).where(INCIDENTS.c.unit.in_(sorted(units)))
    if is_open is not None:
        query = query.where(INCIDENTS.c.is_open.is_(is_open))
    if state is not None:
        query = query.where(INCIDENTS.c.state == state)
    if before is not None:
        query = query.where(INCIDENTS.c.id < before)
    return query.order_by(INCIDENTS.c.id.desc()).limit(limit)


def members_query(
    incident: str, units: Iterable[str], *, state: str, after: tuple[int, str], limit: int
) -> Select[Any]:
    """A page of the members of an incident within some units, in the order of joining, with their cases."""
    position = func.coalesce(MEMBERS.c.position, 0)
    query = (
        select(MEMBERS, CASES.c.number, CASES.c.state.label("case_state"), CASES.c.body)
        .join(CASES, CASES.c.complaint == MEMBERS.c.complaint)
        .where(
            MEMBERS.c.incident == incident,
            MEMBERS.c.state == state,
            CASES.c.unit.in_(sorted(units)),
            _is_after(position, after),
        )
    )
    return query.order_by(position, MEMBERS.c.id).limit(limit)


def _is_after(position: ColumnElement[int], after: tuple[int, str]) -> ColumnElement[bool]:
    last, id_ = after
    return or_(position > last, and_(position == last, MEMBERS.c.id > id_))


def bulletins_query(incident: str, *, before: str | None, limit: int) -> Select[Any]:
    """A page of what members were told, the newest first."""
    query = select(BULLETINS).where(BULLETINS.c.incident == incident)
    if before is not None:
        query = query.where(BULLETINS.c.id < before)
    return query.order_by(BULLETINS.c.id.desc()).limit(limit)


def inspections_query(
    incident: str, *, state: str | None, after: str | None, limit: int
) -> Select[Any]:
    """A page of what is looked at, in the order in which it was listed."""
    query = select(INSPECTIONS).where(INSPECTIONS.c.incident == incident)
    if state is not None:
        query = query.where(INSPECTIONS.c.state == state)
    if after is not None:
        query = query.where(INSPECTIONS.c.id > after)
    return query.order_by(INSPECTIONS.c.id).limit(limit)


async def counted(
    connection: AsyncConnection, incident: str, units: Iterable[str]
) -> Mapping[str, Mapping[str, int]]:
    """How many members there are by the state of membership, and of those who are in by their cases' columns."""
    of = MEMBERS.c.incident == incident
    is_mine = CASES.c.unit.in_(sorted(units))
    joined = MEMBERS.join(CASES, CASES.c.complaint == MEMBERS.c.complaint)
    found: dict[str, Mapping[str, int]] = {}
    for name, column in (
        ("membership", MEMBERS.c.state), ("via", MEMBERS.c.via), ("case_state", CASES.c.state), ("unit", CASES.c.unit),
        ("severity", CASES.c.severity), ("area", CASES.c.area), ("category", CASES.c.category),
    ):  # fmt: skip
        query = select(column, func.count()).select_from(joined).where(of, is_mine).group_by(column)
        if name != "membership":
            query = query.where(MEMBERS.c.state == "in")
        rows = (await connection.execute(query)).all()
        found[name] = {str(value): int(count) for value, count in rows if value is not None}
    return found
