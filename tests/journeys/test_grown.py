"""The same path on Kafka and PostgreSQL: in one process, in two, killed in between, and with the broker away.

The tests share one broker, one set of databases and one data folder, as one installation does over its life; each
looks at its own complaints only.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from dev.kafka import Broker, new_broker
from tests import engines
from tests.faults.system import System

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.xdist_group("grown")]

AT_ONCE = 5.0
"""Seconds within which the customer is told when nothing is in the way."""
AFTER_KILL = 25.0
"""The same after kill -9: Kafka gives the dead member's partitions away only after its session of 10 s."""
AWAY = 5.0
SECRETS = ("secret", "vault_key", "token_key")
ONCE = ("complaint.received", "complaint.understood", "complaint.assigned", "case.opened", "message.accepted",
        "clock.met")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grown:
    """An installation on real engines."""

    broker: Broker
    environment: dict[str, str]
    folder: Path

    def system(self) -> System:
        return System(self.folder, **self.environment)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[System]:
        """All services in one process, until the block ends; then they must stop cleanly."""
        system = self.system()
        try:
            assert await system.start(), (self.folder / "log.txt").read_text()
            yield system
        except BaseException:
            await system.stop(kill=True)
            raise
        assert await system.stop() == 0


@pytest.fixture(scope="module")
def grown(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grown]:
    """Nothing is there yet but the engines: databases and topics are made by the first start."""
    folder, prefix = tmp_path_factory.mktemp("grown"), f"g_{secrets.token_hex(6)}"
    broker = new_broker(folder / "kafka")
    broker.start()
    (folder / "data").mkdir()
    environment = {
        "REDRESS_BUS": f"kafka://{broker.bootstrap}",
        "REDRESS_DATABASE": f"{postgres_server}/{prefix}_{{service}}",
    }
    yield Grown(broker, environment, folder / "data")
    broker.remove()
    engines.drop_databases(postgres_server, [f"{prefix}_{name}" for name in engines.SERVICES])


async def story(system: System, number: str, *, seconds: float) -> list[dict[str, Any]]:
    """A complaint's events once its acknowledgement has stopped the clock."""
    async with asyncio.timeout(seconds):
        while True:
            events = [one for one in await system.events() if one["data"].get("number") == number]
            if any(one["type"] == "redress.clock.met.v1" for one in events):
                return events
            await asyncio.sleep(0.05)


def is_whole(events: list[dict[str, Any]]) -> None:
    """Assert that the feed has every event once, and that each thing happened once."""
    numbers: dict[str, list[int]] = {}
    for event in events:
        numbers.setdefault(event["source"], []).append(event["sequence"])
    assert set(numbers) == {
        f"/redress/{name}" for name in ("intake", "routing", "followup", "notify")
    }
    for source, sequence in numbers.items():
        assert sequence == list(range(1, len(sequence) + 1)), source
    counts = Counter(event["type"] for event in events)
    assert {once: counts[f"redress.{once}.v1"] for once in ONCE} == dict.fromkeys(ONCE, 1)


async def mails(system: System, number: str) -> int:
    """How many mails about a complaint were written."""
    async with system.client() as client:
        messages = (await client.get("/notify/v1/messages", params={"number": number})).json()[
            "items"
        ]
    assert [one["state"] for one in messages] == ["accepted"]
    folder = system.folder / "notify" / "mail"
    return sum((folder / one["provider_id"]).exists() for one in messages)


@pytest.mark.req("R-001")
async def test_on_kafka_and_postgresql_a_complaint_gets_case_owner_and_message(
    grown: Grown, record_property: Callable[[str, object], None]
) -> None:
    async with grown.running() as system:
        took = []
        for each in range(3):
            began = time.monotonic()
            made = await system.complain(f"path-{each}")
            assert made is not None
            events = await story(system, made["number"], seconds=AT_ONCE)
            took.append(round(time.monotonic() - began, 2))
            is_whole(events)
            assert await mails(system, made["number"]) == 1
            async with system.client() as client:
                case = (await client.get(f"/followup/v1/cases/{made['number']}")).json()
            assert case["state"] == "assigned"
            assert case["owner"]["handler"]
    record_property("seconds_from_post_to_told", took)
    print("from POST to the stopped clock:", took)


@pytest.mark.req("R-011")
@pytest.mark.parametrize("fault", ["consumer.in_transaction:kill", "relay.after_ack:kill"])
async def test_on_kafka_and_postgresql_a_kill_costs_nothing_and_doubles_nothing(
    grown: Grown, fault: str
) -> None:
    killed, key = grown.system(), f"killed-{fault}"
    first = None
    try:
        if await killed.start(fault=fault):
            first = await killed.complain(key)
            assert await killed.ended(10), f"{fault} was never reached"
    finally:
        await killed.stop(kill=True)

    async with grown.running() as system:
        again = await system.complain(key)
        assert again is not None
        assert first is None or first["number"] == again["number"]
        is_whole(await story(system, again["number"], seconds=AFTER_KILL))
        assert await mails(system, again["number"]) == 1


@pytest.mark.req("R-011")
async def test_two_processes_share_the_work(grown: Grown, tmp_path: Path) -> None:
    if not (grown.folder / "first-run.json").exists():
        async with grown.running():
            pass  # the first start makes secrets and keys
    kept = grown.folder / "secrets"
    shared = {f"REDRESS_{name.upper()}": (kept / name).read_text().strip() for name in SECRETS}
    fronts = System(tmp_path / "front", **grown.environment, **shared)
    fronts.folder.mkdir()
    backs: System | None = None
    for folder in (tmp_path / "front", tmp_path / "back"):
        folder.mkdir(exist_ok=True)
        shutil.copy(grown.folder / "first-run.json", folder)
    try:
        assert await fronts.start(services=("desk", "intake", "routing"))
        backs = System(
            tmp_path / "back", **grown.environment, **shared, REDRESS_SERVICES=fronts.url
        )
        assert await backs.start(services=("followup", "notify"))

        made = await fronts.complain("shared")
        assert made is not None
        is_whole(await story(backs, made["number"], seconds=2 * AT_ONCE))
        assert await mails(backs, made["number"]) == 1
        assert await backs.stop() == 0
        assert await fronts.stop() == 0
    finally:
        for system in (fronts, backs):
            if system is not None and system.is_running:
                await system.stop(kill=True)


@pytest.mark.req("R-011")
async def test_while_the_broker_is_away_every_complaint_is_taken_and_goes_on_later(
    grown: Grown,
) -> None:
    async with grown.running() as system:
        before = await system.complain("before-away")
        assert before is not None
        await story(system, before["number"], seconds=AT_ONCE)
        await asyncio.to_thread(grown.broker.stop)
        try:
            until = time.monotonic() + AWAY
            taken: list[str] = []
            while time.monotonic() < until:
                made = await system.complain(f"away-{len(taken)}")
                assert made is not None, "not taken while the broker is away"
                taken.append(made["number"])
                await asyncio.sleep(0.5)
        finally:
            await asyncio.to_thread(grown.broker.start)
        back = time.monotonic()
        for number in taken:
            is_whole(await story(system, number, seconds=AFTER_KILL))
            assert await mails(system, number) == 1
        print(f"{len(taken)} taken, told {time.monotonic() - back:.1f} s after the broker was back")
