"""Followup's queries. Facts are only ever added; the row of a case is what they fold into."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final, TypeVar

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.followup.model import ClockFact, Fact, What
from services.followup.model.chain import NO_HEAD, Head, clock_content, fact_content, next_head
from services.followup.store.tables import (
    CASES,
    CLOCK_FACTS,
    DAYS,
    FACTS,
    FRAME,
    METADATA,
    PROMISES,
    READS,
    TEXTS,
)
from shared.contracts.followup import CaseBody, CaseChanged
from shared.contracts.values import Promise
from shared.store.transaction import AnyRow, Tx

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
    head: Head = NO_HEAD
    """The last entry of its record."""


class Cases:
    """The cases that a unit works on: read at once, changed here, written at once."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.new_facts: list[Mapping[str, object]] = []
        self.new_texts: list[Mapping[str, object]] = []
        self.new_clock_facts: list[Mapping[str, object]] = []
        self.new_promises: dict[str, Mapping[str, object]] = {}
        self.changed_promises: dict[str, Mapping[str, object]] = {}
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
        early = await _heads(tx, facts.keys() - cases.keys())
        for complaint in wanted:
            row = cases.get(complaint)
            self.kept[complaint] = Kept(
                complaint,
                row.unit if row else "",
                tuple(facts.get(complaint, ())),
                tuple(clocks.get(complaint, ())),
                CaseChanged.model_validate(row.body) if row else None,
                Head(row.links or 0, row.seal or "") if row else early.get(complaint, NO_HEAD),
            )

    async def write(self, tx: Tx) -> None:
        """Write everything new, table by table."""
        for table, rows in (
            (FACTS, self.new_facts),
            (CLOCK_FACTS, self.new_clock_facts),
            (CASES, [*map(_as_json, self.opened.values())]),
            (PROMISES, [*self.new_promises.values()]),
            (TEXTS, self.new_texts),
        ):
            await tx.add(table, rows)
        await tx.change(PROMISES, [*self.changed_promises.values()])
        await tx.change(CASES, [*map(_as_json, self.changed.values())])


_CASE: Final = select(CASES.c.complaint, CASES.c.unit, CASES.c.body, CASES.c.links, CASES.c.seal)
_LINKS: Final = select(FACTS.c.complaint, FACTS.c.link, FACTS.c.seal).order_by(FACTS.c.id)
_FACTS: Final = select(
    FACTS.c.complaint, FACTS.c.recorded_at, FACTS.c.body, FACTS.c.at, FACTS.c.by, FACTS.c.cycle, FACTS.c.order
).order_by(FACTS.c.id)  # fmt: skip
_CLOCK_FACTS: Final = select(
    CLOCK_FACTS.c.complaint, CLOCK_FACTS.c.recorded_at, *(CLOCK_FACTS.c[name] for name in CLOCK_COLUMNS)
).order_by(CLOCK_FACTS.c.id)  # fmt: skip
"""Whose it is and when it was recorded, then the fact."""


def _as_json(row: Mapping[str, Any]) -> Mapping[str, object]:
    return {**row, "body": orjson.Fragment(row["body"].model_dump_json())}


def _by_complaint(rows: Iterable[AnyRow], read: Callable[[AnyRow], F]) -> dict[str, list[F]]:
    found: dict[str, list[F]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(read(row))
    return found


async def _heads(tx: Tx, complaints: Collection[str]) -> Mapping[str, Head]:
    """The heads of what came before the receipt: no case has a row for them yet."""
    if not complaints:
        return {}
    rows = await tx.rows_among(_LINKS, FACTS.c.complaint, complaints)
    return {complaint: Head(link or 0, seal or "") for complaint, link, seal in rows}


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
    """Add facts, in this order: entries of the case's record."""
    cases = tx.memory(Cases)
    known = cases.kept[kept.complaint]
    head = known.head
    for fact in facts:
        row, head = fact_row(fact, written(fact.what), kept.complaint, kept.unit, head, now=tx.now)
        cases.new_facts.append(row)
    cases.kept[kept.complaint] = replace(known, facts=(*known.facts, *facts), head=head)


def written(what: What) -> str:
    """What a fact says, as its row keeps it and its seal covers it."""
    return canonical(WHAT.dump_python(what, mode="json"))


def fact_row(
    fact: Fact, body: str, complaint: str, unit: str, head: Head, *, now: datetime
) -> tuple[Mapping[str, object], Head]:
    """The row of one more fact of a case, which is written as `body`, sealed to the entry before; the head after it."""
    after = next_head(head, "fact", complaint, fact_content(fact, body, unit, now))
    row = {
        "complaint": complaint,
        "unit": unit,
        "name": fact.what.name,
        "cycle": fact.cycle,
        "at": fact.at,
        "by": fact.by,
        "order": fact.order,
        "body": orjson.Fragment(body),
        "recorded_at": now,
        "link": after.links,
        "seal": after.seal,
    }
    return row, after


def add_clock_facts(tx: Tx, kept: Kept, facts: Sequence[ClockFact]) -> None:
    """Add facts of clocks, in this order: entries of the case's record."""
    cases = tx.memory(Cases)
    known = cases.kept[kept.complaint]
    head = known.head
    for fact in facts:
        content = clock_content(fact, kept.unit, tx.now)
        head = next_head(head, "clock", kept.complaint, content)
        place = {"complaint": kept.complaint, "unit": kept.unit, "recorded_at": tx.now}
        entry = {"link": head.links, "seal": head.seal}
        row = {name: getattr(fact, name) for name in CLOCK_COLUMNS}
        cases.new_clock_facts.append(row | place | entry)
    cases.kept[kept.complaint] = replace(known, clock_facts=(*known.clock_facts, *facts), head=head)


def canonical(body: object) -> str:
    """JSON that is the same however a database keeps it."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()


def put_case(
    tx: Tx, kept: Kept, body: CaseBody, *, code_sha256: str, listed: Mapping[str, object]
) -> None:
    """Keep the row that the facts fold into now, with the head of its record."""
    cases = tx.memory(Cases)
    known = cases.kept[kept.complaint]
    shown: dict[str, object] = {
        "version": body.version,
        "state": body.state,
        "handler": body.owner.handler,
        "team": body.owner.team,
        **listed,
        "body": body,
        "changed_at": tx.now,
        "links": known.head.links,
        "seal": known.head.seal,
    }
    complaint = kept.complaint
    if kept.body is None or complaint in cases.opened:
        key = {"complaint": complaint, "number": body.number, "unit": kept.unit}
        cases.opened[complaint] = key | {"code_sha256": code_sha256} | shown
    else:
        cases.changed[complaint] = {"complaint": complaint} | shown
    cases.kept[complaint] = replace(known, unit=kept.unit, body=body)


def put_text(tx: Tx, complaint: str, said: str, marks: Iterable[str], *, unit: str) -> None:
    """Keep the words of a complaint for the indexer, once."""
    row = {"complaint": complaint, "unit": unit, "said": said, "marks": " ".join(marks)}
    tx.memory(Cases).new_texts.append(row | {"is_waiting": True})


def put_promise(
    tx: Tx, kept: Kept, promise: Promise, *, number: str, cycle: int, is_new: bool
) -> None:
    """Keep the row of a promise as it stands now."""
    cases = tx.memory(Cases)
    place = {"complaint": kept.complaint, "number": number, "unit": kept.unit, "cycle": cycle}
    if is_new or promise.id in cases.new_promises:
        cases.new_promises[promise.id] = dict(promise) | place
    else:
        cases.changed_promises[promise.id] = {
            "id": promise.id,
            "state": promise.state,
            "settled_at": promise.settled_at,
        }


async def place_of(tx: Tx, number: str) -> tuple[str, str] | None:
    """The complaint and unit of a number, or None."""
    row = await tx.row(select(CASES.c.complaint, CASES.c.unit).where(CASES.c.number == number))
    return (row.complaint, row.unit) if row else None


async def find(connection: AsyncConnection, number: str) -> Row[Any] | None:
    """The row of a number, whatever its unit."""
    return (await connection.execute(select(CASES).where(CASES.c.number == number))).one_or_none()


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


def clock_fact_of(row: AnyRow) -> ClockFact:
    """The fact of a clock in a whole row of the table."""
    return ClockFact(*(getattr(row, name) for name in CLOCK_COLUMNS))


def _fact(row: AnyRow) -> Fact:
    _, _, body, *rest = row
    return Fact(WHAT.validate_python(body), *rest)


def _clock_fact(row: AnyRow) -> ClockFact:
    return ClockFact(*row[2:])


__all__ = [
    "CASES",
    "CLOCK_FACTS",
    "DAYS",
    "FACTS",
    "FRAME",
    "METADATA",
    "PROMISES",
    "READS",
    "WHAT",
    "Kept",
    "add_clock_facts",
    "add_facts",
    "canonical",
    "clock_fact_of",
    "clock_facts_of",
    "fact_row",
    "facts_of",
    "fetch",
    "find",
    "load",
    "place_of",
    "put_case",
    "put_promise",
    "put_text",
    "remember",
    "written",
]
