"""A change of an incident's state that comes to all its members' cases, or the barest program that writes as much.

Cases are stamped out of a recording and loaded in bulk. Prints memory (MB) after a fifth of the members and at the end,
and members a second; of `--floor` the last alone, twice zero before it. The floor writes the same rows, made before
they are timed, in transactions as large: each case's row, its fact, its event, its sequence, its membership.
"""

import argparse
import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import uvloop
from sqlalchemy import Table, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.backlog import complaint_of, number_of, publish_policy
from bench.machine import resident_mb
from bench.recording import Recording
from redress import host
from services.followup.store.tables import CASES, CLOCK_FACTS, FACTS, INCIDENTS, MEMBERS, MOVES
from services.followup.usecases.cascading import PAGE, Cascading
from shared.bus.open import open_bus
from shared.clock import SystemClock
from shared.collector import calm_collector
from shared.ids import new_id
from shared.policy import watch_policy
from shared.settings import Settings
from shared.store.database import Database
from shared.store.engine import make_writer
from shared.store.transaction import Tx
from shared.store.types import UTCDateTime

INCIDENT: Final = "01999f3c-7c77-7a52-9b3e-2f6f0c9d1a55"
AT: Final = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
LOADED: Final = 2_000
"""Members whose rows are inserted at once."""
MOVED: Final = (
    (
        "UPDATE cases SET version = version + 1, body = :body, changed_at = :at, links = :links, seal = :seal"
        " WHERE complaint = :complaint"
    ),
    (
        'INSERT INTO facts (complaint, unit, name, cycle, at, by, "order", body, recorded_at, link, seal)'
        " VALUES (:complaint, :unit, 'incident_moved', 1, :at, 'su', :links, :fact, :at, :links, :seal)"
    ),
    "INSERT INTO outbox (event_id, subject, event, created_at) VALUES (:event_id, :complaint, :event, :at)",
    (
        "INSERT INTO subjects (subject, last_sequence) VALUES (:complaint, 1)"
        " ON CONFLICT (subject) DO UPDATE SET last_sequence = subjects.last_sequence + 1"
    ),
    "UPDATE incident_members SET seen = 1 WHERE id = :member",
)


class Stamp:
    """A recorded complaint's rows in followup, of which copies are made."""

    def __init__(self, recording: Recording) -> None:
        life = next(
            one
            for one in recording.lives
            if any("cases" in said.costs["followup"] for said in one.said)
        )
        costs = [said.costs.get("followup", {}) for said in life.said]
        self._complaint, self._number = life.complaint, life.number
        self._rows: dict[Table, list[dict[str, Any]]] = {
            FACTS: [row for cost in costs for row in cost.get("facts", ())],
            CLOCK_FACTS: [row for cost in costs for row in cost.get("clock_facts", ())],
            CASES: [row for cost in costs for row in cost.get("cases", ())][-1:],
        }
        [case] = self._rows[CASES]
        case["body"]["incident"] = {"id": INCIDENT, "state": "open", "joined_at": AT.isoformat()}
        joined = self._rows[FACTS][-1] | {
            "name": "incident_joined", "by": "su", "order": 10_000,
            "body": {"name": "incident_joined", "incident": INCIDENT, "state": "open"},
        }  # fmt: skip
        self._rows[FACTS] = [*self._rows[FACTS], joined]
        self.unit: str = case["unit"]

    def copies(self, first: int, count: int) -> Mapping[Table, list[dict[str, Any]]]:
        """The rows of so many cases and of their membership."""
        found: dict[Table, list[dict[str, Any]]] = {table: [] for table in (*self._rows, MEMBERS)}
        for at in range(first, first + count):
            for table, rows in self._rows.items():
                found[table] += [_typed(table, self._copy(row, at)) for row in rows]
            found[MEMBERS].append({
                "id": member_of(at), "incident": INCIDENT, "complaint": complaint_of(at, 0), "unit": self.unit, "state": "in",
                "via": "staff", "position": at + 1, "seen": 0, "asked_at": AT, "joined_at": AT,
            })  # fmt: skip
        return found

    def _copy(self, row: Mapping[str, Any], at: int) -> dict[str, Any]:
        copy = orjson.dumps({name: value for name, value in row.items() if name != "id"}).decode()
        copy = copy.replace(self._complaint, complaint_of(at, 0))
        found: dict[str, Any] = orjson.loads(copy.replace(self._number, number_of(at)))
        return found

    def moved(self, first: int, count: int) -> list[dict[str, Any]]:
        """What a change of state writes for so many members, as large as the real thing."""
        [case] = self._rows[CASES]
        found = []
        for at in range(first, first + count):
            copy = self._copy(case, at)
            body = orjson.dumps(copy["body"]).decode()
            found.append({
                "complaint": copy["complaint"], "unit": self.unit, "body": body, "at": AT.replace(tzinfo=None), "links": 20,
                "seal": "0" * 64, "fact": '{"incident":"' + INCIDENT + '","state":"acting"}', "event_id": new_id(),
                "event": '{"specversion":"1.0","id":"' + new_id() + '","data":' + body + "}" + " " * 300,
                "member": member_of(at),
            })  # fmt: skip
        return found


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """A recorded row with values of its columns' types."""
    times = {one.name for one in table.c if isinstance(one.type, UTCDateTime)} & row.keys()
    return row | {name: row[name] and datetime.fromisoformat(row[name]) for name in times}


def member_of(at: int) -> str:
    return f"member-{at:012d}"


async def _load(database: Database, stamp: Stamp, members: int, state: str) -> None:
    body = {
        "incident_id": INCIDENT, "state": state, "version": 2, "zh": "停电", "en": "Outage", "origin": "staff",
        "members": members, "joined": members, "moves": 1, "opened_at": AT.isoformat(),
    }  # fmt: skip
    result = {
        "outcome": "upheld",
        "reason": "线路故障",
        "remedy": "已恢复",
        "told_at": AT.isoformat(),
    }
    incident = {
        "id": INCIDENT, "unit": stamp.unit, "state": state, "is_open": True, "version": 2, "body": body, "changed_at": AT,
    }  # fmt: skip
    move = {
        "id": new_id(), "incident": INCIDENT, "unit": stamp.unit, "number": 1, "state": state, "by": "su",
        "result": result if state == "solved" else None, "after": 0, "reached": 0, "blocked": 0, "is_open": True,
        "begun_at": AT,
    }  # fmt: skip

    async def add(rows: Mapping[Table, Sequence[Mapping[str, Any]]]) -> None:
        async def unit(tx: Tx) -> None:
            for table, some in rows.items():
                await tx.execute(insert(table), some)

        await database.run(unit)

    for first in range(0, members, LOADED):
        await add(stamp.copies(first, min(LOADED, members - first)))
    await add({INCIDENTS: [incident], MOVES: [move]})


@asynccontextmanager
async def _followup(settings: Settings, recording: Recording) -> AsyncIterator[host.Hosted]:
    """Followup over a migrated database, with the policy read."""
    environment = host.make_environment(settings, clock=SystemClock(), is_whole=True)
    async with open_bus(settings.bus, folder=settings.data) as bus:
        [hosted] = host.build(environment, ["followup"], bus)
        await host.migrate(environment, [hosted.service], bus)
        await publish_policy(bus, recording)
        policy = asyncio.create_task(watch_policy(environment.policy, bus, environment.clock))
        while not environment.policy.is_ready:
            await environment.policy.changed.wait(0.1)
        try:
            yield hosted
        finally:
            policy.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await policy
            await hosted.service.database.close()


async def measure(
    settings: Settings, recording: Recording, members: int, state: str
) -> tuple[float, float, float]:
    """Memory early and late, and members a second."""
    async with _followup(settings, recording) as hosted:
        database = hosted.service.database
        await _load(database, Stamp(recording), members, state)
        loop = Cascading(database, hosted.service.context)
        calm_collector()
        done, early = 0, 0.0
        started = time.perf_counter()
        while reached := await loop.reach_some():
            done += reached
            if not early and done >= members // 5:
                early, _ = resident_mb(os.getpid())
        seconds = time.perf_counter() - started
        late, _ = resident_mb(os.getpid())
        if not await _is_reached(database, members):
            raise RuntimeError(f"not every one of {members} members was reached")
    return early, late, members / seconds


async def _is_reached(database: Database, members: int) -> bool:
    async with database.reading() as connection:
        query = text("SELECT count(*) FROM facts WHERE name = 'incident_moved'")
        return bool((await connection.execute(query)).scalar() == members)


async def floor(
    settings: Settings, recording: Recording, members: int
) -> tuple[float, float, float]:
    """Nothing, nothing, and members a second."""
    async with _followup(settings, recording) as hosted:
        stamp = Stamp(recording)
        await _load(hosted.service.database, stamp, members, "acting")
    engine, seconds = make_writer(settings.database_url("followup")), 0.0
    for page in _pages(stamp, members):
        started = time.perf_counter()
        async with engine.begin() as connection:
            await _write(connection, page)
        seconds += time.perf_counter() - started
    await engine.dispose()
    return 0.0, 0.0, members / seconds


def _pages(stamp: Stamp, members: int) -> Iterator[list[dict[str, Any]]]:
    for first in range(0, members, PAGE):
        yield stamp.moved(first, min(PAGE, members - first))


async def _write(connection: AsyncConnection, page: Sequence[Mapping[str, Any]]) -> None:
    for statement in MOVED:
        await connection.execute(text(statement), page)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recording", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--members", type=int, required=True)
    parser.add_argument("--state", default="acting", choices=["acting", "solved"])
    parser.add_argument("--floor", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(parents=True)
    settings, recording = Settings(data=given.folder), Recording.read(given.recording)
    found = (
        floor(settings, recording, given.members)
        if given.floor
        else measure(settings, recording, given.members, given.state)
    )
    print(*uvloop.run(found))


if __name__ == "__main__":
    main()
