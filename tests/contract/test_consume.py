"""The consumer, on both databases: each event's effect once, in order, and bad ones cost only their key."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy import select, text, update

from shared.bus.consume import Consumer, Delivery, Subscriptions, divided
from shared.bus.port import Record, Slot
from shared.clock import FixedClock
from shared.contracts.envelope import Event, Header, encode, read_header
from shared.contracts.followup import CallbackDone, CallbackDue
from shared.contracts.notify import MessageAccepted
from shared.errors import NotHereYet, Transient
from shared.store import parked
from shared.store.progress import Verdict, judge
from shared.telemetry import Metrics
from tests.contract.store_engines import (
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
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.bus.port import Bus
    from shared.store.database import Database
    from shared.store.transaction import Tx

SLOT = Slot("redress.cases", 0)


class Book:
    """What a handler did, and what it must fail on."""

    def __init__(self) -> None:
        self.breaks_on: set[str] = set()
        self.is_early: set[str] = set()
        self.is_away = False
        self.is_away_for: set[str] = set()


async def handle(event: Event[Any], tx: Tx, book: Book) -> None:
    await add(tx, event.subject, event.body.cycle)
    await add(tx, f"{event.subject} events")
    if book.is_away or event.subject in book.is_away_for:
        raise Transient("away")
    if event.subject in book.is_early:
        raise NotHereYet(f"{event.subject} has not arrived yet")
    if event.subject in book.breaks_on:
        raise ValueError(f"cannot apply {event.subject}")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        address = f"sqlite+aiosqlite:///{tmp_path / 'state.db'}"
    else:
        address = asyncpg_url(request.getfixturevalue("postgres_database"))
    await make_tables(address)
    return address


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
async def database(url: str, clock: FixedClock) -> AsyncIterator[Database]:
    async with open_store(url, service="notify", clock=clock) as opened:
        yield opened


@pytest.fixture
def book() -> Book:
    return Book()


def consumer_of(database: Database, book: Book, *, lanes: int = 1) -> Consumer[Book]:
    """Records are handed to it: it needs no log."""
    no_bus = cast("Bus", None)
    subscriptions: Subscriptions[Book] = {CallbackDue: handle, MessageAccepted: handle}
    return Consumer(
        database=database, bus=no_bus, subscriptions=subscriptions, context=book, metrics=Metrics(), lanes=lanes,
    )  # fmt: skip


@pytest.fixture
def consumer(database: Database, book: Book) -> Consumer[Book]:
    return consumer_of(database, book)


def record(
    subject: str, sequence: int, *, amount: int = 1, type_: str = "", offset: int = 0
) -> Record:
    event: Event[Any] = Event(
        id=f"{subject}-{sequence}",
        source="/redress/followup",
        type=type_ or f"redress.{CallbackDue.name}",
        subject=subject,
        sequence=sequence,
        unit="root",
        time=NOW,
        body=due(cycle=amount),
    )
    return Record(SLOT, offset or sequence, subject, encode(event))


async def mark(database: Database, subject: str) -> int:
    query = select(FRAME.progress.c.last_sequence).where(FRAME.progress.c.subject == subject)
    async with database.reading() as connection:
        return (await connection.execute(query)).scalar() or 0


async def parked_rows(database: Database) -> list[tuple[str, int, str]]:
    table = FRAME.parked
    query = select(table.c.subject, table.c.sequence, table.c.reason).order_by(
        table.c.subject, table.c.sequence
    )
    async with database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return [(row.subject, row.sequence, row.reason) for row in rows]


def test_the_mark_alone_decides() -> None:
    def verdict(sequence: int, *, bounded: bool = False, waiting: bool = False) -> Verdict:
        return judge(last=5, sequence=sequence, is_bounded=bounded, is_parked=waiting)

    assert [verdict(at) for at in (1, 5, 6, 7)] == [
        Verdict.DROP,
        Verdict.DROP,
        Verdict.APPLY,
        Verdict.PARK,
    ]
    assert verdict(9, bounded=True) is Verdict.APPLY
    assert verdict(9, bounded=True, waiting=True) is Verdict.PARK


async def test_an_event_delivered_again_has_its_effect_once(
    database: Database, consumer: Consumer[Book]
) -> None:
    batch = [record("a", 1), record("a", 2), record("b", 1)]
    for _ in range(3):
        await consumer.apply(batch)
    await consumer.apply([record("a", 2), record("a", 3), record("a", 3)])

    assert (await count(database, "a events"), await count(database, "b events")) == (3, 1)


async def test_any_shuffle_of_duplicates_gives_each_effect_once(
    database: Database, consumer: Consumer[Book]
) -> None:
    deliveries = [record(subject, at) for subject in "abcd" for at in range(1, 9)] * 3
    random.Random(7).shuffle(deliveries)
    for start in range(0, len(deliveries), 10):
        await consumer.apply(deliveries[start : start + 10])
        await consumer.retry_parked()

    assert [await count(database, f"{subject} events") for subject in "abcd"] == [8, 8, 8, 8]
    assert [await mark(database, subject) for subject in "abcd"] == [8, 8, 8, 8]
    assert await parked_rows(database) == []


async def test_a_gap_waits_and_drains_when_what_was_missing_comes(
    database: Database, consumer: Consumer[Book]
) -> None:
    await consumer.apply([record("a", 3), record("b", 1), record("a", 2)])
    assert await parked_rows(database) == [("a", 2, "gap"), ("a", 3, "gap")]
    assert await count(database, "b events") == 1

    await consumer.apply([record("a", 1)])
    await consumer.retry_parked()

    assert await count(database, "a events") == 3
    assert await parked_rows(database) == []


async def test_a_poison_event_is_parked_with_its_key_and_the_others_flow(
    database: Database, consumer: Consumer[Book], book: Book
) -> None:
    book.breaks_on = {"bad"}
    await consumer.apply([record("good", 1), record("bad", 1), record("bad", 2), record("good", 2)])

    assert await count(database, "good events") == 2
    assert await count(database, "bad events") == 0
    assert await parked_rows(database) == [("bad", 1, "failed"), ("bad", 2, "gap")]


async def test_a_parked_key_is_tried_again_after_1_5_15_and_30_seconds_then_waits_for_a_person(
    database: Database, consumer: Consumer[Book], book: Book, clock: FixedClock
) -> None:
    book.breaks_on = {"bad"}
    await consumer.apply([record("bad", 1)])
    for seconds in (1, 5, 15, 30):
        clock.advance(timedelta(seconds=seconds - 0.5))
        assert await parked.due(database, now=clock.now()) == []
        clock.advance(timedelta(seconds=1))
        assert len(await parked.due(database, now=clock.now())) == 1
        await consumer.retry_parked()
    clock.advance(timedelta(days=2))
    assert await parked.due(database, now=clock.now()) == []

    book.breaks_on = set()
    await database.run(lambda tx: tx.execute(update(FRAME.parked).values(next_try_at=clock.now())))
    await consumer.retry_parked()
    assert await count(database, "bad events") == 1


async def test_what_passes_by_itself_is_no_failure(
    database: Database, consumer: Consumer[Book], book: Book
) -> None:
    book.is_away = True
    with pytest.raises(Transient):
        await consumer.apply([record("a", 1)])
    book.is_away = False
    await consumer.apply([record("a", 1)])

    assert await count(database, "a events") == 1
    assert await parked_rows(database) == []


async def test_what_waits_for_another_topic_holds_no_other_key_and_is_tried_for_ever(
    database: Database, consumer: Consumer[Book], book: Book, clock: FixedClock
) -> None:
    """INVARIANT: a cold start never waits behind what it waits for.

    Giving the whole batch back until the missing event came would break this: it may be behind that batch.
    """
    book.is_early = {"early"}
    await consumer.apply([record("early", 1), record("good", 1), record("early", 2)])
    assert await count(database, "good events") == 1
    assert await parked_rows(database) == [("early", 1, "waiting"), ("early", 2, "gap")]
    assert await parked.count(database) == 0, "that is nothing for a person yet"
    for _ in range(8):
        clock.advance(timedelta(seconds=31))
        await consumer.retry_parked()
    assert await parked.count(database) == 1

    book.is_early = set()
    clock.advance(timedelta(seconds=31))
    await consumer.retry_parked()
    assert await count(database, "early events") == 2
    assert await parked_rows(database) == []


async def test_ignored_and_unknown_types_advance_the_mark(
    database: Database, consumer: Consumer[Book]
) -> None:
    ignored = record("a", 1, type_=f"redress.{CallbackDone.name}")
    unknown = record("a", 2, type_="redress.something.new.v1")
    await consumer.apply([ignored, unknown, record("a", 3)])

    assert await mark(database, "a") == 3
    assert await count(database, "a events") == 1


async def test_a_newer_major_version_waits_for_the_next_deploy(
    database: Database, consumer: Consumer[Book]
) -> None:
    await consumer.apply([record("a", 1, type_="redress.callback.due.v2"), record("a", 2)])

    assert await parked_rows(database) == [("a", 1, "version"), ("a", 2, "gap")]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"specversion": "2.0"}',
        b'{"specversion":"1.0","id":"x","source":"/s","type":"t","subject":"c"}',
        b'{"specversion":"1.0","id":"x","source":"/s","type":"t","subject":"c\\u0000","sequence":1}',
        b'{"specversion":"1.0","id":"x","source":"/s","type":"t","subject":"c","sequence":NaN}',
        b"{" * 5_000,
    ],
)
async def test_an_unreadable_record_is_kept_and_stops_nobody(
    database: Database, consumer: Consumer[Book], value: bytes
) -> None:
    await consumer.apply([Record(SLOT, 41, "k", value), record("a", 1)])

    assert await count(database, "a events") == 1
    [(subject, _, reason)] = await parked_rows(database)
    assert (subject, reason) == ("k", "unreadable")


async def test_two_replicas_with_the_same_records_have_each_effect_once(
    url: str, clock: FixedClock
) -> None:
    import asyncio

    async with (
        open_store(url, service="notify", clock=clock) as one,
        open_store(url, service="notify", clock=clock) as two,
    ):
        replicas = [consumer_of(each, Book()) for each in (one, two)]
        records = [record(f"s{at % 10}", at // 10 + 1) for at in range(200)]
        await asyncio.gather(*(replica.apply(records) for replica in replicas))

        assert [await count(one, f"s{at} events") for at in range(10)] == [20] * 10
        assert await one.run(lambda tx: _count_rows(tx)) == 10


async def _count_rows(tx: Tx) -> int:
    return int((await tx.execute(text("SELECT count(*) FROM progress"))).scalar_one())


def test_lanes_keep_what_is_about_one_subject_together_and_in_order() -> None:
    subjects = [f"subject-{at % 17}" for at in range(400)]
    deliveries = [
        Delivery(Header(str(at), "/redress/intake", "t", subject, at + 1, {}), b"")
        for at, subject in enumerate(subjects)
    ]

    lanes = divided(deliveries, 2)

    assert len(lanes) == 2
    assert sorted(one.header.sequence for lane in lanes for one in lane) == list(range(1, 401))
    where = {one.key.subject: lane for lane in (0, 1) for one in lanes[lane]}
    for lane in (0, 1):
        assert all(where[one.key.subject] == lane for one in lanes[lane])
        ordered = [one.header.sequence for one in lanes[lane]]
        assert ordered == sorted(ordered)
    assert divided(deliveries[:99], 2) == [deliveries[:99]]


async def test_a_batch_in_lanes_is_applied_once_and_in_order_and_a_poison_event_costs_its_key(
    database: Database, book: Book
) -> None:
    consumer = consumer_of(database, book, lanes=2)
    book.breaks_on = {"s3"}
    batch = [record(f"s{at}", sequence) for sequence in (1, 2) for at in range(60)]

    await consumer.apply(batch)
    await consumer.apply(batch)

    applied = [await count(database, f"s{at} events") for at in range(60)]
    assert applied == [0 if at == 3 else 2 for at in range(60)]
    assert await parked_rows(database) == [("s3", 1, "failed"), ("s3", 2, "gap")]


async def test_where_one_lane_is_away_the_batch_is_and_the_other_is_not_done_again(
    database: Database, book: Book
) -> None:
    consumer = consumer_of(database, book, lanes=2)
    batch = [record(f"s{at}", 1) for at in range(120)]
    lanes = divided([Delivery(read_header(one.value), one.value) for one in batch], 2)
    book.is_away_for = {lanes[0][0].key.subject}

    with pytest.raises(Transient):
        await consumer.apply(batch)
    book.is_away_for = set()
    await consumer.apply(batch)

    assert [await count(database, f"s{at} events") for at in range(120)] == [1] * 120
