"""Routing's tables and queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.model import Choice, HandlerSnapshot, Nobody, Reason, Understanding
from shared.store.tables import NAMING, frame_tables
from shared.store.transaction import AnyRow, Tx
from shared.store.types import UTCDateTime, json_column

METADATA = MetaData(naming_convention=NAMING)
FRAME = frame_tables(METADATA)

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("complaint", String(36), primary_key=True),
    Column("number", String(13), nullable=False, unique=True),
    Column("unit", String(63), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("state", String(10), nullable=False),  # triage | waiting | assigned | done
    Column("kind", String(20), nullable=False),
    Column("categories", json_column(), nullable=False),
    Column("severity", String(10), nullable=False),
    Column("urgency", String(10), nullable=False),
    Column("unsure", Boolean, nullable=False),
    Column("cues", json_column(), nullable=False),
    Column("reasons", json_column(), nullable=False),
    Column("language", String(10), nullable=False),
    Column("team", String(60), nullable=False),
    Column("skills", json_column(), nullable=False),
    Column("handler", String(36)),
    Column("choice", json_column(), nullable=False),  # reasons and passed_over of the assignment
    Column("pack", String(63), nullable=False),
    Column("pack_version", String(30), nullable=False),
    Column("model", String(30), nullable=False),
    Column("decided_by", String(100), nullable=False),
    Column("decided_at", UTCDateTime, nullable=False),
)
Index("ix_decisions_open", DECISIONS.c.state, DECISIONS.c.number,
      sqlite_where=text("state IN ('triage', 'waiting')"), postgresql_where=text("state IN ('triage', 'waiting')"))  # fmt: skip
HANDLERS = Table(
    "handlers",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("team", String(60)),
    Column("skills", json_column()),
    Column("languages", json_column()),
    Column("present", Boolean, nullable=False),
    Column("load", Integer, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("last_assigned_at", UTCDateTime),
)
Index("ix_handlers_unit", HANDLERS.c.unit)


async def decision(tx: Tx, complaint: str) -> AnyRow | None:
    return await tx.row(select(DECISIONS).where(DECISIONS.c.complaint == complaint))


async def complaint_of(tx: Tx, number: str) -> str | None:
    """The complaint's id, by its number."""
    row = await tx.row(select(DECISIONS.c.complaint).where(DECISIONS.c.number == number))
    return str(row.complaint) if row else None


async def add_decision(tx: Tx, row: Mapping[str, object]) -> None:
    await tx.execute(insert(DECISIONS), row)


async def change_decision(tx: Tx, complaint: str, **values: object) -> None:
    await tx.execute(update(DECISIONS).where(DECISIONS.c.complaint == complaint).values(**values))


def understanding_columns(understood: Understanding) -> dict[str, object]:
    """How an understanding is kept."""
    return {
        "kind": understood.kind,
        "categories": [asdict(one) for one in understood.categories],
        "severity": understood.severity,
        "urgency": understood.urgency,
        "unsure": understood.unsure,
        "cues": [asdict(one) for one in understood.cues],
        "reasons": [asdict(one) for one in (*understood.unsure_because, *understood.reasons)],
        "team": understood.team,
        "skills": sorted(understood.skills),
        "language": understood.language,
    }


def choice_column(choice: Choice | Nobody) -> dict[str, object]:
    """How the reasons of an assignment are kept."""
    reasons: Sequence[Reason] = choice.reasons if isinstance(choice, Choice) else (choice.reason,)
    return {
        "reasons": [asdict(one) for one in reasons],
        "passed_over": [
            {"handler": one.handler, **asdict(one.reason)} for one in choice.passed_over
        ],
    }


async def know_handlers(
    tx: Tx, accounts: Iterable[tuple[str, str, tuple[str, ...]]], *, capacity: int
) -> None:
    """Make sure that each (account, unit, languages) has a row; who was known keeps what staff data said."""
    rows = [
        {"id": id_, "unit": unit, "team": None, "skills": None, "languages": list(languages), "present": True,
         "load": 0, "capacity": capacity, "last_assigned_at": None}
        for id_, unit, languages in accounts
    ]  # fmt: skip
    if rows:
        await tx.execute(tx.upsert(HANDLERS).on_conflict_do_nothing(), rows)


async def handlers(tx: Tx, ids: Iterable[str]) -> list[HandlerSnapshot]:
    """The handlers as they are now."""
    query = select(HANDLERS).where(HANDLERS.c.id.in_(sorted(ids))).order_by(HANDLERS.c.id)
    return [
        HandlerSnapshot(
            id=row.id,
            unit=row.unit,
            team=row.team,
            skills=None if row.skills is None else frozenset(row.skills),
            languages=None if row.languages is None else frozenset(row.languages),
            is_present=row.present,
            load=row.load,
            capacity=row.capacity,
            last_assigned_at=row.last_assigned_at,
        )
        for row in await tx.rows(query)
    ]


async def take_load(tx: Tx, handler: str, *, seen: int) -> bool:
    """Add one to a handler's load if it is still as seen; False when another replica was quicker."""
    statement = (
        update(HANDLERS)
        .where(
            HANDLERS.c.id == handler,
            HANDLERS.c.load == seen,
            HANDLERS.c.load < HANDLERS.c.capacity,
            HANDLERS.c.present.is_(True),
        )
        .values(load=HANDLERS.c.load + 1, last_assigned_at=tx.now)
    )
    return (await tx.execute(statement)).rowcount == 1


async def give_load_back(tx: Tx, handler: str) -> None:
    """The handler has one case less."""
    await tx.execute(
        update(HANDLERS)
        .where(HANDLERS.c.id == handler, HANDLERS.c.load > 0)
        .values(load=HANDLERS.c.load - 1)
    )


async def set_presence(tx: Tx, handler: str, *, present: bool) -> None:
    await tx.execute(update(HANDLERS).where(HANDLERS.c.id == handler).values(present=present))


async def waiting(tx: Tx, *, limit: int) -> Sequence[str]:
    """Complaints that wait for somebody who can take them, the oldest first."""
    query = (
        select(DECISIONS.c.complaint)
        .where(DECISIONS.c.state == "waiting")
        .order_by(DECISIONS.c.decided_at)
        .limit(limit)
    )
    return [row.complaint for row in await tx.rows(query)]


async def one_decision(
    connection: AsyncConnection, *, number: str, units: frozenset[str]
) -> AnyRow | None:
    query = select(DECISIONS).where(
        DECISIONS.c.number == number, DECISIONS.c.unit.in_(sorted(units))
    )
    return (await connection.execute(query)).one_or_none()


async def decisions(
    connection: AsyncConnection,
    *,
    units: frozenset[str],
    state: str | None,
    after: str | None,
    limit: int,
) -> Sequence[AnyRow]:
    query = (
        select(DECISIONS)
        .where(DECISIONS.c.unit.in_(sorted(units)))
        .order_by(DECISIONS.c.number)
        .limit(limit)
    )
    if state is not None:
        query = query.where(DECISIONS.c.state == state)
    if after is not None:
        query = query.where(DECISIONS.c.number > after)
    return (await connection.execute(query)).all()


async def roster(
    connection: AsyncConnection, *, units: frozenset[str], after: str | None, limit: int
) -> Sequence[Any]:
    query = (
        select(HANDLERS)
        .where(HANDLERS.c.unit.in_(sorted(units)))
        .order_by(HANDLERS.c.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(HANDLERS.c.id > after)
    return (await connection.execute(query)).all()
