"""Some complaints' whole ways, recorded: what the log carries of them, and the rows that each event costs each service.

Stamped out with other ids and numbers they make a log of any length for subjects and floors. The rows are what the
real services wrote, event by event, so that a floor can write the same without knowing anything.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
from sqlalchemy import select

from bench.complaints import bodies
from redress import host
from services.notify.model import Ended, Sent
from services.notify.usecases import sending
from shared.bus.open import open_bus
from shared.bus.port import Bus, Record, Subscription
from shared.clock import SystemClock
from shared.contracts.catalogue import TOPICS
from shared.policy import watch_policy
from shared.settings import Settings
from shared.store.database import Database
from shared.store.relay import waiting_count
from shared.store.transaction import Tx
from shared.web.app import Gateway

LIVES: Final = 16
CONSUMERS: Final = ("routing", "followup", "notify")
WAIT: Final = timedelta(milliseconds=5)
_TOPICS: Final = tuple(TOPICS[name] for name in ("intake", "routing", "followup", "notify"))
Rows = dict[str, list[dict[str, Any]]]
"""Rows by the table that they are in."""


@dataclass(frozen=True, slots=True)
class Said:
    """One event on the log. `costs` are the rows that it wrote or changed, by service."""

    topic: str
    value: str
    costs: dict[str, Rows]


@dataclass(frozen=True, slots=True)
class Life:
    """What was said about one complaint, in order."""

    complaint: str
    number: str
    said: list[Said]


@dataclass(frozen=True, slots=True)
class Recording:
    """The policy as it was (key and event), and some lives."""

    policy: list[tuple[str, str]]
    lives: list[Life]

    def write(self, file: Path) -> None:
        file.write_bytes(orjson.dumps(self))

    @classmethod
    def read(cls, file: Path) -> "Recording":
        found = orjson.loads(file.read_bytes())
        lives = [
            Life(one["complaint"], one["number"], [Said(**said) for said in one["said"]])
            for one in found["lives"]
        ]
        return cls([(key, value) for key, value in found["policy"]], lives)


async def record(folder: Path, *, lives: int = LIVES) -> Recording:
    """Take complaints in and let every service do its part, one event at a time."""
    async with _open_stage(folder) as stage:
        numbers = await stage.post(lives)
        while await stage.step():
            pass
        policy = [(one.key, one.value.decode()) for one in await _all(stage.bus, TOPICS["desk"])]
        said = [(one, topic) for topic in _TOPICS for one in await _all(stage.bus, topic)]
    found = {id_: Life(id_, number, []) for id_, number in numbers.items()}
    for one, topic in said:
        costs = stage.costs.get((topic, one.slot.partition, one.offset), {})
        found[one.key].said.append(Said(topic, one.value.decode(), costs))
    return Recording(policy, list(found.values()))


@dataclass(slots=True)
class _Stage:
    """All services in one process, moved by hand."""

    bus: Bus
    hosted: Mapping[str, host.Hosted]
    client: httpx.AsyncClient
    key: str
    subscriptions: Mapping[str, Subscription]
    costs: dict[tuple[str, int, int], dict[str, Rows]] = field(default_factory=dict)

    async def post(self, count: int) -> dict[str, str]:
        """Post complaints; gives each one's number by its id."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        found = {}
        for body in bodies(count):
            answer = await self.client.post("/intake/v1/complaints", content=body, headers=headers)
            answer.raise_for_status()
            taken = answer.json()
            found[taken["id"]] = taken["number"]
        return found

    async def step(self) -> bool:
        """Let each service do once what it has to; False when nobody had anything."""
        databases = [one.service.database for one in self.hosted.values()]
        moved = any([await waiting_count(database, at_most=1) for database in databases])
        for name in CONSUMERS:
            moved |= await self._consume(self.hosted[name])
        return await self._send() or moved

    async def _send(self) -> bool:
        """Have every message accepted at once."""
        return await self.hosted["notify"].service.database.run(_accept)

    async def _consume(self, one: host.Hosted) -> bool:
        name, subscription = one.service.name, self.subscriptions[one.service.name]
        batch = await subscription.take(at_most=500, wait=WAIT)
        # Whoever is first is first here too, however far the log has come: that is the usual life.
        taken = sorted(
            batch.items(), key=lambda slot_and_records: _TOPICS.index(slot_and_records[0].topic)
        )
        for record in (each for _, records in taken for each in records):
            before = await _snapshot(one.service.database)
            await one.consumer.apply([record])
            after = await _snapshot(one.service.database)
            place = (record.slot.topic, record.slot.partition, record.offset)
            self.costs.setdefault(place, {})[name] = _written(before, after)
        await subscription.commit({slot: records[-1].offset + 1 for slot, records in batch.items()})
        return bool(batch)


async def _accept(tx: Tx) -> bool:
    begun = await sending.begin(tx, limit=100)
    if begun:
        ended = [Ended(one.message, "email", Sent("accepted"), tx.now, jitter=0.0) for one in begun]
        await sending.finish(tx, ended)
    return bool(begun)


@asynccontextmanager
async def _open_stage(folder: Path) -> AsyncIterator[_Stage]:
    settings = Settings(data=folder)
    environment = host.make_environment(settings, clock=SystemClock(), is_whole=True)
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(open_bus(settings.bus, folder=folder))
        hosted = {one.service.name: one for one in host.build(environment, [*host.BUILDERS], bus)}
        services = [one.service for one in hosted.values()]
        for one in services:
            stack.push_async_callback(one.database.close)
        await host.migrate(environment, services, bus)
        gateway = Gateway(services, metrics=environment.metrics, readiness={})
        client = httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url="http://bench")
        subscriptions = {
            name: await stack.enter_async_context(
                bus.subscribe(hosted[name].consumer.group, hosted[name].consumer.topics)
            )
            for name in CONSUMERS
        }
        loops = [
            watch_policy(environment.policy, bus, environment.clock),
            *(one.relay.run() for one in hosted.values()),
        ]
        running = [asyncio.create_task(loop) for loop in loops]
        while not environment.policy.is_ready:
            await environment.policy.changed.wait(0.05)
        yield _Stage(
            bus, hosted, await stack.enter_async_context(client), _key(folder), subscriptions
        )
        for task in running:
            task.cancel()
        await asyncio.wait(running)


def _key(folder: Path) -> str:
    first_run = orjson.loads((folder / "first-run.json").read_bytes())
    return str(first_run["adapter_key"])


async def _all(bus: Bus, topic: str) -> list[Record]:
    found: list[Record] = []
    async with bus.read(topic) as reader:
        while not reader.caught_up:
            found += await reader.read(wait=WAIT)
    return found


async def _snapshot(database: Database) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    """Every row of every table that consuming writes, by its primary key, without what relaying writes."""
    found = {}
    async with database.reading() as connection:
        for table in database.frame.metadata.sorted_tables:
            if table is database.frame.leases:
                continue
            columns = [one for one in table.c if one.name != "published_at"]
            keys = [one.name for one in table.primary_key]
            rows = [
                {str(name): row[name] for name in row}
                for row in (await connection.execute(select(*columns))).mappings()
            ]
            found[str(table.name)] = {tuple(row[name] for name in keys): row for row in rows}
    return found


def _written(
    before: dict[str, dict[tuple[Any, ...], dict[str, Any]]],
    after: dict[str, dict[tuple[Any, ...], dict[str, Any]]],
) -> Rows:
    found = {
        name: [row for key, row in rows.items() if before[name].get(key) != row]
        for name, rows in after.items()
    }
    return {name: rows for name, rows in found.items() if rows}
