"""The contract of the log, held by every engine. What only one engine can be asked stands in test_bus_embedded.py."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from shared.bus.port import MESSAGE_CAP, GroupMoved, Message, MessageRefused
from tests.contract.bus_engines import (
    PATIENCE,
    STEP,
    Engine,
    Names,
    UrlEngine,
    after,
    numbered,
    read_until,
    take,
    take_batch,
    take_until,
    values_by_key,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.bus.port import Bus, Record, Subscription

KEYS = ["a", "b", "c", "d", "e", "f", "g"]


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    url = "embedded"
    if request.param == "kafka":
        url = f"kafka://{request.getfixturevalue('kafka_broker')}"
    engine = UrlEngine(url, tmp_path)
    yield engine
    await engine.close()


@pytest.fixture
async def bus(engine: Engine) -> Bus:
    return await engine.open()


@pytest.fixture
def names() -> Names:
    return Names()


async def test_records_of_a_key_come_in_the_order_they_were_published(
    bus: Bus, names: Names
) -> None:
    topic = names.topic("order")
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(KEYS, 30))
    await bus.publish(topic.name, [Message(key, b"last") for key in KEYS])

    async with bus.subscribe(names.group("g"), [topic.name]) as subscription:
        taken = await take(subscription, 31 * len(KEYS))

    assert values_by_key(taken) == {
        key: [*(f"{key}/{number}" for number in range(30)), "last"] for key in KEYS
    }


async def test_a_key_stays_in_its_partition(engine: Engine, bus: Bus, names: Names) -> None:
    topic = names.topic("places", partitions=12)
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(KEYS, 2))
    bus = await engine.open()
    await bus.publish(topic.name, numbered(KEYS, 2))

    async with bus.read(topic.name) as reader:
        records = await read_until(reader, lambda found: len(found) == 4 * len(KEYS))

    places = {record.key: record.slot.partition for record in records}
    assert len({(record.key, record.slot) for record in records}) == len(KEYS)
    # MurmurHash2, as Kafka's clients place keys: the same in every engine.
    assert places == {"a": 4, "b": 8, "c": 10, "d": 5, "e": 2, "f": 3, "g": 3}


async def test_what_publish_returned_is_there_after_reopening(
    engine: Engine, bus: Bus, names: Names
) -> None:
    topic = names.topic("kept")
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(KEYS, 5))

    bus = await engine.open()

    async with bus.read(topic.name) as reader:
        records = await read_until(reader, lambda _: reader.caught_up)
    assert sorted(record.value for record in records) == sorted(m.value for m in numbered(KEYS, 5))


async def test_a_new_group_starts_at_the_beginning(bus: Bus, names: Names) -> None:
    topic = names.topic("begin")
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(["a"], 3))

    async with bus.subscribe(names.group("late"), [topic.name]) as subscription:
        taken = await take(subscription, 3)

    assert [record.offset for record in taken] == [0, 1, 2]


async def test_a_group_goes_on_exactly_where_it_committed(
    engine: Engine, bus: Bus, names: Names
) -> None:
    topic, group = names.topic("go-on"), names.group("g")
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(KEYS, 4))
    async with bus.subscribe(group, [topic.name]) as subscription:
        first = await take(subscription, 4 * len(KEYS))
    await bus.publish(topic.name, [Message(key, f"{key}/new".encode()) for key in KEYS])

    bus = await engine.open()
    async with bus.subscribe(group, [topic.name]) as subscription:
        second = await take(subscription, len(KEYS))

    assert len(first) == 4 * len(KEYS)
    assert values_by_key(second) == {key: [f"{key}/new"] for key in KEYS}


async def test_a_backlog_is_taken_topic_after_topic_where_that_is_asked_and_what_is_new_from_all_in_turn(
    bus: Bus, names: Names
) -> None:
    chain = [names.topic(name, partitions=2) for name in "cadb"]
    in_order = [topic.name for topic in chain]
    await bus.create_topics(chain)
    for name in reversed(in_order):
        await bus.publish(name, numbered("abcdefgh", 5))
    taken: list[str] = []

    async with bus.subscribe(names.group("g"), in_order, in_order=True) as subscription:

        async def take_more(until: int) -> None:
            while len(taken) < until:
                batch = await take_batch(subscription, at_most=10)
                taken.extend(slot.topic for slot, records in batch.items() for _ in records)
                await subscription.commit(after(batch))

        await take_more(160)
        for name in in_order:
            await bus.publish(name, numbered("abcdefgh", 5))
        await take_more(320)

    assert taken[:160] == [name for name in in_order for _ in range(40)]
    assert set(taken[160:]) == set(in_order)


async def test_what_was_not_committed_comes_again(bus: Bus, names: Names) -> None:
    topic, group = names.topic("again", partitions=1), names.group("g")
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(["a"], 10))
    async with bus.subscribe(group, [topic.name]) as subscription:
        batch = await take_batch(subscription, at_most=10)
        slot = next(iter(batch))
        await subscription.commit({slot: 4})

    async with bus.subscribe(group, [topic.name]) as subscription:
        taken = await take(subscription, 6)

    assert [record.offset for record in taken] == [4, 5, 6, 7, 8, 9]


async def test_rewinding_reads_again_and_only_there(bus: Bus, names: Names) -> None:
    topic = names.topic("rewind")
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(KEYS, 6))
    async with bus.subscribe(names.group("g"), [topic.name]) as subscription:
        first = await take_until(
            subscription, lambda taken: len(taken) >= 6 * len(KEYS), commit=False
        )
        slot = first[0].slot
        again = [record for record in first if record.slot == slot and record.offset >= 2]
        await subscription.rewind({slot: 2})

        second = await take(subscription, len(again))

    assert second == again


async def test_at_most_bounds_what_one_call_takes_and_nothing_is_skipped(
    bus: Bus, names: Names
) -> None:
    topic = names.topic("bounded")
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(KEYS, 10))
    sizes: list[int] = []
    records: list[Record] = []
    async with (
        bus.subscribe(names.group("g"), [topic.name]) as subscription,
        asyncio.timeout(PATIENCE),
    ):
        while len(records) < 10 * len(KEYS):
            batch = await subscription.take(at_most=7, wait=STEP)
            sizes.append(sum(map(len, batch.values())))
            records += [record for part in batch.values() for record in part]

    assert max(sizes) <= 7
    assert values_by_key(records) == {key: [f"{key}/{n}" for n in range(10)] for key in KEYS}


async def test_two_members_share_the_partitions_and_one_takes_over_from_the_other(
    engine: Engine, bus: Bus, names: Names
) -> None:
    topic, group = names.topic("share", partitions=4), names.group("g")
    await bus.create_topics([topic])
    other_bus = await engine.another() if bus.features.many_processes else bus
    keys = [f"key-{number}" for number in range(24)]
    seen: Counter[bytes] = Counter()
    slots: dict[int, set[int]] = {0: set(), 1: set()}

    async with bus.subscribe(group, [topic.name]) as stays:
        async with other_bus.subscribe(group, [topic.name]) as leaves:
            pending, both = 0, False
            async with asyncio.timeout(PATIENCE):
                while not both:
                    await bus.publish(
                        topic.name, [Message(key, f"{pending}".encode()) for key in keys]
                    )
                    pending += 1
                    rounds = await asyncio.gather(_some(stays, slots[0]), _some(leaves, slots[1]))
                    seen.update(value for part in rounds for value in part)
                    both = len(slots[1]) == 2 and bool(slots[0] - slots[1])
            # Taken by the one that leaves, and not committed: it must come to the one that stays.
            await bus.publish(topic.name, [Message(key, b"handed over") for key in keys])
            await take_batch(leaves)
        taken = await take_until(
            stays, lambda taken: sum(record.value == b"handed over" for record in taken) == 24
        )
        seen.update(record.value for record in taken)

    assert {record.slot.partition for record in taken} == {0, 1, 2, 3}
    assert all(seen[f"{number}".encode()] >= 24 for number in range(pending))


async def _some(subscription: Subscription, partitions: set[int]) -> list[bytes]:
    batch = await subscription.take(at_most=100, wait=STEP)
    if batch:
        try:
            await subscription.commit(after(batch))
        except GroupMoved:
            return []
        partitions.clear()
        partitions.update(slot.partition for slot in batch)
    return [record.value for records in batch.values() for record in records]


async def test_a_commit_that_comes_too_late_moves_nothing_back(
    engine: Engine, bus: Bus, names: Names
) -> None:
    """INVARIANT: a member that lost a partition cannot undo what the new one recorded."""
    topic, group = names.topic("late", partitions=2), names.group("g")
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered([f"key-{number}" for number in range(8)], 3))
    other_bus = await engine.another() if bus.features.many_processes else bus
    async with bus.subscribe(group, [topic.name]) as slow:
        stale = await take_until(slow, lambda taken: len(taken) >= 24, commit=False)
        # From here on `slow` says nothing until its partition was given to `quick`.
        async with other_bus.subscribe(group, [topic.name]) as quick:
            held = asyncio.create_task(slow.take(at_most=1, wait=STEP))
            batch = await take_batch(quick)
            await quick.commit(after(batch))
            (lost,) = batch
            with pytest.raises(GroupMoved):
                await slow.commit({lost: 1})
            await held
    async with bus.subscribe(group, [topic.name]) as again:
        rest = await take(again, sum(record.slot != lost for record in stale))

    assert not [record for record in rest if record.slot == lost]


async def test_a_paused_partition_gives_nothing_until_it_is_resumed(bus: Bus, names: Names) -> None:
    topic = names.topic("pause", partitions=2)
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(KEYS, 2))
    async with bus.subscribe(names.group("g"), [topic.name]) as subscription:
        first = await take(subscription, 2 * len(KEYS))
        paused = first[0].slot
        flows = {record.key for record in first if record.slot != paused}
        waits = set(KEYS) - flows

        subscription.pause([paused])
        await bus.publish(topic.name, [Message(key, b"meanwhile") for key in KEYS])
        taken = await take(subscription, len(flows))
        assert {record.key for record in taken} == flows
        assert await subscription.take(at_most=10, wait=STEP) == {}

        subscription.resume([paused])
        taken = await take(subscription, len(waits))

    assert {record.key for record in taken} == waits


async def test_a_reader_reads_the_whole_topic_and_then_what_is_new(bus: Bus, names: Names) -> None:
    topic = names.topic("whole")
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(KEYS, 3))
    async with bus.subscribe(names.group("g"), [topic.name]) as subscription:
        await take(subscription, 3 * len(KEYS))  # a group's offsets mean nothing to a reader

    async with bus.read(topic.name) as reader:
        begins = reader.caught_up
        old = await read_until(reader, lambda _: reader.caught_up)
        await bus.publish(topic.name, numbered(["new"], 1))
        new = await read_until(reader, lambda found: len(found) > 0)

        assert reader.caught_up
    assert not begins
    assert len(old) == 3 * len(KEYS)
    assert [record.key for record in new] == ["new"]


async def test_a_reader_of_an_empty_topic_has_caught_up_at_once(bus: Bus, names: Names) -> None:
    topic = names.topic("empty")
    await bus.create_topics([topic])

    async with bus.read(topic.name) as reader:
        assert reader.caught_up
        assert list(await reader.read(wait=STEP)) == []


async def test_two_groups_do_not_touch_each_other(bus: Bus, names: Names) -> None:
    topic = names.topic("two")
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(KEYS, 2))

    async with (
        bus.subscribe(names.group("one"), [topic.name]) as one,
        bus.subscribe(names.group("other"), [topic.name]) as other,
    ):
        first = await take(one, 2 * len(KEYS))
        second = await take(other, 2 * len(KEYS))

    assert values_by_key(first) == values_by_key(second)


async def test_lag_is_what_a_group_has_not_committed(bus: Bus, names: Names) -> None:
    topic, group = names.topic("lag", partitions=2), names.group("g")
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(KEYS, 3))
    never = await bus.lag(group, [topic.name])
    async with bus.subscribe(group, [topic.name]) as subscription:
        taken = await take(subscription, 3 * len(KEYS), commit=False)
        slot = taken[0].slot
        await subscription.commit({slot: 2})

    now = await bus.lag(group, [topic.name])

    assert sum(never.values()) == 3 * len(KEYS)
    assert never[slot] - now[slot] == 2
    assert sum(never.values()) - sum(now.values()) == 2


async def test_too_large_a_message_is_refused_and_the_order_of_the_others_goes_on(
    bus: Bus, names: Names
) -> None:
    topic = names.topic("large", partitions=1)
    await bus.create_topics([topic])
    messages = [
        Message("a", b"1"),
        Message("b", b"2"),
        Message("a", b"x" * (MESSAGE_CAP + 1)),
        Message("a", b"3"),
    ]

    with pytest.raises(MessageRefused) as refused:
        await bus.publish(topic.name, messages)
    await bus.publish(topic.name, messages[refused.value.acknowledged + 1 :])

    assert refused.value.acknowledged == 2
    async with bus.read(topic.name) as reader:
        records = await read_until(reader, lambda _: reader.caught_up)
    assert [record.value for record in records] == [b"1", b"2", b"3"]


async def test_a_message_of_the_cap_is_taken(bus: Bus, names: Names) -> None:
    topic = names.topic("cap", partitions=1)
    await bus.create_topics([topic])
    whole = Message("k", bytes(MESSAGE_CAP - 1))

    await bus.publish(topic.name, [whole, whole])

    async with bus.subscribe(names.group("g"), [topic.name]) as subscription:
        taken = await take(subscription, 2)
    assert [len(record.value) for record in taken] == [MESSAGE_CAP - 1] * 2


async def test_topics_are_published_to_at_the_same_time(bus: Bus, names: Names) -> None:
    topics = [names.topic(f"at-once-{number}") for number in range(4)]
    await bus.create_topics(topics)

    async def publish(name: str) -> None:
        for number in range(10):
            await bus.publish(
                name, [Message("k", f"{number}/{part}".encode()) for part in range(5)]
            )

    await asyncio.gather(*(publish(topic.name) for topic in topics))

    expected = [f"{number}/{part}" for number in range(10) for part in range(5)]
    for topic in topics:
        async with bus.read(topic.name) as reader:
            records = await read_until(reader, lambda found: len(found) >= len(expected))
        assert values_by_key(records) == {"k": expected}


async def test_creating_topics_twice_changes_nothing(
    engine: Engine, bus: Bus, names: Names
) -> None:
    topic = names.topic("twice")
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(KEYS, 1))

    await bus.create_topics([topic, names.topic("another")])
    bus = await engine.open()
    await bus.create_topics([topic])

    async with bus.read(topic.name) as reader:
        records = await read_until(reader, lambda _: reader.caught_up)
    assert len(records) == len(KEYS)


async def test_keys_and_values_come_back_byte_for_byte(bus: Bus, names: Names) -> None:
    topic = names.topic("bytes", partitions=5)
    await bus.create_topics([topic])
    messages = [
        Message("投诉/上海", '{"text":"退款一直没有到账，客服电话打不通😡"}'.encode()),
        Message("naïve é", bytes(range(256))),
        Message("empty", b""),
    ]

    await bus.publish(topic.name, messages)

    async with bus.read(topic.name) as reader:
        records = await read_until(reader, lambda _: reader.caught_up)
    assert {Message(record.key, record.value) for record in records} == set(messages)


async def test_publishing_nothing_is_harmless(bus: Bus, names: Names) -> None:
    topic = names.topic("nothing")
    await bus.create_topics([topic])

    await bus.publish(topic.name, [])

    assert sum((await bus.lag(names.group("g"), [topic.name])).values()) == 0


async def test_a_group_can_be_moved_behind_all_that_is_there(bus: Bus, names: Names) -> None:
    topic, group = names.topic("skip"), names.group("skip")
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(KEYS, 5))

    await bus.skip_to_end(group, [topic.name])

    assert sum((await bus.lag(group, [topic.name])).values()) == 0
    await bus.publish(topic.name, [Message("new", b"new")])
    async with bus.subscribe(group, [topic.name]) as subscription:
        [record] = await take(subscription, 1)
    assert record.value == b"new"


async def test_a_reader_tells_where_the_topic_ended_when_it_was_opened(
    bus: Bus, names: Names
) -> None:
    topic = names.topic("goal")
    await bus.create_topics([topic])
    await bus.publish(topic.name, numbered(KEYS, 2))

    async with bus.read(topic.name) as reader:
        await bus.publish(topic.name, numbered(KEYS, 2))
        records = await read_until(reader, lambda found: len(found) == 4 * len(KEYS))

    assert len(reader.goal) == topic.partitions
    before = [one for one in records if one.offset < reader.goal[one.slot]]
    assert len(before) == 2 * len(KEYS)
