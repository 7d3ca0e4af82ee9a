"""What routing heard of each complaint and of its end, to be replayed; and the signs that recent complaints share."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.model import MOST_COMPLAINTS, IncidentCandidate, Seen, Sign
from services.routing.store import DECISIONS, HANDLERS, METADATA
from services.routing.store.columns import columns_of
from shared.store.lists import UpsertInsert, only
from shared.store.transaction import AnyRow, Tx
from shared.store.types import UTCDateTime, json_column

WEEK: Final = timedelta(days=7)
NEVER: Final = Seen(0, ())

HEARD = Table(
    "heard",
    METADATA,
    Column("complaint", String(36), primary_key=True),
    Column("channel", String(20), nullable=False),
    Column("subject", Text),  # masked
    Column("fields", json_column(), nullable=False),  # what understanding takes beside the text
    Column("received_at", UTCDateTime, nullable=False),
    Column("closed_at", UTCDateTime),
    Column("met", json_column()),  # clock → when it was met, once the case is closed
    Column("candidates", json_column()),
)
Index("ix_heard_received_at", HEARD.c.received_at)
SIGNS = Table(
    "signs",
    METADATA,
    Column("week", Integer, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("times", Integer, nullable=False),
    Column(
        "complaints", String(200), nullable=False
    ),  # the numbers of the last of them, with blanks between
)
_SEEN: Final = select(SIGNS).where(SIGNS.c.week.in_([bindparam("last"), bindparam("this")]))
_CLOSE: Final = (
    update(HEARD)
    .where(HEARD.c.complaint == bindparam("of_complaint"))
    .values(closed_at=bindparam("at"), met=bindparam("clocks"))
)


Find = Callable[[Sequence[Sign], Mapping[int, Seen]], Sequence[IncidentCandidate]]
"""Decides which of the signs seen before make candidates."""


class Heard:
    """What a unit of work heard: looked up and written at once, however many complaints it is about."""

    def __init__(self) -> None:
        self.find: Find = lambda _signs, _seen: ()
        self.rows: list[dict[str, Any]] = []
        self.signs: list[tuple[str, Sequence[Sign]]] = []
        self.closed: list[dict[str, Any]] = []

    async def write(self, tx: Tx) -> None:
        """Find each complaint's candidates among those before it, and keep all."""
        week = _week(tx.now)
        numbers = {sign.number for _, signs in self.signs for sign in signs}
        seen = await _seen(tx, week, sorted(numbers))
        added: dict[int, list[str]] = {}
        for row, (number, signs) in zip(self.rows, self.signs, strict=True):
            found = self.find(signs, seen)
            row["candidates"] = [columns_of(one) for one in found] or None
            for sign in signs:
                seen[sign.number] = seen.get(sign.number, NEVER).with_one_more(number)
                added.setdefault(sign.number, []).append(number)
        await tx.add(HEARD, self.rows)
        await _keep(tx, week, added, seen)
        if self.closed:
            await tx.execute(_CLOSE, self.closed)


def keep(tx: Tx, row: Mapping[str, Any], *, number: str, signs: Sequence[Sign], find: Find) -> None:
    """Keep what was heard of a complaint: a row of `heard` but its candidates, which are found at the unit's end."""
    heard = tx.memory(Heard)
    heard.find = find
    heard.rows.append(dict(row) | {"closed_at": None, "met": None, "candidates": None})
    heard.signs.append((number, signs))


def close(tx: Tx, complaint: str, *, at: datetime | None, met: Mapping[str, str]) -> None:
    """Keep when a case was closed, and when its clocks were met."""
    tx.memory(Heard).closed.append({"of_complaint": complaint, "at": at, "clocks": dict(met)})


def _week(now: datetime) -> int:
    return int(now.timestamp() // WEEK.total_seconds())


async def _seen(tx: Tx, week: int, numbers: Sequence[int]) -> dict[int, Seen]:
    """The signs as this week and the one before showed them."""
    found: dict[int, Seen] = {}
    if not numbers:
        return found
    query = only(_SEEN, SIGNS.c.number, tx.connection.dialect.name)
    for row in await tx.rows(query, {"values": numbers, "last": week - 1, "this": week}):
        there = found.get(row.number, NEVER)
        lists = (row.complaints.split(), there.complaints)
        before, after = lists if row.week < week else lists[::-1]
        last = tuple(dict.fromkeys((*before, *after)))[-MOST_COMPLAINTS:]
        found[row.number] = Seen(there.count + row.times, last)
    return found


async def _keep(
    tx: Tx, week: int, added: Mapping[int, Sequence[str]], seen: Mapping[int, Seen]
) -> None:
    rows = [
        {"week": week, "number": number, "times": len(added[number]), "complaints": " ".join(seen[number].complaints)}
        for number in sorted(added)
    ]  # fmt: skip
    await tx.add(SIGNS, rows, _so_many_more)


def _so_many_more(new: UpsertInsert) -> UpsertInsert:
    # The count is exact whoever else counts; of the complaints the last writer's are named, which is enough to look.
    changed = {
        "times": SIGNS.c.times + new.excluded.times,
        "complaints": new.excluded.complaints,
    }
    return new.on_conflict_do_update(index_elements=["week", "number"], set_=changed)


async def forget_signs(tx: Tx) -> None:
    """Forget what older weeks showed."""
    await tx.execute(delete(SIGNS).where(SIGNS.c.week < _week(tx.now) - 1))


async def candidates(connection: AsyncConnection, complaint: str) -> list[dict[str, Any]]:
    """The candidates that were found for a complaint."""
    query = select(HEARD.c.candidates).where(HEARD.c.complaint == complaint)
    return (await connection.execute(query)).scalar() or []


async def logged_count(connection: AsyncConnection, units: Iterable[str], since: datetime) -> int:
    """How many complaints of these units are there to be replayed."""
    query = (
        select(func.count())
        .select_from(HEARD)
        .join(DECISIONS, DECISIONS.c.complaint == HEARD.c.complaint)
        .where(HEARD.c.received_at >= since, DECISIONS.c.unit.in_(sorted(units)))
    )
    return int((await connection.execute(query)).scalar_one())


async def logged(
    connection: AsyncConnection,
    units: Iterable[str],
    *,
    after: tuple[datetime, str],
    limit: int,
) -> Sequence[AnyRow]:
    """Complaints of these units with how they were decided, in the order in which they were received."""
    at, complaint = after
    query = (
        select(DECISIONS, *(one for one in HEARD.c if one.name != "complaint"))
        .join(HEARD, DECISIONS.c.complaint == HEARD.c.complaint)
        .where(DECISIONS.c.unit.in_(sorted(units)))
        .where(
            (HEARD.c.received_at > at)
            | ((HEARD.c.received_at == at) & (HEARD.c.complaint > complaint))
        )
        .order_by(HEARD.c.received_at, HEARD.c.complaint)
        .limit(limit)
    )
    return (await connection.execute(query)).all()


async def handlers_of(connection: AsyncConnection, units: Iterable[str]) -> Sequence[AnyRow]:
    """The handlers of these units."""
    query = select(HANDLERS).where(HANDLERS.c.unit.in_(sorted(units))).order_by(HANDLERS.c.id)
    return (await connection.execute(query)).all()
