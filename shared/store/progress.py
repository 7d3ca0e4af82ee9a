"""Applying each event once: the marks, and the one decision about them."""

from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cache
from typing import NamedTuple

from sqlalchemy import Executable, Table, select

from shared.store.lists import UpsertInsert, among
from shared.store.transaction import Tx


class Key(NamedTuple):
    """What order holds for: one source's events about one subject."""

    source: str
    subject: str


class Verdict(Enum):
    """What to do with an event that arrived."""

    DROP = "drop"
    APPLY = "apply"
    PARK = "park"


def judge(*, last: int, sequence: int, is_bounded: bool, is_parked: bool) -> Verdict:
    """Decide by the mark alone: at or below it drop, next apply, beyond park.

    Topics that forget (`is_bounded`) have holes that mean nothing: beyond applies there, unless earlier events of the
    key are parked and order must hold.
    """
    if sequence <= last:
        return Verdict.DROP
    if sequence == last + 1:
        return Verdict.APPLY
    return Verdict.APPLY if is_bounded and not is_parked else Verdict.PARK


async def marks(tx: Tx, keys: Iterable[Key]) -> dict[Key, int]:
    """The last applied sequence of each key; 0 where nothing was applied. Lock the subjects first."""
    found = dict.fromkeys(keys, 0)
    query = of_keys(tx.frame.progress, "last_sequence", tx.connection.dialect.name)
    for source, subject, last in await tx.rows(query, lists_of(found)):
        if (key := Key(source, subject)) in found:
            found[key] = last
    return found


@cache
def of_keys(table: Table, column: str, dialect: str) -> Executable:
    """A column of every row that has one of the sources and one of the subjects."""
    c = table.c
    return select(c.source, c.subject, c[column]).where(
        among(c.source, "sources", dialect), among(c.subject, "subjects", dialect)
    )


def lists_of(keys: Iterable[Key]) -> Mapping[str, list[str]]:
    """The parameters of `of_keys`."""
    return {
        "sources": sorted({one.source for one in keys}),
        "subjects": [one.subject for one in keys],
    }


async def record(tx: Tx, marks: Mapping[Key, int]) -> None:
    """Write the marks, in the order of their keys. A mark never goes back."""
    rows = [{**key._asdict(), "last_sequence": marks[key]} for key in sorted(marks)]
    await tx.add(tx.frame.progress, rows, _further)


def _further(new: UpsertInsert) -> UpsertInsert:
    return new.on_conflict_do_update(
        index_elements=["source", "subject"],
        set_={"last_sequence": new.excluded.last_sequence},
        where=new.table.c.last_sequence < new.excluded.last_sequence,
    )
