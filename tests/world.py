"""All services in one process, without their loops: a test says when relays, consumers, timers and senders run."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from fastapi.dependencies import models as fastapi_models

from redress import host
from services.followup.usecases.cascading import Cascading
from services.notify.sender import Deliverer, Digester, Sender, Spreader
from shared.bus.open import open_bus
from shared.clock import FixedClock
from shared.contracts.catalogue import BY_TYPE, TOPICS
from shared.contracts.envelope import Body, Event, read_event, read_header
from shared.policy import Policy
from shared.settings import Settings
from shared.web.app import Gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from redress.host import Hosted
    from shared.bus.port import Bus, Record, Subscription
    from shared.service import Environment

T = TypeVar("T")
MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai
WAIT = timedelta(milliseconds=5)


@dataclass
class World:
    """A running system that only moves when told to."""

    environment: Environment
    hosted: Sequence[Hosted]
    bus: Bus
    clock: FixedClock
    folder: Path
    client: httpx.AsyncClient
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    first_run: dict[str, Any] = field(default_factory=dict)
    reads_policy: bool = True
    """Whether it keeps looking for what desk says: most of a step's work, of no use where nothing comes any more."""

    @property
    def policy(self) -> Policy:
        return self.environment.policy

    def service(self, name: str) -> Hosted:
        return next(one for one in self.hosted if one.service.name == name)

    def sender(self) -> Sender:
        """Notify's sender: the loop that hands messages to channels."""
        return self._loop_of(Sender)

    def deliverer(self) -> Deliverer:
        """Notify's deliverer: the loop that posts the feed to webhooks."""
        return self._loop_of(Deliverer)

    def spreader(self) -> Spreader:
        """Notify's spreader: the loop that makes a bulletin a message for each member."""
        return self._loop_of(Spreader)

    def digester(self) -> Digester:
        """Notify's digester: the loop that tells staff of their day."""
        return self._loop_of(Digester)

    def cascading(self) -> Cascading:
        """Followup's loop over incidents and their members."""
        return self._loop_of(Cascading, "followup")

    def _loop_of(self, kind: type[T], of: str = "notify") -> T:
        owners = [getattr(one, "__self__", None) for one in self.service(of).service.loops]
        [found] = [one for one in owners if isinstance(one, kind)]
        return found

    async def settle(self, *, rounds: int = 60) -> None:
        """Let everything happen that would happen by itself at this moment of the clock."""
        for _ in range(rounds):
            if not await self._step():
                return
        raise AssertionError(f"the world does not come to rest in {rounds} rounds")

    async def advance(self, by: timedelta) -> None:
        """Move the clock, then settle."""
        self.clock.advance(by)
        await self.settle()

    async def read_policy(self) -> None:
        """Let what the desk has said of accounts, units and keys become known, and nothing else happen."""
        await self._relay(self.service("desk"))
        await self._read_policy()

    async def _step(self) -> bool:
        moved = False
        hosted = [one for one in self.hosted if self.reads_policy or one.service.name != "desk"]
        for one in hosted:
            moved |= await self._relay(one)
        if self.reads_policy:
            await self._read_policy()
        for one in hosted:
            moved |= await self._consume(one)
            moved |= bool(await one.timers.fire_due())
            moved |= await one.consumer.retry_parked()
        if any(one.service.name == "followup" for one in self.hosted):
            moved |= bool(await self.cascading().go_on())
        if any(one.service.name == "notify" for one in self.hosted):
            moved |= bool(await self.sender().send_due())
            moved |= bool(await self.deliverer().deliver_due())
            moved |= bool(await self.spreader().spread_due())
        return moved

    async def _relay(self, one: Hosted) -> bool:
        assert await one.relay._hold_lease(), "another relay holds the lease"
        return (await one.relay.publish_waiting()).published > 0

    async def _consume(self, one: Hosted) -> bool:
        if not one.consumer.topics:
            return False
        subscription = self.subscriptions[one.service.name]
        batch = await subscription.take(at_most=500, wait=WAIT)
        records: list[Record] = [record for records in batch.values() for record in records]
        if not records:
            return False
        await one.consumer.apply(records)
        await subscription.commit({slot: records[-1].offset + 1 for slot, records in batch.items()})
        return True

    async def _read_policy(self) -> None:
        for event in await self.said("desk"):
            self.policy.apply(event)
        self.policy.caught_up(self.clock.now())

    async def said(self, service: str, kind: type[Body] | None = None) -> list[Event[Any]]:
        """Everything a service has put into the log (of one kind), in order per subject."""
        found: list[Event[Any]] = []
        async with self.bus.read(TOPICS[service]) as reader:
            while not reader.caught_up or not found:
                records = await reader.read(wait=WAIT)
                for record in records:
                    header = read_header(record.value)
                    found.append(read_event(header, BY_TYPE[header.type]))
                if not records and reader.caught_up:
                    break
        return [event for event in found if kind is None or isinstance(event.body, kind)]

    def headers(self, key: str = "operator_key", **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.first_run[key]}", **more}

    async def post(
        self, path: str, body: object, *, key: str = "operator_key", **more: str
    ) -> httpx.Response:
        return await self.client.post(path, json=body, headers=self.headers(key, **more))

    async def get(self, path: str, *, key: str = "operator_key", **more: str) -> httpx.Response:
        return await self.client.get(path, headers=self.headers(key, **more))

    async def complain(self, text: str = "空调坏了，没人来修", **more: object) -> dict[str, Any]:
        """A complaint by the first adapter; returns the 202's body."""
        contacts = [{"type": "email", "value": "customer@example.com"}]
        body = {"text": text, "complainant": {"name": "王女士", "contacts": contacts}} | more
        answer = await self.post("/intake/v1/complaints", body, key="adapter_key")
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def command(
        self, number: str, name: str, body: object = None, *, version: str = "*"
    ) -> httpx.Response:
        path = f"/followup/v1/cases/{number}/commands/{name}"
        return await self.post(path, body if body is not None else {}, **{"If-Match": version})

    def mails(self) -> list[Path]:
        return sorted((self.folder / "notify" / "mail").glob("*.eml"))


@asynccontextmanager
async def open_world(
    folder: Path,
    *,
    services: Sequence[str] = tuple(host.BUILDERS),
    at: datetime = MONDAY,
    **settings: str,
) -> AsyncIterator[World]:
    """Build the services over fresh databases in `folder`, migrated and seeded, with the policy read."""
    clock = FixedClock(at)
    async with AsyncExitStack() as stack:
        stack.callback(_forget_routes)
        # The clock stands still, so a bucket of tokens would never fill again.
        settings = {"key_burst": "1000000"} | settings
        made = Settings(data=folder, port=8000, **settings)  # type: ignore[arg-type]
        environment = host.make_environment(made, clock=clock, is_whole=True)
        bus = await stack.enter_async_context(open_bus(made.bus, folder=folder))
        hosted = host.build(environment, services, bus)
        for one in hosted:
            stack.push_async_callback(one.service.database.close)
            stack.push_async_callback(one.relay.stop)
        await host.migrate(environment, [one.service for one in hosted], bus)
        readiness = {one.service.name: host._readiness(one, environment) for one in hosted}
        gateway = Gateway(
            [one.service for one in hosted], metrics=environment.metrics, readiness=readiness
        )
        transport = httpx.ASGITransport(gateway)
        client = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://redress.test")
        )
        world = World(environment, hosted, bus, clock, folder, client)
        if "notify" in services:
            world.sender()._vault._client = client
            world.spreader()._client = client
        if "followup" in services:
            world.service("followup").service.context.intake.transport = transport
        if "desk" in services:
            world.service("desk").service.context.client = await stack.enter_async_context(
                httpx.AsyncClient(transport=transport)
            )
        for one in hosted:
            if one.consumer.topics:
                world.subscriptions[one.service.name] = await stack.enter_async_context(
                    bus.subscribe(one.consumer.group, one.consumer.topics)
                )
        if "desk" in services:
            world.first_run = json.loads((folder / "first-run.json").read_text())
            await world.settle()
        yield world


def _forget_routes() -> None:
    """FastAPI remembers the last thousands of functions that it looked at; each of a route holds its whole world."""
    for known in vars(fastapi_models).values():
        if hasattr(known, "cache_clear"):
            known.cache_clear()


async def seed_world(folder: Path, *, database: str = "sqlite") -> None:
    """Let a system start for the first time, and stop it."""
    async with open_world(folder, database=database):
        pass
