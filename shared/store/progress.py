"""Applying each event once: the marks, and the one decision about them."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from sqlalchemy import select

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
    wanted = set(keys)
    table = tx.frame.progress
    found = dict.fromkeys(wanted, 0)
    query = select(table.c.source, table.c.subject, table.c.last_sequence).where(
        tx.among(table.c.source, {key.source for key in wanted}),
        tx.among(table.c.subject, {key.subject for key in wanted}),
    )
    for source, subject, last in await tx.rows(query):
        if (key := Key(source, subject)) in found:
            found[key] = last
    return found


async def record(tx: Tx, marks: Mapping[Key, int]) -> None:
    """Write the marks, in the order of their keys. A mark never goes back."""
    if not marks:
        return
    table = tx.frame.progress
    new = tx.upsert(table)
    statement = new.on_conflict_do_update(
        index_elements=["source", "subject"],
        set_={"last_sequence": new.excluded.last_sequence},
        where=table.c.last_sequence < new.excluded.last_sequence,
    )
    rows = [{**key._asdict(), "last_sequence": marks[key]} for key in sorted(marks)]
    await tx.execute(statement, rows)
