"""One suite for both databases: the transaction, group commit, what is said, timers, leases."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from shared.clock import FixedClock
from shared.contracts.envelope import read_header
from shared.errors import Conflict, Transient
from shared.store import leases
from shared.store.batch import Batcher
from shared.store.database import Database
from shared.store.engine import make_writer
from shared.store.lists import unless_there
from shared.store.timers import Timer, Timers
from shared.telemetry import Metrics
from tests.contract.store_engines import (
    COUNTS,
    FRAME,
    NOW,
    add,
    asyncpg_url,
    count,
    due,
    make_tables,
    open_store,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from shared.store.transaction import Tx


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        address = f"sqlite+aiosqlite:///{tmp_path / 'state.db'}"
    else:
        address = asyncpg_url(request.getfixturevalue("postgres_database"))
    await make_tables(address)
    return address


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with open_store(url) as opened:
        yield opened


async def arm(subject: str, due_at: datetime, tx: Tx) -> None:
    tx.arm("t", subject=subject, due_at=due_at)


async def disarm(subject: str, tx: Tx) -> None:
    tx.disarm("t", subject=subject)


async def outbox(database: Database) -> list[tuple[str, int]]:
    async with database.reading() as connection:
        rows = await connection.execute(select(FRAME.outbox.c.event).order_by(FRAME.outbox.c.id))
        headers = [read_header(row.event.encode()) for row in rows]
    return [(header.subject, header.sequence) for header in headers]


async def test_a_unit_that_fails_leaves_nothing_behind(database: Database) -> None:
    async def unit(tx: Tx) -> None:
        await add(tx, "a")
        tx.say(due(), subject="c1", unit="root")
        raise Conflict("no")

    with pytest.raises(Conflict):
        await database.run(unit)

    assert await count(database, "a") == 0
    assert await outbox(database) == []


async def test_a_unit_that_fails_costs_only_itself_when_many_share_a_commit(
    database: Database,
) -> None:
    async def good(tx: Tx) -> None:
        await add(tx, "good")
        tx.say(due(), subject="c1", unit="root")

    async def bad(tx: Tx) -> None:
        await add(tx, "bad")
        tx.say(due(), subject="c1", unit="root")
        raise Conflict("no")

    results = await asyncio.gather(
        *(database.run(bad if at % 5 == 0 else good) for at in range(50)), return_exceptions=True
    )

    assert sum(isinstance(result, Conflict) for result in results) == 10
    assert await count(database, "good") == 40
    assert await count(database, "bad") == 0
    assert [sequence for _, sequence in await outbox(database)] == list(range(1, 41))


async def test_small_writes_that_wait_together_share_commits_on_sqlite(tmp_path: Path) -> None:
    address = f"sqlite+aiosqlite:///{tmp_path / 'state.db'}"
    await make_tables(address)
    async with open_store(address) as database:
        await asyncio.gather(*(database.run(lambda tx: add(tx, "n")) for _ in range(200)))

        assert await count(database, "n") == 200
        assert database.commits <= 20


async def test_S1_concurrent_read_then_write_units_lose_nothing_and_never_fail(
    database: Database,
) -> None:
    async def unit(tx: Tx) -> None:
        await tx.lock("n")
        row = await tx.row(select(COUNTS.c.n).where(COUNTS.c.name == "n"))
        await asyncio.sleep(0)
        n = row.n if row else 0
        new = tx.upsert(COUNTS).values(name="n", n=n + 1)
        await tx.execute(new.on_conflict_do_update(index_elements=["name"], set_={"n": n + 1}))

    await asyncio.gather(*(database.run(unit) for _ in range(40)))

    assert await count(database, "n") == 40


async def test_S4_a_cancelled_caller_never_leaves_half_a_transaction(database: Database) -> None:
    """INVARIANT: a unit commits whole or not at all, also when whoever asked is gone.

    Awaiting the transaction in the caller's own task would break this.
    """

    async def unit(tx: Tx) -> None:
        await add(tx, "left")
        await asyncio.sleep(0)
        await add(tx, "right")

    for ticks in range(60):
        task = asyncio.create_task(database.run(unit))
        for _ in range(ticks % 12):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    await asyncio.gather(*database._running)  # what was begun ends by itself
    await database.run(
        lambda tx: add(tx, "after")
    )  # the connection is not left inside a transaction
    assert await count(database, "left") == await count(database, "right") <= 60
    assert await count(database, "after") == 1


async def test_sequences_of_a_subject_are_dense_and_in_commit_order(database: Database) -> None:
    async def unit(tx: Tx) -> None:
        for subject in ("b", "a"):
            tx.say(due(), subject=subject, unit="root")

    await asyncio.gather(*(database.run(unit) for _ in range(25)))

    said = await outbox(database)
    for subject in ("a", "b"):
        assert [sequence for one, sequence in said if one == subject] == list(range(1, 26))


async def test_a_batch_with_a_bad_item_still_writes_the_others(database: Database) -> None:
    async def write(tx: Tx, items: Sequence[int]) -> list[int]:
        for item in items:
            if item == 3:
                raise Conflict("three")
            await add(tx, "sum", item)
        return [item * 2 for item in items]

    batcher: Batcher[int, int] = Batcher(database, write)
    results = await asyncio.gather(
        *(batcher.submit(item) for item in range(6)), return_exceptions=True
    )

    assert [result for result in results if isinstance(result, int)] == [0, 2, 4, 8, 10]
    assert isinstance(results[3], Conflict)
    assert await count(database, "sum") == 12


async def test_naive_times_are_refused_and_zones_survive(database: Database) -> None:
    async def read(tx: Tx) -> object:
        return (await tx.execute(select(FRAME.timers.c.due_at))).scalar_one()

    await database.run(partial(arm, "s", NOW.astimezone(tz=None)))

    assert await database.run(read) == NOW
    with pytest.raises(Exception, match="naive"):
        await database.run(partial(arm, "s", NOW.replace(tzinfo=None)))


async def test_a_timer_fires_once_whatever_the_replicas(url: str) -> None:
    clock, fired = FixedClock(NOW), Metrics()

    async def fire(timer: Timer, tx: Tx, _: None) -> None:
        await add(tx, timer.subject)

    async with open_store(url, clock=clock) as one, open_store(url, clock=clock) as two:
        for at in range(30):
            await one.run(partial(arm, f"s{at}", NOW + timedelta(seconds=1)))
        replicas = [
            Timers(database=database, handlers={"t": fire}, context=None, metrics=fired)
            for database in (one, two)
        ]
        assert [await replica.fire_due() for replica in replicas] == [0, 0]  # none early
        clock.advance(timedelta(seconds=1))
        await asyncio.gather(*(replica.fire_due() for replica in replicas))

        assert [await count(one, f"s{at}") for at in range(30)] == [1] * 30


async def test_a_moved_timer_does_not_fire_at_its_old_time_nor_a_cancelled_one_at_all(
    url: str,
) -> None:
    clock = FixedClock(NOW)

    async def fire(timer: Timer, tx: Tx, _: None) -> None:
        await add(tx, timer.subject)

    async with open_store(url, clock=clock) as database:
        timers = Timers(database=database, handlers={"t": fire}, context=None, metrics=Metrics())
        for subject in ("moved", "cancelled"):
            await database.run(partial(arm, subject, NOW + timedelta(seconds=5)))
        await database.run(partial(arm, "moved", NOW + timedelta(seconds=50)))
        await database.run(partial(disarm, "cancelled"))

        clock.advance(timedelta(seconds=10))
        await timers.fire_due()
        assert await count(database, "moved") == await count(database, "cancelled") == 0

        clock.advance(timedelta(seconds=60))
        await timers.fire_due()
        assert (await count(database, "moved"), await count(database, "cancelled")) == (1, 0)


async def test_a_timer_that_fails_alone_is_parked_and_the_others_fire(url: str) -> None:
    async def fire(timer: Timer, tx: Tx, _: None) -> None:
        await add(tx, timer.subject)
        if timer.subject == "bad":
            raise ValueError("broken")

    async with open_store(url) as database:
        for subject in ("good", "bad", "fine"):
            await database.run(partial(arm, subject, NOW))
        timers = Timers(database=database, handlers={"t": fire}, context=None, metrics=Metrics())
        await timers.fire_due()

        assert [await count(database, name) for name in ("good", "bad", "fine")] == [1, 0, 1]
        async with database.reading() as connection:
            row = (
                await connection.execute(
                    select(FRAME.timers).where(FRAME.timers.c.subject == "bad")
                )
            ).one()
        assert row.state == "parked"
        assert "broken" in row.error


async def test_a_lease_has_one_owner_and_its_token_fences_off_a_sleeper(url: str) -> None:
    async with open_store(url) as one, open_store(url) as two:
        held = await leases.take(one, "relay", "one")
        assert held is not None
        assert await leases.take(two, "relay", "two") is None
        assert (await leases.take(one, "relay", "one")) == held  # made to last longer

        await one.run(lambda tx: tx.execute(text("UPDATE leases SET expires = 0")))
        taken = await leases.take(two, "relay", "two")

        assert taken is not None
        assert taken.token > held.token
        assert await leases.take(one, "relay", "one") is None


async def test_a_closed_database_refuses_instead_of_hanging(url: str) -> None:
    async with open_store(url) as database:
        pass
    with pytest.raises(Transient):
        await database.run(lambda tx: add(tx, "n"))


async def test_closing_waits_for_who_reads_so_that_no_connection_stays_open(url: str) -> None:
    seen: list[str] = []
    is_reading, may_end = asyncio.Event(), asyncio.Event()

    async def look(database: Database) -> None:
        async with database.reading() as connection:
            is_reading.set()
            await may_end.wait()
            await connection.execute(text("SELECT 1"))
            seen.append("read")

    async with open_store(url) as database:
        reader = asyncio.ensure_future(look(database))
        await is_reading.wait()
        closing = asyncio.ensure_future(database.close())
        await asyncio.sleep(0)
        may_end.set()
        await closing
        seen.append("closed")
        await reader
        with pytest.raises(Transient, match="closed"):
            await database.ping()
    assert seen == ["read", "closed"]


async def test_a_unit_that_meets_a_deadlock_runs_again(postgres_database: str) -> None:
    address = asyncpg_url(postgres_database)
    await make_tables(address)
    async with open_store(address) as database:
        await database.run(lambda tx: add(tx, "x"))
        await database.run(lambda tx: add(tx, "y"))
        both = asyncio.Barrier(2)
        tries = 0

        async def unit(tx: Tx, names: tuple[str, str]) -> None:
            nonlocal tries
            tries += 1
            await add(tx, names[0])
            if tries <= 2:
                await both.wait()
            await add(tx, names[1])

        await asyncio.gather(
            database.run(lambda tx: unit(tx, ("x", "y"))),
            database.run(lambda tx: unit(tx, ("y", "x"))),
        )

        assert tries > 2
        assert (await count(database, "x"), await count(database, "y")) == (3, 3)


async def test_a_connection_that_the_server_closed_is_replaced_unseen(
    postgres_database: str,
) -> None:
    engine = make_writer(asyncpg_url(postgres_database))
    async with engine.connect() as connection:
        pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        kept = (await connection.get_raw_connection()).driver_connection
    other = make_writer(asyncpg_url(postgres_database))
    async with other.begin() as connection:
        await connection.execute(text(f"SELECT pg_terminate_backend({pid})"))
    await other.dispose()
    async with asyncio.timeout(10):
        while kept is not None and not kept.is_closed():
            await asyncio.sleep(0.01)

    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one() != pid
    await engine.dispose()


async def test_a_batch_waits_a_moment_for_what_the_last_one_s_answers_bring(
    database: Database,
) -> None:
    sizes: list[int] = []

    async def write(_: Tx, items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        return items

    batcher: Batcher[int, int] = Batcher(database, write)
    await asyncio.gather(*(batcher.submit(at) for at in range(8)))
    again = []
    for at in range(8):
        again.append(asyncio.ensure_future(batcher.submit(at)))
        await asyncio.sleep(0)
    await asyncio.gather(*again)

    assert sum(sizes) == 16
    assert sizes[1] >= 4


async def test_a_batch_waits_for_what_is_known_to_be_coming_and_for_nothing_else(
    database: Database,
) -> None:
    sizes: list[int] = []
    coming = 0

    async def write(_: Tx, items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        return items

    batcher: Batcher[int, int] = Batcher(database, write, coming=lambda: coming, patience=60)
    await batcher.submit(0)
    coming = 2
    first = asyncio.ensure_future(batcher.submit(1))
    for _ in range(20):
        await asyncio.sleep(0)
    coming = 0
    await asyncio.gather(first, batcher.submit(2), batcher.submit(3))

    assert sizes == [1, 3]


async def test_rows_added_at_once_keep_their_order_their_json_and_their_instants(
    database: Database,
) -> None:
    table = FRAME.timers
    at = [NOW.astimezone(timezone(timedelta(hours=8))), NOW + timedelta(seconds=1)]
    rows = [
        {"id": str(place), "name": "t", "subject": "s", "key": str(place), "due_at": at[place % 2], "epoch": place,
         "state": "armed", "body": {"zh": "\u5ba2\u670d", "list": [1, None]} if place % 2 else None}
        for place in range(40)
    ]  # fmt: skip

    async def unit(tx: Tx) -> Sequence[object]:
        await tx.add(table, rows)
        await tx.add(table, [{**rows[0], "epoch": 99}], unless_there)
        await tx.add(table, [])
        said = await tx.rows(select(table.c.due_at, table.c.body, table.c.epoch))
        return sorted((row.epoch, row.due_at, row.body) for row in said)

    found = await database.run(unit)

    assert found == [(row["epoch"], row["due_at"], row["body"]) for row in rows]
