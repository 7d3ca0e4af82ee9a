"""The record: who read a case, the seal of each day, and whether all is as it was sealed."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.followup.model.chain import Head, Read, day_seal
from services.followup.policy.redact import redacted
from services.followup.store import record
from services.followup.store.record import Broken, DayHeads, Marks
from shared.clock import Clock
from shared.errors import Transient
from shared.store.database import Database
from shared.store.transaction import AnyRow, Tx
from shared.telemetry import logger

SEAL_EVERY: Final = timedelta(minutes=30)
GRACE: Final = timedelta(minutes=10)
"""After midnight (UTC), until what was under way has been committed."""

log = logger("record")


async def note_read(tx: Tx, complaint: str, read: Read) -> None:
    """Have the record say who read the case, before they are shown it."""
    await tx.lock(complaint)
    reason = redacted(read.reason) if read.reason else None
    await record.add_read(tx, complaint, Read(read.by, read.what, reason))


async def broken_link(connection: AsyncConnection, complaint: str, head: Head) -> Broken | None:
    """The first entry of a case that is not as it was sealed."""
    entries = await record.entries_of(connection, complaint)
    return record.first_broken(complaint, entries, head if head.seal else None)


async def broken_day(connection: AsyncConnection, days: list[AnyRow]) -> str | None:
    """The first of the sealed days, oldest first, whose entries are not those that it sealed."""
    for at, row in enumerate(days):
        found = await _of_day(connection, row.day, _below(days[:at]))
        before = days[at - 1].seal if at else ""
        if day_seal(before, row.day, found.heads) != row.seal:
            return str(row.day)
    return None


def _below(days: list[AnyRow]) -> Marks:
    """Marks below all rows of the day that follows: two replicas' clocks may be a little apart."""
    if len(days) < 2:  # noqa: PLR2004 - the day before the last one
        return Marks()
    row = days[-2]
    return Marks(row.after_fact, row.after_clock_fact, row.after_read)


async def _of_day(connection: AsyncConnection, day: str, after: Marks) -> DayHeads:
    begin = datetime.combine(datetime.fromisoformat(day), time(), UTC)
    return await record.heads_of_day(connection, begin, begin + timedelta(days=1), after)


async def seal_next_day(database: Database, now: datetime) -> str | None:
    """Seal the oldest day that is over and has no seal; gives the day, or None where there is none."""
    async with database.reading() as connection:
        days = list(await record.last_days(connection, 2))
        if days:
            day = datetime.fromisoformat(days[-1].day) + timedelta(days=1)
        else:
            first = await record.first_recorded(connection)
            if first is None:
                return None
            day = datetime.combine(first.date(), time())
        if now < day.replace(tzinfo=UTC) + timedelta(days=1) + GRACE:
            return None
        name = day.date().isoformat()
        found = await _of_day(connection, name, _below(days))
    seal = day_seal(days[-1].seal if days else "", name, found.heads)

    async def unit(tx: Tx) -> Any:  # noqa: ANN401 - nothing is given back
        await record.add_day(tx, day=name, cases=len(found.heads), seal=seal, marks=found.marks)

    await database.run(unit)
    return name


@dataclass(frozen=True, slots=True)
class Sealing:
    """Followup's loop that seals the days."""

    database: Database
    clock: Clock

    async def sealing(self) -> None:
        """Seal for ever."""
        while True:
            try:
                while await seal_next_day(self.database, self.clock.now()):
                    pass
            except Transient as error:
                log.warning("the day is sealed later", error=str(error))
            await asyncio.sleep(SEAL_EVERY.total_seconds())
