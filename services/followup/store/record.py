"""The record of cases as a chain: its entries read back and sealed anew, reads added, days sealed."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import Select, Table, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.followup.model.chain import (
    NO_HEAD,
    Head,
    Kind,
    Read,
    clock_content,
    fact_content,
    next_head,
    read_content,
)
from services.followup.store import canonical, clock_fact_of
from services.followup.store.tables import CASES, CLOCK_FACTS, DAYS, FACTS, READS
from shared.store.transaction import AnyRow, Tx

if TYPE_CHECKING:
    from services.followup.model.chain import Sealed

ENTRIES: Final[Sequence[tuple[Kind, Table]]] = (
    ("fact", FACTS),
    ("clock", CLOCK_FACTS),
    ("read", READS),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a case's record: what it says it is, and the content that its seal covers."""

    kind: Kind
    what: str
    by: str
    at: datetime
    link: int | None
    seal: str | None
    content: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry of a case that is not as it was sealed, and what is wrong."""

    link: int
    what: str
    at: datetime | None
    why: str


async def entries_of(connection: AsyncConnection, complaint: str) -> list[Entry]:
    """The record of a case, in the order of its links; what has none comes first."""
    found: list[Entry] = []
    for kind, table in ENTRIES:
        query = select(table).where(table.c.complaint == complaint).order_by(table.c.id)
        rows = (await connection.execute(query)).all()
        found += [_entry(kind, row) for row in rows]
    return sorted(found, key=lambda one: one.link or 0)


def _entry(kind: Kind, row: AnyRow) -> Entry:
    if kind == "fact":
        # What is stored is sealed, not what today's code makes of it: a later version may know more fields.
        sealed = cast("Sealed", row)
        content = fact_content(sealed, canonical(row.body), row.unit, row.recorded_at)
        return Entry(kind, row.name, row.by, row.recorded_at, row.link, row.seal, content)
    if kind == "clock":
        clock = clock_fact_of(row)
        content = clock_content(clock, row.unit, row.recorded_at)
        what = f"{clock.clock} {clock.fact}"
        return Entry(kind, what, "followup", row.recorded_at, row.link, row.seal, content)
    content = read_content(Read(row.by, row.what, row.reason), row.unit, row.recorded_at)
    return Entry(kind, row.what, row.by, row.recorded_at, row.link, row.seal, content)


def first_broken(complaint: str, entries: Iterable[Entry], head: Head | None) -> Broken | None:
    """The first entry that does not follow from the one before; `head` is what the case's row says is the last."""
    at, has_begun = NO_HEAD, False
    for one in entries:
        if one.link is None:
            continue  # recorded before there were links
        has_begun = True
        wanted = next_head(at, one.kind, complaint, one.content)
        if one.link != wanted.links:
            return Broken(
                wanted.links, one.what, one.at, "an entry is missing, or stands there twice"
            )
        if one.seal != wanted.seal:
            return Broken(wanted.links, one.what, one.at, "the entry or its seal was altered")
        at = wanted
    if head is not None and has_begun and head != at:
        return Broken(at.links + 1, "the last entry", None, "entries are missing at the end")
    return None


async def add_read(tx: Tx, complaint: str, read: Read) -> None:
    """Add a read to the record of a locked case."""
    row = await tx.row(
        select(CASES.c.unit, CASES.c.links, CASES.c.seal).where(CASES.c.complaint == complaint)
    )
    if row is None:
        raise ValueError(f"there is no case {complaint}")
    content = read_content(read, row.unit, tx.now)
    head = next_head(Head(row.links or 0, row.seal or ""), "read", complaint, content)
    values = {
        "complaint": complaint, "unit": row.unit, "by": read.by, "what": read.what, "reason": read.reason,
        "recorded_at": tx.now, "link": head.links, "seal": head.seal,
    }  # fmt: skip
    await tx.add(READS, [values])
    change = update(CASES).where(CASES.c.complaint == complaint)
    await tx.execute(change.values(links=head.links, seal=head.seal))


def heads_query(units: Iterable[str], *, after: str | None, limit: int) -> Select[Any]:
    """A page of the cases of some units with the heads of their records."""
    query = select(CASES.c.complaint, CASES.c.number, CASES.c.links, CASES.c.seal)
    query = query.where(CASES.c.unit.in_(sorted(units)))
    if after is not None:
        query = query.where(CASES.c.complaint > after)
    return query.order_by(CASES.c.complaint).limit(limit)


@dataclass(frozen=True, slots=True)
class Marks:
    """Up to which row of each table of entries a day reaches."""

    fact: int = 0
    clock: int = 0
    read: int = 0


@dataclass(frozen=True, slots=True)
class DayHeads:
    """The last entry that a day left in each case's record, and up to which rows it reaches."""

    heads: dict[str, Head]
    marks: Marks


async def heads_of_day(
    connection: AsyncConnection, begin: datetime, end: datetime, after: Marks
) -> DayHeads:
    """The heads that entries of a day left. `after`: a mark below all of that day's rows."""
    heads: dict[str, Head] = {}
    reached = {"fact": after.fact, "clock": after.clock, "read": after.read}
    for kind, table in ENTRIES:
        async for id_, complaint, link, seal in _of_day(
            connection, table, begin, end, reached[kind]
        ):
            reached[kind] = id_
            if link is not None and link > heads.get(complaint, NO_HEAD).links:
                heads[complaint] = Head(link, seal or "")
    return DayHeads(heads, Marks(**reached))


async def _of_day(
    connection: AsyncConnection, table: Table, begin: datetime, end: datetime, after: int
) -> AsyncIterator[AnyRow]:
    columns = table.c.id, table.c.complaint, table.c.link, table.c.seal
    is_of_day = and_(table.c.id > after, table.c.recorded_at >= begin, table.c.recorded_at < end)
    query = select(*columns).where(is_of_day).order_by(table.c.id)
    async with connection.stream(query) as rows:
        async for row in rows:
            yield row


async def days(connection: AsyncConnection) -> Sequence[AnyRow]:
    """The sealed days, oldest first."""
    return (await connection.execute(select(DAYS).order_by(DAYS.c.day))).all()


async def last_days(connection: AsyncConnection, count: int) -> Sequence[AnyRow]:
    """The last sealed days, oldest first."""
    query = select(DAYS).order_by(DAYS.c.day.desc()).limit(count)
    return list(reversed((await connection.execute(query)).all()))


async def first_recorded(connection: AsyncConnection) -> datetime | None:
    """When the first fact was recorded."""
    first = select(func.min(FACTS.c.id)).scalar_subquery()
    found: datetime | None = (
        await connection.execute(select(FACTS.c.recorded_at).where(FACTS.c.id == first))
    ).scalar_one_or_none()
    return found


async def add_day(tx: Tx, *, day: str, cases: int, seal: str, marks: Marks) -> None:
    """Keep a day's seal, unless another replica did."""
    values = {
        "day": day, "cases": cases, "seal": seal, "after_fact": marks.fact, "after_clock_fact": marks.clock,
        "after_read": marks.read, "sealed_at": tx.now,
    }  # fmt: skip
    await tx.execute(tx.upsert(DAYS).values(**values).on_conflict_do_nothing())
