"""What people want of our messages, what a person must look at, and what is known of a complaint."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.model import Wishes
from services.notify.store.tables import ALERTS, KNOWN, PREFERENCES
from shared.ids import new_id
from shared.store.lists import UpsertInsert
from shared.store.transaction import AnyRow, Tx


async def wishes_of(tx: Tx, people: Collection[str]) -> dict[str, Wishes]:
    """The wishes of those who have any."""
    rows = await tx.rows_among(_WISHES, PREFERENCES.c.person, people)
    return {row.person: wishes(row.wishes) for row in rows}


_WISHES: Final = select(PREFERENCES.c.person, PREFERENCES.c.wishes)


def wishes(found: Mapping[str, Any]) -> Wishes:
    """Wishes as they are kept."""
    known: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in found.items()
        if name in Wishes.__slots__
    }
    return Wishes(**known)


async def keep_wishes(tx: Tx, person: str, unit: str, wanted: Wishes) -> None:
    """Write what somebody wants, whole."""
    values = {
        "person": person,
        "unit": unit,
        "wishes": {name: getattr(wanted, name) for name in Wishes.__slots__},
        "changed_at": tx.now,
    }
    new = tx.upsert(PREFERENCES).values(values)
    await tx.execute(new.on_conflict_do_update(index_elements=["person"], set_=values))


async def forget_wishes(tx: Tx, person: str) -> None:
    await tx.execute(PREFERENCES.delete().where(PREFERENCES.c.person == person))


async def preference(connection: AsyncConnection, person: str) -> AnyRow | None:
    query = select(PREFERENCES).where(PREFERENCES.c.person == person)
    return (await connection.execute(query)).one_or_none()


async def raise_alert(
    tx: Tx,
    *,
    kind: str,
    unit: str,
    subject: str,
    number: str | None = None,
    reason: str | None = None,
) -> None:
    """Put something on the list that a person must look at."""
    await tx.execute(
        ALERTS.insert().values(
            id=new_id(),
            unit=unit,
            kind=kind,
            subject=subject,
            number=number,
            reason=reason,
            raised_at=tx.now,
        )
    )


async def alerts(
    connection: AsyncConnection,
    *,
    units: frozenset[str],
    is_done: bool,
    after: str | None,
    limit: int,
) -> Sequence[AnyRow]:
    """What waits for a person, or was looked at; oldest first."""
    query = (
        select(ALERTS).where(ALERTS.c.unit.in_(sorted(units))).order_by(ALERTS.c.id).limit(limit)
    )
    query = query.where(ALERTS.c.done_at.is_not(None) if is_done else ALERTS.c.done_at.is_(None))
    if after is not None:
        query = query.where(ALERTS.c.id > after)
    return (await connection.execute(query)).all()


async def open_alerts(tx: Tx) -> dict[str, int]:
    """How many alerts of each unit nobody has looked at."""
    query = (
        select(ALERTS.c.unit, func.count().label("times"))
        .where(ALERTS.c.done_at.is_(None))
        .group_by(ALERTS.c.unit)
    )
    return {row.unit: row.times for row in await tx.rows(query)}


async def end_alert(tx: Tx, id_: str, *, by: str, units: frozenset[str]) -> bool:
    """Somebody looked at it; False when there is no such thing within reach."""
    mine = update(ALERTS).where(ALERTS.c.id == id_, ALERTS.c.unit.in_(sorted(units)))
    row = await tx.row(mine.values(done_at=tx.now, done_by=by).returning(ALERTS.c.id))
    return row is not None


class Known:
    """What a unit learns of complaints: read at once, written at once."""

    def __init__(self) -> None:
        self.facts: dict[str, dict[str, Any]] = {}
        self.changed: set[str] = set()

    async def read(self, tx: Tx, complaints: Collection[str]) -> None:
        """Read what is known of these, unless that was read before."""
        wanted = set(complaints) - self.facts.keys()
        self.facts.update((one, {}) for one in wanted)
        for complaint, facts in await tx.rows_among(_FACTS, KNOWN.c.complaint, wanted):
            self.facts[complaint] = dict(facts)

    async def write(self, tx: Tx) -> None:
        """Write what changed."""
        rows = [{"complaint": one, "facts": self.facts[one]} for one in sorted(self.changed)]
        await tx.add(KNOWN, rows, _replace)


_FACTS: Final = select(KNOWN.c.complaint, KNOWN.c.facts)


def _replace(new: UpsertInsert) -> UpsertInsert:
    return new.on_conflict_do_update(
        index_elements=["complaint"], set_={"facts": new.excluded.facts}
    )


async def learn(tx: Tx, complaint: str, facts: Mapping[str, Any]) -> None:
    """Add to what is known of a complaint."""
    known = tx.memory(Known)
    if complaint not in known.facts:
        await known.read(tx, [complaint])
    known.facts[complaint] |= facts
    known.changed.add(complaint)


async def forget_facts(tx: Tx, complaint: str) -> None:
    """Keep of a complaint only what messages to staff about its case need."""
    known = tx.memory(Known)
    await known.read(tx, [complaint])
    facts = known.facts[complaint]
    known.facts[complaint] = {name: facts[name] for name in _FOR_STAFF if name in facts}
    known.changed.add(complaint)


_FOR_STAFF: Final = ("about", "category", "severity", "cue")


async def known_of(tx: Tx, complaint: str) -> Mapping[str, Any]:
    """What is known of a complaint."""
    known = tx.memory(Known)
    if complaint not in known.facts:
        await known.read(tx, [complaint])
    return known.facts[complaint]


async def categories_of(connection: AsyncConnection, complaints: Collection[str]) -> dict[str, str]:
    """The category of each of these complaints, as far as it is understood."""
    if not complaints:
        return {}
    query = select(KNOWN.c.complaint, KNOWN.c.facts).where(
        KNOWN.c.complaint.in_(sorted(complaints))
    )
    rows = (await connection.execute(query)).all()
    return {row.complaint: row.facts["category"] for row in rows if row.facts.get("category")}
