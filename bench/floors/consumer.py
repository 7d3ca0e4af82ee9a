"""The floor of a consumer: take records, parse them, write the same rows table by table, commit, commit the offsets.

It knows nothing: the rows of each event are those that the real service wrote when the recording was made, with the
copy's ids. Rows of one key within a batch are written once, as the last event left them. Prints events a second.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

import orjson
import uvloop
from sqlalchemy import Table, insert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.backlog import WARM_UP, Backlog, arguments, complaint_parts, number_of
from bench.recording import Recording
from redress import host
from shared.bus.open import open_bus
from shared.bus.port import Record, Subscription
from shared.clock import SystemClock
from shared.collector import calm_collector
from shared.ids import new_id
from shared.settings import Settings
from shared.store.engine import make_writer
from shared.store.types import UTCDateTime

BATCH: Final = 500
WAIT: Final = timedelta(seconds=1)
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "cases": ("complaint",),
    "decisions": ("complaint",),
    "handlers": ("id",),
    "heard": ("complaint",),
    "known": ("complaint",),
    "signs": ("week", "number"),
    "messages": ("complaint", "cycle", "recipient", "purpose"),
    "timers": ("name", "subject", "key"),
    "subjects": ("subject",),
    "progress": ("source", "subject"),
    "feed_counter": ("id",),
}
"""By what a row is known that may be written again; to the other tables rows are only added."""


class Writer:
    """Writes the rows of one table for a whole batch with one statement."""

    def __init__(self, table: Table, *, is_sqlite: bool) -> None:
        self._key = KEYS.get(table.name)
        self._times = {one.name for one in table.c if isinstance(one.type, UTCDateTime)}
        self._positions = count(1) if table.name == "feed" else None
        drawn = {"event_id"} | ({"id"} if table.name in {"messages", "timers"} else set())
        self._drawn = [one.name for one in table.c if one.name in drawn]
        self._statement: Any = insert(table)
        if self._key:
            new: Any = (sqlite_insert if is_sqlite else postgresql_insert)(table)
            others = {one.name: new.excluded[one.name] for one in table.c
                      if one.name not in {*self._key, "id"}}  # fmt: skip
            self._statement = new.on_conflict_do_update(index_elements=self._key, set_=others)

    def prepare(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A recorded row with values of its columns' types."""
        is_numbered = self._key is None
        found = {name: row[name] for name in row if name != "id" or not is_numbered}
        for name in self._times & found.keys():
            found[name] = row[name] and datetime.fromisoformat(row[name])
        return found

    async def write(self, connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
        for row in rows:
            for name in self._drawn:
                row[name] = new_id()
            if self._positions is not None:
                row["position"] = next(self._positions)
        if key := self._key:
            rows = list({tuple(row[name] for name in key): row for row in rows}.values())
        await connection.execute(self._statement, rows)


Prepared = tuple[str, str, list[tuple[Writer, dict[str, Any]]]]
"""The recorded complaint's id and number, and the rows of one of its events."""


class Floor:
    """Everything that the loop needs, prepared before it is timed."""

    def __init__(self, backlog: Backlog, tables: Sequence[Table], *, is_sqlite: bool) -> None:
        self.writers = {table.name: Writer(table, is_sqlite=is_sqlite) for table in tables}
        self._costs: dict[tuple[int, str, int], Prepared] = {}
        for life, said in enumerate(backlog.lives):
            for one in said:
                header = orjson.loads(one.value)
                rows = [
                    (self.writers[table], self.writers[table].prepare(row))
                    for table, found in one.rows.items()
                    for row in found
                ]
                place = life, header["source"], header["sequence"]
                self._costs[place] = one.complaint, one.number, rows

    def rows_of(self, records: Sequence[Record]) -> dict[Writer, list[dict[str, Any]]]:
        """The rows of a batch, by what writes them."""
        found: dict[Writer, list[dict[str, Any]]] = {}
        for record in records:
            header = orjson.loads(record.value)
            at, life = complaint_parts(header["subject"])
            complaint, number, rows = self._costs[life, header["source"], header["sequence"]]
            new = {complaint: header["subject"], number: number_of(at)}
            for writer, row in rows:
                found.setdefault(writer, []).append(_stamped(row, complaint, number, new))
        return found


def _stamped(
    row: Mapping[str, Any], complaint: str, number: str, new: Mapping[str, str]
) -> dict[str, Any]:
    made = dict(row)
    for name, value in row.items():
        if isinstance(value, str) and value in new:
            made[name] = new[value]
        elif name == "event":
            made[name] = value.replace(complaint, new[complaint]).replace(number, new[number])
    return made


async def measure(settings: Settings, service: str, recording: Recording, events: int) -> float:
    """Events a second, from the log to the last offset."""
    environment = host.make_environment(settings, clock=SystemClock(), is_whole=True)
    url = settings.database_url(service)
    async with open_bus(settings.bus, folder=settings.data) as bus:
        [hosted] = host.build(environment, [service], bus)
        await host.migrate(environment, [hosted.service], bus)
        backlog = Backlog(recording, service=service, topics=hosted.consumer.topics)
        total = await backlog.publish(bus, events)
        tables = hosted.service.database.frame.metadata.sorted_tables
        await hosted.service.database.close()
        floor = Floor(backlog, tables, is_sqlite=url.startswith("sqlite"))
        calm_collector()
        engine = make_writer(url)

        async def batch(subscription: Subscription) -> int:
            taken = await subscription.take(at_most=BATCH, wait=WAIT)
            rows = floor.rows_of([one for records in taken.values() for one in records])
            async with engine.begin() as connection:
                for writer, found in rows.items():
                    await writer.write(connection, found)
            await subscription.commit({slot: each[-1].offset + 1 for slot, each in taken.items()})
            return sum(map(len, taken.values()))

        async with bus.subscribe(
            hosted.consumer.group, hosted.consumer.topics, in_order=hosted.service.in_order
        ) as subscription:
            first = 0
            while first < WARM_UP:
                first += await batch(subscription)
            started, done = time.perf_counter(), first
            while done < total:
                done += await batch(subscription)
            rate = (done - first) / (time.perf_counter() - started)
        await engine.dispose()
    return rate


def main() -> None:
    print(uvloop.run(measure(*arguments(__doc__))))


if __name__ == "__main__":
    main()
