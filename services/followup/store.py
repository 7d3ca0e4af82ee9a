"""Followup's tables and queries. Facts are only ever added; the row of a case is what they fold into."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final, TypeVar

import orjson
from pydantic import TypeAdapter
from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    bindparam,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.followup.model import ClockFact, Fact, What
from shared.contracts.followup import CaseBody, CaseChanged
from shared.store.tables import NAMING, BigId, frame_tables
from shared.store.transaction import AnyRow, Tx
from shared.store.types import UTCDateTime, json_column

METADATA = MetaData(naming_convention=NAMING)
FRAME = frame_tables(METADATA)

CASES = Table(
    "cases",
    METADATA,
    Column("complaint", String(200), primary_key=True),
    Column("number", String(20), nullable=False, unique=True),
    Column("unit", String(63), nullable=False),
    Column("code_sha256", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("handler", String(100)),
    Column("team", String(64)),
    Column("callback_due_at", UTCDateTime),
    Column("body", json_column(), nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
)
Index("ix_cases_unit", CASES.c.unit, CASES.c.complaint)
Index("ix_cases_handler", CASES.c.handler, CASES.c.complaint)
FACTS = Table(
    "facts",
    METADATA,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("complaint", String(200), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("name", String(30), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("by", String(100), nullable=False),
    Column("order", Integer, nullable=False),
    Column("body", json_column(), nullable=False),
    Column("recorded_at", UTCDateTime, nullable=False),
    comment="What happened to each case; the case is their fold.",
)
Index("ix_facts_complaint", FACTS.c.complaint, FACTS.c.id)
CLOCK_FACTS = Table(
    "clock_facts",
    METADATA,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("complaint", String(200), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("clock", String(64), nullable=False),
    Column("fact", String(10), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("episode", Integer, nullable=False),
    Column("basis", Integer, nullable=False),
    Column("since", UTCDateTime),
    Column("started_at", UTCDateTime),
    Column("due_at", UTCDateTime),
    Column("statutory_due_at", UTCDateTime),
    Column("term", String(10), nullable=False),
    Column("calendar", String(64), nullable=False),
    Column("rule", String(400), nullable=False),
    Column("fraction", Float),
    Column("recorded_at", UTCDateTime, nullable=False),
    comment="What happened to each clock of each case; never an elapsed number.",
)
Index("ix_clock_facts_complaint", CLOCK_FACTS.c.complaint, CLOCK_FACTS.c.id)

WHAT: Final[TypeAdapter[What]] = TypeAdapter(What)
F = TypeVar("F")
CLOCK_COLUMNS: Final = tuple(field.name for field in fields(ClockFact))


@dataclass(frozen=True, slots=True)
class Kept:
    """A case as it is kept: its facts, its clocks' facts, and the row they fold into (None before it is open)."""

    complaint: str
    unit: str
    facts: tuple[Fact, ...]
    clock_facts: tuple[ClockFact, ...]
    body: CaseBody | None


class Cases:
    """The cases that a unit works on: read at once, changed here, written at once."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.new_facts: list[Mapping[str, object]] = []
        self.new_clock_facts: list[Mapping[str, object]] = []
        self.opened: dict[str, Mapping[str, Any]] = {}
        self.changed: dict[str, Mapping[str, Any]] = {}
        """Rows with the case's body as it is in memory: only the last one of a unit is made JSON."""

    async def read(self, tx: Tx, complaints: Collection[str]) -> None:
        """Read what is known about these, unless it was read before."""
        wanted = set(complaints) - self.kept.keys()
        cases = {
            row.complaint: row for row in await tx.rows_among(_CASE, CASES.c.complaint, wanted)
        }
        facts = _by_complaint(await tx.rows_among(_FACTS, FACTS.c.complaint, wanted), _fact)
        clocks: Mapping[str, list[ClockFact]] = {}
        if cases:
            rows = await tx.rows_among(_CLOCK_FACTS, CLOCK_FACTS.c.complaint, cases)
            clocks = _by_complaint(rows, _clock_fact)
        for complaint in wanted:
            row = cases.get(complaint)
            self.kept[complaint] = Kept(
                complaint,
                row.unit if row else "",
                tuple(facts.get(complaint, ())),
                tuple(clocks.get(complaint, ())),
                CaseChanged.model_validate(row.body) if row else None,
            )

    async def write(self, tx: Tx) -> None:
        """Write everything new, table by table."""
        for table, rows in (
            (FACTS, self.new_facts),
            (CLOCK_FACTS, self.new_clock_facts),
            (CASES, [*map(_as_json, self.opened.values())]),
        ):
            await tx.add(table, rows)
        if self.changed:
            await tx.execute(_CHANGE, [*map(_as_json, self.changed.values())])


_CASE: Final = select(CASES.c.complaint, CASES.c.unit, CASES.c.body)
_FACTS: Final = select(
    FACTS.c.complaint, FACTS.c.recorded_at, FACTS.c.body, FACTS.c.at, FACTS.c.by, FACTS.c.cycle, FACTS.c.order
).order_by(FACTS.c.id)  # fmt: skip
_CLOCK_FACTS: Final = select(
    CLOCK_FACTS.c.complaint, CLOCK_FACTS.c.recorded_at, *(CLOCK_FACTS.c[name] for name in CLOCK_COLUMNS)
).order_by(CLOCK_FACTS.c.id)  # fmt: skip
"""Whose it is and when it was recorded, then the fact."""
_SHOWN: Final = ("version", "state", "handler", "team", "callback_due_at", "body", "changed_at")
_CHANGE: Final = (
    update(CASES)
    .where(CASES.c.complaint == bindparam("of_complaint"))
    .values({name: bindparam(name) for name in _SHOWN})
)


def _as_json(row: Mapping[str, Any]) -> Mapping[str, object]:
    return {**row, "body": orjson.Fragment(row["body"].model_dump_json())}


def _by_complaint(rows: Iterable[AnyRow], read: Callable[[AnyRow], F]) -> dict[str, list[F]]:
    found: dict[str, list[F]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(read(row))
    return found


async def remember(tx: Tx, complaints: Collection[str]) -> None:
    """Read many cases at once, for `load` to find. Lock them first."""
    await tx.memory(Cases).read(tx, complaints)


async def load(tx: Tx, complaint: str, *, unit: str) -> Kept:
    """All that is known about a complaint. Lock it first. `unit` is what it belongs to if nothing is known yet."""
    cases = tx.memory(Cases)
    if complaint not in cases.kept:
        await cases.read(tx, [complaint])
    kept = cases.kept[complaint]
    return kept if kept.unit else replace(kept, unit=unit)


def add_facts(tx: Tx, kept: Kept, facts: Sequence[Fact]) -> None:
    """Add facts, in this order."""
    cases = tx.memory(Cases)
    cases.new_facts += [
        {
            "complaint": kept.complaint,
            "unit": kept.unit,
            "name": fact.what.name,
            "cycle": fact.cycle,
            "at": fact.at,
            "by": fact.by,
            "order": fact.order,
            "body": orjson.Fragment(WHAT.dump_json(fact.what)),
            "recorded_at": tx.now,
        }
        for fact in facts
    ]
    known = cases.kept[kept.complaint]
    cases.kept[kept.complaint] = replace(known, facts=(*known.facts, *facts))


def add_clock_facts(tx: Tx, kept: Kept, facts: Sequence[ClockFact]) -> None:
    """Add facts of clocks, in this order."""
    cases = tx.memory(Cases)
    place = {"complaint": kept.complaint, "unit": kept.unit, "recorded_at": tx.now}
    cases.new_clock_facts += [
        {name: getattr(fact, name) for name in CLOCK_COLUMNS} | place for fact in facts
    ]
    known = cases.kept[kept.complaint]
    cases.kept[kept.complaint] = replace(known, clock_facts=(*known.clock_facts, *facts))


def put_case(
    tx: Tx, kept: Kept, body: CaseBody, *, code_sha256: str, callback_due_at: datetime | None
) -> None:
    """Keep the row that the facts fold into now."""
    cases = tx.memory(Cases)
    shown: dict[str, object] = {
        "version": body.version,
        "state": body.state,
        "handler": body.owner.handler,
        "team": body.owner.team,
        "callback_due_at": callback_due_at,
        "body": body,
        "changed_at": tx.now,
    }
    complaint = kept.complaint
    if kept.body is None or complaint in cases.opened:
        key = {"complaint": complaint, "number": body.number, "unit": kept.unit}
        cases.opened[complaint] = key | {"code_sha256": code_sha256} | shown
    else:
        cases.changed[complaint] = {"of_complaint": complaint} | shown
    known = cases.kept[complaint]
    cases.kept[complaint] = replace(known, unit=kept.unit, body=body)


async def place_of(tx: Tx, number: str) -> tuple[str, str] | None:
    """The complaint and unit of a number, or None."""
    row = await tx.row(select(CASES.c.complaint, CASES.c.unit).where(CASES.c.number == number))
    return (row.complaint, row.unit) if row else None


async def find(connection: AsyncConnection, number: str) -> Row[Any] | None:
    """The row of a number, whatever its unit."""
    return (await connection.execute(select(CASES).where(CASES.c.number == number))).one_or_none()


def cases_query(
    units: Iterable[str], *, filters: Mapping[str, str | None], before: str | None, limit: int
) -> Select[Any]:
    """A page of the cases of some units, newest first; `filters` by column."""
    query = select(CASES).where(CASES.c.unit.in_(sorted(units)))
    for column, value in filters.items():
        if value is not None:
            query = query.where(CASES.c[column] == value)
    if before is not None:
        query = query.where(CASES.c.complaint < before)
    return query.order_by(CASES.c.complaint.desc()).limit(limit)


async def fetch(connection: AsyncConnection, query: Select[Any]) -> Sequence[Row[Any]]:
    """The rows of a list."""
    rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
    return rows


async def facts_of(connection: AsyncConnection, complaint: str) -> Sequence[tuple[Fact, datetime]]:
    """The facts of a case with when each was recorded, in that order."""
    query = _FACTS.where(FACTS.c.complaint == complaint)
    rows = (await connection.execute(query)).all()
    return [(_fact(row), row.recorded_at) for row in rows]


async def clock_facts_of(
    connection: AsyncConnection, complaint: str
) -> Sequence[tuple[ClockFact, datetime]]:
    """The facts of a case's clocks with when each was recorded, in that order."""
    query = _CLOCK_FACTS.where(CLOCK_FACTS.c.complaint == complaint)
    rows = (await connection.execute(query)).all()
    return [(_clock_fact(row), row.recorded_at) for row in rows]


def _fact(row: AnyRow) -> Fact:
    _, _, body, *rest = row
    return Fact(WHAT.validate_python(body), *rest)


def _clock_fact(row: AnyRow) -> ClockFact:
    return ClockFact(*row[2:])
