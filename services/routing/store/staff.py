"""Staff data: teams, handlers, shifts and leaves."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.model.staff import Leave, Staff, Team, WorkShift
from services.routing.store.tables import DECISIONS, HANDLERS, LEAVES, SHIFTS, TEAMS
from shared.store.transaction import AnyRow, Tx

_STAFF: Final = ("team", "skills", "languages", "areas", "capacity", "hours", "zone")
_TEAM: Final = select(TEAMS)
_KEEP_HANDLER: Final = (
    update(HANDLERS)
    .where(HANDLERS.c.id == bindparam("of_id"))
    .values({name: bindparam(name) for name in _STAFF})
)


@dataclass(slots=True)
class _Teams:
    """The teams that one unit of work has asked for, by their name and then by unit: a batch asks again and again."""

    by_name: dict[str, dict[str, Team]] = field(default_factory=dict)

    async def write(self, _: Tx) -> None:
        """Nothing: they are only read."""


async def team_of(tx: Tx, *, units: Sequence[str], team: str) -> Team | None:
    """The team of the nearest unit that says anything of it; `units`: the nearest first."""
    known = tx.memory(_Teams).by_name
    if team not in known:
        rows = await tx.rows(_TEAM.where(TEAMS.c.id == team))
        known[team] = {row.unit: _team(row) for row in rows}
    return next((known[team][unit] for unit in units if unit in known[team]), None)


async def teams(connection: AsyncConnection, units: Collection[str]) -> list[Team]:
    """The teams that these units have said."""
    query = _TEAM.where(TEAMS.c.unit.in_(sorted(units))).order_by(TEAMS.c.unit, TEAMS.c.id)
    return [_team(row) for row in (await connection.execute(query)).all()]


def _team(row: AnyRow) -> Team:
    values = dict(row._mapping)
    return Team(**values | {"skills": tuple(row.skills)})


async def handlers(connection: AsyncConnection, units: Collection[str]) -> list[Staff]:
    """The handlers with staff data of these units."""
    query = (
        select(HANDLERS)
        .where(HANDLERS.c.unit.in_(sorted(units)), HANDLERS.c.team.is_not(None))
        .order_by(HANDLERS.c.id)
    )
    return [_staff(row) for row in (await connection.execute(query)).all()]


async def handlers_of(connection: AsyncConnection, ids: Collection[str]) -> list[Staff]:
    """Those of these handlers of whom there is staff data."""
    query = select(HANDLERS).where(HANDLERS.c.id.in_(sorted(ids)), HANDLERS.c.team.is_not(None))
    return [_staff(row) for row in (await connection.execute(query)).all()]


def _staff(row: AnyRow) -> Staff:
    return Staff(
        handler=row.id,
        unit=row.unit,
        team=row.team,
        skills=tuple(row.skills or ()),
        languages=None if row.languages is None else tuple(row.languages),
        areas=None if row.areas is None else tuple(row.areas),
        capacity=row.capacity,
        hours=row.hours,
        zone=row.zone,
    )


async def shifts(connection: AsyncConnection, handlers: Collection[str]) -> list[WorkShift]:
    """The shifts of these handlers, in order."""
    query = _of(SHIFTS, handlers)
    return [WorkShift(**row._mapping) for row in (await connection.execute(query)).all()]


async def leaves(connection: AsyncConnection, handlers: Collection[str]) -> list[Leave]:
    """The leaves of these handlers, in order."""
    query = _of(LEAVES, handlers)
    return [Leave(**row._mapping) for row in (await connection.execute(query)).all()]


def _of(table: Table, handlers: Collection[str]) -> Select[Any]:
    key = (table.c.handler, table.c.starts_at)
    return select(table).where(table.c.handler.in_(sorted(handlers))).order_by(*key)


async def page(
    connection: AsyncConnection,
    table: Table,
    *,
    units: frozenset[str],
    handler: str | None,
    after: tuple[str, datetime] | None,
    limit: int,
) -> Sequence[AnyRow]:
    """Rows of shifts or leaves, by handler and time."""
    key = (table.c.handler, table.c.starts_at)
    query = select(table).where(table.c.unit.in_(sorted(units))).order_by(*key).limit(limit)
    if handler is not None:
        query = query.where(table.c.handler == handler)
    if after is not None:
        query = query.where(_behind(table, after))
    return (await connection.execute(query)).all()


def _behind(table: Table, after: tuple[str, datetime]) -> ColumnElement[bool]:
    handler, starts_at = after
    later = and_(table.c.handler == handler, table.c.starts_at > starts_at)
    return or_(table.c.handler > handler, later)


async def keep_teams(tx: Tx, found: Sequence[Team]) -> None:
    """Add teams, or say them anew."""
    await _keep(tx, TEAMS, [asdict(one) | {"skills": list(one.skills)} for one in found])


async def keep_shifts(tx: Tx, found: Sequence[WorkShift]) -> None:
    """Add shifts, or say them anew."""
    await _keep(tx, SHIFTS, [asdict(one) for one in found])


async def keep_leaves(tx: Tx, found: Sequence[Leave]) -> None:
    """Add leaves, or say them anew."""
    await _keep(tx, LEAVES, [asdict(one) for one in found])


async def _keep(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    query = tx.upsert(table)
    keys = [one.name for one in table.primary_key]
    changed = {one.name: query.excluded[one.name] for one in table.c if not one.primary_key}
    await tx.execute(query.on_conflict_do_update(index_elements=keys, set_=changed), list(rows))


async def keep_handlers(tx: Tx, found: Sequence[Staff]) -> None:
    """Keep what is known of handlers, who have a row already; presence and load stay."""
    rows = [
        {name: getattr(one, name) for name in _STAFF}
        | {
            "of_id": one.handler,
            "skills": list(one.skills),
            "languages": None if one.languages is None else list(one.languages),
            "areas": None if one.areas is None else list(one.areas),
        }
        for one in found
    ]
    if rows:
        await tx.execute(_KEEP_HANDLER, rows)


async def forget_handler(tx: Tx, handler: str, *, languages: Sequence[str], capacity: int) -> bool:
    """A handler is again like one of whom nothing is known; False where nothing was."""
    values = dict.fromkeys(_STAFF) | {"languages": list(languages), "capacity": capacity}
    known = HANDLERS.c.id == handler, HANDLERS.c.team.is_not(None)
    forgotten = await tx.execute(update(HANDLERS).where(*known).values(values))
    return forgotten.rowcount > 0


async def note_shifts(tx: Tx, handlers: Collection[str]) -> None:
    """Keep with each handler whether they have shifts: who has some is on duty only then."""
    if handlers:
        has = select(SHIFTS.c.handler).where(SHIFTS.c.handler == HANDLERS.c.id).exists()
        those = HANDLERS.c.id.in_(sorted(handlers))
        await tx.execute(update(HANDLERS).where(those).values(has_shifts=has))


async def drop(tx: Tx, table: Table, *, handler: str, starts_at: datetime) -> bool:
    """Take out a shift or leave; False where there is none."""
    key = table.c.handler == handler, table.c.starts_at == starts_at
    return (await tx.execute(delete(table).where(*key))).rowcount > 0


async def drop_team(tx: Tx, *, unit: str, team: str) -> bool:
    """Take out a team; the pack's of that name holds again. False where there is none."""
    return (
        await tx.execute(delete(TEAMS).where(TEAMS.c.unit == unit, TEAMS.c.id == team))
    ).rowcount > 0


async def open_of(
    connection: AsyncConnection, *, handler: str, units: frozenset[str], limit: int
) -> Sequence[AnyRow]:
    """The complaints that a handler has, the most severe first."""
    query = (
        select(DECISIONS.c.number, DECISIONS.c.complaint, DECISIONS.c.severity)
        .where(
            DECISIONS.c.handler == handler,
            DECISIONS.c.state == "assigned",
            DECISIONS.c.unit.in_(sorted(units)),
        )
        .order_by(DECISIONS.c.weight.desc(), DECISIONS.c.number)
        .limit(limit)
    )
    return (await connection.execute(query)).all()
