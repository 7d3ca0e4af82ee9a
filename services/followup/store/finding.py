"""Lists of cases: by what they are, by their words, by who is to be called. A page costs the same however many are.

A list over several units is one list a unit, each read in the order of an index and cut, and the lists joined: an index
that begins with the unit gives no order over many units.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    column,
    delete,
    func,
    literal_column,
    or_,
    select,
    table,
    text,
    tuple_,
    union_all,
    update,
)

from services.followup.model.words import Phrase, indexed, mark
from services.followup.store.tables import CASES, TEXTS
from shared.store.transaction import Tx

MOST_UNITS: Final = 100
"""Units whose lists are joined; of more, the whole table is read in order and others' rows passed over."""
INDEX: Final = table("texts_index", column("id"), column("words"))
"""Of SQLite an FTS5 table whose rowid is the text's id; of PostgreSQL a tsvector with a GIN index."""
SQLITE: Final = "sqlite"
ENDED: Final = frozenset({"closed", "withdrawn"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What cases are looked for; None and empty mean any. `due_before`: the earliest open deadline is before that."""

    state: str | None = None
    handler: str | None = None
    team: str | None = None
    category: str | None = None
    severity: str | None = None
    area: str | None = None
    is_open: bool | None = None
    due_before: datetime | None = None


def _conditions(wish: Wish) -> list[ColumnElement[bool]]:
    found = [
        CASES.c[name] == value
        for name in ("state", "handler", "team", "category", "severity")
        if (value := getattr(wish, name)) is not None
    ]
    if wish.area is not None:
        found.append(CASES.c.area.startswith(wish.area, autoescape=True))
    is_open = wish.is_open
    if is_open is None and wish.state is not None and wish.state not in ENDED:
        is_open = True  # lets the index of open cases find them: they are few
    if is_open is not None:
        found.append(CASES.c.is_open.is_(is_open))
    return found


def newest_first(
    units: Iterable[str], wish: Wish, *, before: str | None, limit: int
) -> Select[Any]:
    """A page of cases, the newest first."""
    where = _conditions(wish)
    if before is not None:
        where.append(CASES.c.complaint < before)
    return _joined(units, where, lambda cases: [cases.c.complaint.desc()], limit)


def at_risk_first(
    units: Iterable[str], wish: Wish, *, after: tuple[datetime, str] | None, limit: int
) -> Select[Any]:
    """A page of cases with an open deadline before `due_before`, the earliest deadline first."""
    where = [
        *_conditions(wish), CASES.c.at_risk_at.is_not(None), CASES.c.at_risk_at < wish.due_before,
    ]  # fmt: skip
    if after is not None:
        where.append(tuple_(CASES.c.at_risk_at, CASES.c.complaint) > after)
    return _joined(units, where, lambda cases: [cases.c.at_risk_at, cases.c.complaint], limit)


def to_call(
    units: Iterable[str],
    *,
    until: datetime,
    now: datetime,
    by: str,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Select[Any]:
    """A page of cases whose customer is to be called, the earliest first: not `by`'s own, and no other caller's."""
    handler = by.removeprefix("account/")
    where: list[ColumnElement[bool]] = [
        CASES.c.call_at.is_not(None), CASES.c.call_at <= until,
        or_(CASES.c.handler.is_(None), CASES.c.handler != handler),
        or_(CASES.c.claimed_until.is_(None), CASES.c.claimed_until <= now, CASES.c.claimed_by == by),
    ]  # fmt: skip
    if after is not None:
        where.append(tuple_(CASES.c.call_at, CASES.c.complaint) > after)
    return _joined(units, where, lambda cases: [cases.c.call_at, cases.c.complaint], limit)


def _joined(
    units: Iterable[str],
    where: Sequence[ColumnElement[bool]],
    order: Callable[[Any], Sequence[ColumnElement[Any]]],
    limit: int,
) -> Select[Any]:
    names = sorted(units)
    if len(names) > MOST_UNITS:
        mine = func.coalesce(CASES.c.unit, "").in_(names)  # no index by unit: rows come in order
        return select(CASES).where(mine, *where).order_by(*order(CASES)).limit(limit)
    lists = [
        select(CASES).where(CASES.c.unit == one, *where).order_by(*order(CASES)).limit(limit)
        for one in names
    ]
    if len(lists) == 1:
        return lists[0]
    cut = [select(one.subquery()) for one in lists]
    every = union_all(*cut).subquery()
    return select(every).order_by(*order(every)).limit(limit)


def by_words(
    units: Iterable[str],
    wish: Wish,
    phrases: Sequence[Phrase],
    marks: Sequence[str],
    *,
    before: int | None,
    limit: int,
    dialect: str,
) -> Select[Any]:
    """A page of cases whose words have all the phrases and marks, the newest text first; `place` is for the cursor."""
    names = sorted(units)
    of_units = [mark("u", one) for one in names] if len(names) <= MOST_UNITS else []
    if dialect == SQLITE:
        place: ColumnElement[int] = literal_column("texts_index.rowid")
        found = text("texts_index MATCH :words").bindparams(
            bindparam("words", _fts5(phrases, marks, of_units))
        )
    else:
        place = INDEX.c.id
        found = text("texts_index.words @@ CAST(:words AS tsquery)").bindparams(
            bindparam("words", _tsquery(phrases, marks, of_units))
        )
    joined = INDEX.join(TEXTS, TEXTS.c.id == place).join(
        CASES, CASES.c.complaint == TEXTS.c.complaint
    )
    where = [TEXTS.c.unit.in_(names), *_conditions(wish)]
    if wish.due_before is not None:
        where.append(CASES.c.at_risk_at < wish.due_before)
    if before is not None:
        where.append(place < before)
    columns = select(CASES, place.label("place")).select_from(joined)
    return columns.where(and_(found, *where)).order_by(place.desc()).limit(limit)


def _fts5(phrases: Sequence[Phrase], marks: Sequence[str], units: Sequence[str]) -> str:
    parts = [f'"{" ".join(one.words)}"{"*" if one.is_beginning else ""}' for one in phrases]
    parts += [f'"{one}"' for one in marks]
    if units:
        parts.append("(" + " OR ".join(f'"{one}"' for one in units) + ")")
    return " AND ".join(parts)


def _tsquery(phrases: Sequence[Phrase], marks: Sequence[str], units: Sequence[str]) -> str:
    parts = [
        " <-> ".join(f"'{word}'" for word in one.words) + (":*" if one.is_beginning else "")
        for one in phrases
    ]
    parts += [f"'{one}'" for one in marks]
    if units:
        parts.append("(" + " | ".join(f"'{one}'" for one in units) + ")")
    return " & ".join(f"({one})" for one in parts)


async def clear_texts(tx: Tx, most: int) -> int:
    """Remove texts, the newest first, and with the last of them their index; says how many texts."""
    some = select(TEXTS.c.id).order_by(TEXTS.c.id.desc()).limit(most)
    gone = (await tx.execute(delete(TEXTS).where(TEXTS.c.id.in_(some)))).rowcount
    if gone < most:
        await clear_index(tx)
    return gone


async def clear_index(tx: Tx) -> None:
    """Empty the index: nothing is found by words until the texts are indexed anew."""
    is_sqlite = tx.connection.dialect.name == SQLITE
    await tx.execute(text(_CLEAR_FTS5 if is_sqlite else "DELETE FROM texts_index"))


_CLEAR_FTS5: Final = "INSERT INTO texts_index (texts_index) VALUES ('delete-all')"


async def index_anew(tx: Tx) -> None:
    """Have every text wait again where the index is empty, as after a restore."""
    place = "rowid" if tx.connection.dialect.name == SQLITE else "id"
    if await tx.row(text(f"SELECT {place} FROM texts_index LIMIT 1")) is None:  # noqa: S608 - two constants
        await tx.execute(update(TEXTS).values(is_waiting=True))


async def index_waiting(tx: Tx, *, most: int) -> int:
    """Give the index the words of texts that wait for it, the oldest first; says how many."""
    query = (
        select(TEXTS.c.id, TEXTS.c.unit, TEXTS.c.said, TEXTS.c.marks)
        .where(TEXTS.c.is_waiting.is_(True))
        .order_by(TEXTS.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    rows = await tx.rows(query)
    if not rows:
        return 0
    is_sqlite = tx.connection.dialect.name == SQLITE
    insert = text(_INSERT_FTS5 if is_sqlite else _INSERT_TSVECTOR)
    await tx.execute(insert, [_row(row, is_sqlite=is_sqlite) for row in rows])
    done = [row.id for row in rows]
    await tx.execute(update(TEXTS).where(TEXTS.c.id.in_(done)).values(is_waiting=False))
    return len(rows)


_INSERT_FTS5: Final = "INSERT INTO texts_index (rowid, words) VALUES (:id, :words)"
_INSERT_TSVECTOR: Final = (
    "INSERT INTO texts_index (id, words) VALUES (:id, CAST(CAST(:words AS text) AS tsvector))"
)


def _row(row: Any, *, is_sqlite: bool) -> Mapping[str, object]:  # noqa: ANN401 - a row
    words = indexed(row.said, [mark("u", row.unit), *row.marks.split()])
    shown = words if is_sqlite else [f"'{word}':{at}" for at, word in enumerate(words, start=1)]
    return {"id": row.id, "words": " ".join(shown)}
