"""Routing's tables and queries."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    case,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.model import (
    Candidate,
    Choice,
    CueHit,
    HandlerSnapshot,
    Nobody,
    Reason,
    Understanding,
)
from shared.store.tables import NAMING, frame_tables
from shared.store.transaction import AnyRow, Tx
from shared.store.types import UTCDateTime, json_column

METADATA = MetaData(naming_convention=NAMING)
FRAME = frame_tables(METADATA)
LOOK_AGAIN: Final = "look_again"

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
    Column("text", Text),  # masked; what a correction teaches about
    Column("scope", String(64)),
    Column("emotion", String(64)),
    Column("wants", json_column()),
    Column("team", String(60), nullable=False),
    Column("skills", json_column(), nullable=False),
    Column("handler", String(36)),
    Column("choice", json_column(), nullable=False),  # reasons and passed_over of the assignment
    Column("pack", String(63), nullable=False),
    Column("pack_version", String(30), nullable=False),
    Column("model", String(80), nullable=False),
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
LESSONS = Table(
    "lessons",
    METADATA,
    Column("complaint", String(36), primary_key=True),
    Column("pack", String(63), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("text", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("category", String(64), nullable=False),
    Column("severity", String(10), nullable=False),
    Column("aside", Boolean, nullable=False),  # never learnt from: new models are measured on it
    Column("corrected_at", UTCDateTime, nullable=False),
)
Index("ix_lessons_pack", LESSONS.c.pack)
MODELS = Table(
    "models",
    METADATA,
    Column("pack", String(63), primary_key=True),
    Column("pack_version", String(30), primary_key=True),
    Column("name", String(80), primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("corrections", Integer, nullable=False),
    Column("measured", json_column(), nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
)
MODELS_IN_FORCE = Table(
    "models_in_force",
    METADATA,
    Column("pack", String(63), primary_key=True),
    Column("pack_version", String(30), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("by", String(100), nullable=False),
    Column("since", UTCDateTime, nullable=False),
)


Decision = Mapping[str, Any]
"""A row of `decisions`, by column."""


class Board:
    """The decisions and handlers that a unit works on: read at once, changed here, written at once."""

    def __init__(self) -> None:
        self.decisions: dict[str, Decision | None] = {}
        self.handlers: dict[str, HandlerSnapshot] = {}
        self.added: dict[str, Decision] = {}
        self.changed: dict[str, Decision] = {}
        self.moved: set[str] = set()
        self.given_back: Counter[str] = Counter()
        self.turns = 0

    async def read(self, tx: Tx, complaints: Collection[str]) -> None:
        """Read the decisions on these, unless they were read before."""
        wanted = set(complaints) - self.decisions.keys()
        self.decisions.update(dict.fromkeys(wanted))
        for row in await tx.rows_among(_DECISION, DECISIONS.c.complaint, wanted):
            self.decisions[row.complaint] = dict(row._mapping)

    async def read_handlers(self, tx: Tx, ids: Collection[str]) -> None:
        """Read handlers, and hold them until the commit: nobody else gives out work by the same figures."""
        for row in await tx.rows_among(_HELD_HANDLER, HANDLERS.c.id, ids):
            self.handlers[row.id] = _snapshot(row)
            if less := self.given_back.pop(row.id, 0):
                self.take_back(row.id, less)

    def change(self, one: HandlerSnapshot) -> None:
        """A handler is like this now."""
        self.handlers[one.id] = one
        self.moved.add(one.id)

    def take_back(self, id_: str, less: int) -> None:
        """A handler has so many cases less, whether they were read or not."""
        one = self.handlers.get(id_)
        if one is None:
            self.given_back[id_] += less
        else:
            self.change(replace(one, load=max(0, one.load - less)))

    async def write(self, tx: Tx) -> None:
        """Write everything new; then those who wait longest have a turn."""
        await tx.add(DECISIONS, [*self.added.values()])
        if self.changed:
            rows = [{**row, "of_complaint": id_} for id_, row in sorted(self.changed.items())]
            await tx.execute(_CHANGE_DECISION, rows)
        if self.moved:
            moved = [self.handlers[id_] for id_ in sorted(self.moved)]
            await tx.execute(_MOVE_HANDLER, [_moved(one) for one in moved])
        if self.given_back:
            rows = [{"of_id": id_, "less": less} for id_, less in sorted(self.given_back.items())]
            await tx.execute(_GIVE_BACK, rows)
        if self.turns:
            for complaint in await waiting(tx, limit=self.turns):
                tx.arm(LOOK_AGAIN, subject=complaint, due_at=tx.now)


_DECISION: Final = select(DECISIONS)
_HELD_HANDLER: Final = select(HANDLERS).order_by(HANDLERS.c.id).with_for_update()
_CHANGE_DECISION: Final = (
    update(DECISIONS)
    .where(DECISIONS.c.complaint == bindparam("of_complaint"))
    .values({one.name: bindparam(one.name) for one in DECISIONS.c if not one.primary_key})
)
_MOVE_HANDLER: Final = (
    update(HANDLERS)
    .where(HANDLERS.c.id == bindparam("of_id"))
    .values({name: bindparam(name) for name in ("load", "present", "last_assigned_at")})
)
_GIVE_BACK: Final = (
    update(HANDLERS)
    .where(HANDLERS.c.id == bindparam("of_id"))
    .values(
        load=case(
            (HANDLERS.c.load > bindparam("less"), HANDLERS.c.load - bindparam("less")), else_=0
        )
    )
)


def _moved(one: HandlerSnapshot) -> Mapping[str, object]:
    return {
        "of_id": one.id,
        "load": one.load,
        "present": one.is_present,
        "last_assigned_at": one.last_assigned_at,
    }


async def remember(tx: Tx, complaints: Collection[str]) -> None:
    """Read many decisions at once, for `decision` to find."""
    await tx.memory(Board).read(tx, complaints)


async def decision(tx: Tx, complaint: str) -> Decision | None:
    """What was decided on a complaint. Lock it first."""
    board = tx.memory(Board)
    if complaint not in board.decisions:
        await board.read(tx, [complaint])
    return board.decisions[complaint]


async def complaint_of(tx: Tx, number: str) -> str | None:
    """The complaint's id, by its number."""
    row = await tx.row(select(DECISIONS.c.complaint).where(DECISIONS.c.number == number))
    return str(row.complaint) if row else None


def add_decision(tx: Tx, row: Decision) -> None:
    """Keep a first decision."""
    board = tx.memory(Board)
    board.decisions[row["complaint"]] = board.added[row["complaint"]] = row


def change_decision(tx: Tx, complaint: str, **values: object) -> None:
    """Change a decision that was read, or added, in this unit."""
    board = tx.memory(Board)
    row = dict(board.decisions[complaint] or {}) | values
    board.decisions[complaint] = row
    (board.added if complaint in board.added else board.changed)[complaint] = row


def understanding_columns(understood: Understanding) -> dict[str, object]:
    """How an understanding is kept."""
    return {
        "kind": understood.kind,
        "categories": [*map(_with_evidence, understood.categories)],
        "severity": understood.severity,
        "urgency": understood.urgency,
        "unsure": understood.unsure,
        "cues": [*map(_with_evidence, understood.cues)],
        "reasons": [*map(_columns, (*understood.unsure_because, *understood.reasons))],
        "team": understood.team,
        "skills": sorted(understood.skills),
        "language": understood.language,
        "scope": understood.manner.scope,
        "emotion": understood.manner.emotion,
        "wants": list(understood.manner.wants),
        "model": understood.model,
    }


def choice_column(choice: Choice | Nobody) -> dict[str, object]:
    """How the reasons of an assignment are kept."""
    reasons: Sequence[Reason] = choice.reasons if isinstance(choice, Choice) else (choice.reason,)
    return {
        "reasons": [*map(_columns, reasons)],
        "passed_over": [
            {"handler": one.handler, **_columns(one.reason)} for one in choice.passed_over
        ],
    }


def _columns(value: Any) -> dict[str, Any]:  # noqa: ANN401 - a value of the model
    """A value's fields, as they are: `asdict` copies all that is in them, which costs ten times as much."""
    return {name: getattr(value, name) for name in value.__slots__}


def _with_evidence(value: Candidate | CueHit) -> dict[str, Any]:
    return _columns(value) | {"evidence": [*map(_columns, value.evidence)]}


async def know_handlers(
    tx: Tx, accounts: Mapping[str, tuple[str, tuple[str, ...]]], *, capacity: int
) -> None:
    """Have a row for each account (with its unit and languages); who was known keeps what staff data said."""
    board = tx.memory(Board)
    if accounts.keys() <= board.handlers.keys():
        return
    await board.read_handlers(tx, accounts.keys())
    rows: list[dict[str, Any]] = [
        {"id": id_, "unit": unit, "team": None, "skills": None, "languages": list(languages), "present": True,
         "load": 0, "capacity": capacity, "last_assigned_at": None}
        for id_, (unit, languages) in sorted(accounts.items())
        if id_ not in board.handlers
    ]  # fmt: skip
    if rows:
        await tx.execute(tx.upsert(HANDLERS).on_conflict_do_nothing(), rows)
        await board.read_handlers(tx, [row["id"] for row in rows])


def handlers(tx: Tx, ids: Iterable[str]) -> list[HandlerSnapshot]:
    """The handlers as they are now, of those who are known."""
    known = tx.memory(Board).handlers
    return [known[id_] for id_ in sorted(ids)]


def take_load(tx: Tx, handler: str) -> bool:
    """Add one to a known handler's load; False when they are absent or full."""
    board = tx.memory(Board)
    one = board.handlers[handler]
    if one.load >= one.capacity or not one.is_present:
        return False
    board.change(replace(one, load=one.load + 1, last_assigned_at=tx.now))
    return True


def give_load_back(tx: Tx, handler: str) -> None:
    """The handler has one case less."""
    tx.memory(Board).take_back(handler, 1)


async def set_presence(tx: Tx, handler: str, *, present: bool) -> None:
    """A handler comes or goes."""
    board = tx.memory(Board)
    if handler not in board.handlers:
        await board.read_handlers(tx, [handler])
    if one := board.handlers.get(handler):
        board.change(replace(one, is_present=present))


def give_turn(tx: Tx) -> None:
    """Somebody has room: one more of those who wait is looked at again once this unit is done."""
    tx.memory(Board).turns += 1


def _snapshot(row: AnyRow) -> HandlerSnapshot:
    return HandlerSnapshot(
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
