"""The relay, on both databases: what is committed reaches the log, in order, whatever happens in between."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from shared.bus.open import open_bus
from shared.bus.port import Features, Message, MessageRefused, PublishFailed, Topic
from shared.contracts.envelope import read_header
from shared.store.relay import Relay, waiting_count
from shared.telemetry import Metrics
from tests.contract.store_engines import FRAME, asyncpg_url, due, make_tables, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from shared.bus.port import Bus
    from shared.store.database import Database
    from shared.store.transaction import Tx

TOPIC = "redress.cases"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        address = f"sqlite+aiosqlite:///{tmp_path / 'state.db'}"
    else:
        address = asyncpg_url(request.getfixturevalue("postgres_database"))
    await make_tables(address)
    return address


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[Bus]:
    async with open_bus("embedded", folder=tmp_path) as opened:
        await opened.create_topics([Topic(TOPIC, partitions=3)])
        yield opened


class Failing:
    """The bus, until it is told to fail: then the first `prefix` messages of a call get through."""

    features = Features(many_processes=True)

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.prefix: int | None = None
        self.refuses = False

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        if self.prefix is None or self.prefix >= len(messages):
            await self._bus.publish(topic, messages)
            return
        prefix, self.prefix = self.prefix, None
        await self._bus.publish(topic, messages[:prefix])
        kind = MessageRefused if self.refuses else PublishFailed
        raise kind("made up", acknowledged=prefix)


def relay_of(database: Database, bus: object) -> Relay:
    return Relay(database, bus, topic=TOPIC, metrics=Metrics())  # type: ignore[arg-type]


async def say(database: Database, subject: str, times: int = 1) -> None:
    async def unit(tx: Tx) -> None:
        for _ in range(times):
            tx.say(due(), subject=subject, unit="root")

    await database.run(unit)


async def log_of(bus: Bus) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    async with bus.read(TOPIC) as reader:
        while True:
            from datetime import timedelta

            records = await reader.read(wait=timedelta(milliseconds=20))
            found += [
                (one.subject, one.sequence)
                for one in (read_header(record.value) for record in records)
            ]
            if reader.caught_up and not records:
                return found


def of(log: list[tuple[str, int]], subject: str) -> list[int]:
    return [sequence for one, sequence in log if one == subject]


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_published(database: Database) -> None:
    async with asyncio.timeout(30):
        while await waiting_count(database, at_most=1):
            await asyncio.sleep(0.01)


async def test_what_is_committed_reaches_the_log_in_order(url: str, bus: Bus) -> None:
    async with open_store(url) as database:
        relay = relay_of(database, bus)
        async with running(relay):
            await asyncio.gather(*(say(database, f"s{at % 7}") for at in range(140)))
            await until_published(database)

        log = await log_of(bus)
        assert all(of(log, f"s{at}") == list(range(1, 21)) for at in range(7))


async def test_only_the_acknowledged_prefix_is_marked_and_the_rest_comes_again(
    url: str, bus: Bus
) -> None:
    async with open_store(url) as database:
        failing = Failing(bus)
        relay = relay_of(database, failing)
        await say(database, "s", 10)
        assert await relay._hold_lease()

        failing.prefix = 4
        with pytest.raises(PublishFailed):
            await relay.publish_waiting()
        assert await waiting_count(database, at_most=100) == 6
        await relay.publish_waiting()

        assert of(await log_of(bus), "s") == list(range(1, 11))


async def test_a_refused_event_holds_back_its_subject_only(url: str, bus: Bus) -> None:
    async with open_store(url) as database:
        failing = Failing(bus)
        relay = relay_of(database, failing)
        await say(database, "good")
        await say(database, "bad", 3)
        await say(database, "good")
        assert await relay._hold_lease()

        failing.prefix, failing.refuses = 1, True
        while (await relay.publish_waiting()).more:
            pass

        log = await log_of(bus)
        assert of(log, "good") == [1, 2]
        assert of(log, "bad") == []
        assert await waiting_count(database, at_most=100) == 3


async def test_a_relay_that_slept_past_its_lease_marks_nothing(url: str, bus: Bus) -> None:
    async with open_store(url) as one, open_store(url) as two:
        shared = Failing(bus)
        sleeper, other = relay_of(one, shared), relay_of(two, shared)
        await say(one, "s", 3)
        assert await sleeper._hold_lease()
        rows = await sleeper._waiting()
        await one.run(lambda tx: tx.execute(text("UPDATE leases SET expires = 0")))
        assert await other._hold_lease()

        await sleeper._mark(rows)

        assert await waiting_count(one, at_most=10) == 3
        await other.publish_waiting()
        assert await waiting_count(one, at_most=10) == 0


async def test_P1_rows_that_commit_late_are_never_passed_over(
    postgres_database: str, bus: Bus
) -> None:
    """INVARIANT: an outbox row is published however late its transaction commits after higher ids.

    A cursor by id would break this: ids are given out before commits.
    """
    address = asyncpg_url(postgres_database)
    await make_tables(address)
    async with open_store(address) as database:
        has_id, may_commit = asyncio.Event(), asyncio.Event()

        async def late(tx: Tx) -> None:
            tx.say(due(), subject="late", unit="root")
            await tx.flush()
            has_id.set()
            await may_commit.wait()

        relay = relay_of(database, bus)
        assert await relay._hold_lease()
        slow = asyncio.create_task(database.run(late))
        await has_id.wait()
        await say(database, "early", 3)
        await relay.publish_waiting()
        may_commit.set()
        await slow
        await relay.publish_waiting()

        async with database.reading() as connection:
            ids = (
                await connection.execute(select(FRAME.outbox.c.subject).order_by(FRAME.outbox.c.id))
            ).scalars()
            assert list(ids) == ["late", "early", "early", "early"]
        assert sorted(await log_of(bus)) == [("early", 1), ("early", 2), ("early", 3), ("late", 1)]


async def test_P2_two_relays_keep_the_order_of_every_key(url: str, bus: Bus) -> None:
    """INVARIANT: events of one subject are published in their order, whatever the number of relays.

    Sharing rows among relays (SKIP LOCKED) would break this.
    """
    async with open_store(url) as one, open_store(url) as two:
        shared = Failing(bus)
        async with running(relay_of(one, shared)), running(relay_of(two, shared)):
            await asyncio.gather(
                *(say(one if at % 2 else two, f"s{at % 5}", 3) for at in range(200))
            )
            await until_published(one)

        log = await log_of(bus)
        for at in range(5):
            assert list(dict.fromkeys(of(log, f"s{at}"))) == list(range(1, 121))


async def test_where_the_log_serves_one_process_a_dead_one_s_lease_is_taken_at_once(
    url: str, bus: Bus
) -> None:
    async with open_store(url) as database:
        dead, next_one = relay_of(database, bus), relay_of(database, bus)
        assert await dead._hold_lease()
        await say(database, "s", 2)

        assert await next_one._hold_lease()
        await next_one.publish_waiting()

        assert of(await log_of(bus), "s") == [1, 2]


async def test_what_was_seen_under_a_lost_lease_is_not_sent_again(url: str, bus: Bus) -> None:
    async with open_store(url) as one, open_store(url) as two:
        shared = Failing(bus)
        first, second = relay_of(one, shared), relay_of(two, shared)
        await say(one, "s", 501)
        assert await first._hold_lease()
        assert (await first.publish_waiting()).more
        await one.run(lambda tx: tx.execute(text("UPDATE leases SET expires = 0")))
        assert await second._hold_lease()
        assert (await second.publish_waiting()).published == 1
        await say(two, "s")
        await one.run(lambda tx: tx.execute(text("UPDATE leases SET expires = 0")))

        first._renewed = 0.0
        assert await first._hold_lease()
        await first.publish_waiting()

        assert of(await log_of(bus), "s") == list(range(1, 503))


async def test_the_next_relay_holds_back_what_the_last_one_s_log_refused(
    url: str, bus: Bus
) -> None:
    async with open_store(url) as database:
        failing = Failing(bus)
        first, second = relay_of(database, failing), relay_of(database, failing)
        await say(database, "bad", 2)
        await say(database, "good")
        assert await first._hold_lease()
        failing.prefix, failing.refuses = 0, True
        await first.publish_waiting()
        await first.stop()

        assert await second._hold_lease()
        while (await second.publish_waiting()).more:
            pass

        log = await log_of(bus)
        assert (of(log, "bad"), of(log, "good")) == ([], [1])
