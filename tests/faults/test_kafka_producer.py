"""What was measured about aiokafka's producer, as promises of the Kafka engine."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.producer.message_accumulator import MessageBatch

from shared.bus.kafka.bus import open_kafka
from shared.bus.kafka.ending import abandon
from shared.bus.port import (
    MESSAGE_CAP,
    BusMisconfigured,
    Message,
    MessageRefused,
    PublishFailed,
    Topic,
)
from tests.contract.bus_engines import Names, read_until
from tests.faults.kafka_faults import PATIENCE, impatient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.kafka import Broker
    from shared.bus.kafka.bus import KafkaBus

PROBE = b"p" * 5000
BOUND = 12.0  # seconds an ending may take with the broker away


async def _relay(bus: KafkaBus, topic: str, messages: Sequence[Message]) -> list[int]:
    """Publish as a relay does, from the acknowledged prefix on; the indices that were refused."""
    at, refused = 0, []
    async with asyncio.timeout(PATIENCE):
        while at < len(messages):
            try:
                await bus.publish(topic, messages[at:])
            except MessageRefused as error:
                at += error.acknowledged + 1
                refused.append(at - 1)
            except PublishFailed as error:
                at += error.acknowledged
            else:
                return refused
    return refused


async def _values(bus: KafkaBus, topic: str) -> list[bytes]:
    async with asyncio.timeout(PATIENCE), bus.read(topic) as reader:
        records = await read_until(reader, lambda _: reader.caught_up)
    return [record.value for record in records]


async def _limit(server: str, topic: str, size: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=server)
    await admin.start()
    limit = ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": str(size)})
    await admin.alter_configs([limit])
    await admin.close()


async def _until_it_holds(bus: KafkaBus, topic: str) -> None:
    """A broker learns of a changed limit a moment after it has agreed to it."""
    while True:
        try:
            await bus.publish(topic, [Message("probe", PROBE)])
        except MessageRefused:
            return
        await asyncio.sleep(0.05)


async def test_T2_a_refused_record_never_wedges_the_records_after_it(kafka_broker: str) -> None:
    """INVARIANT: one record the broker refuses costs that record, and no other.

    Going on with the same idempotent producer would refuse every later one for ever.
    """
    topic = Names().topic("refused", partitions=1)
    async with open_kafka(impatient(kafka_broker)) as bus:
        await bus.create_topics([topic])
        await bus.publish(topic.name, [Message("k", b"0")])
        await _limit(kafka_broker, topic.name, 2000)
        await _until_it_holds(bus, topic.name)
        messages = [
            Message("k", b"1"),
            Message("k", b"x" * 5000),
            Message("k", b"2"),
            *(Message("k", f"{number}".encode() * 100) for number in range(3, 60)),
        ]

        refused = await _relay(bus, topic.name, messages)
        await bus.publish(topic.name, [Message("k", b"after")])

        found = [value for value in await _values(bus, topic.name) if value != PROBE]
    kept = [message.value for message in messages if len(message.value) < 2000]
    assert refused == [1]
    assert found == [b"0", *kept, b"after"]


async def test_T2_a_topic_that_would_refuse_our_largest_message_is_found_at_the_start(
    kafka_broker: str,
) -> None:
    topic = Names().topic("narrow")
    async with open_kafka(impatient(kafka_broker)) as bus:
        await bus.create_topics([topic])
        await _limit(kafka_broker, topic.name, MESSAGE_CAP)

        with pytest.raises(BusMisconfigured, match=r"max\.message\.bytes"):
            await bus.create_topics([topic])


async def test_T3_a_leaderless_partition_recovers_without_a_restart(own_kafka: Broker) -> None:
    """INVARIANT: a broker away for longer than any time limit is only a pause."""
    topic = Topic("away", partitions=2)
    async with open_kafka(impatient(own_kafka.bootstrap)) as bus:
        await bus.create_topics([topic])
        await bus.publish("away", [Message("k", b"0")])
        await asyncio.to_thread(own_kafka.kill9)
        for _ in range(2):
            with pytest.raises(PublishFailed) as failed:
                await bus.publish("away", [Message("k", b"1")])
            assert failed.value.acknowledged == 0
        await asyncio.to_thread(own_kafka.start)

        await _relay(bus, "away", [Message("k", b"1"), Message("k", b"2")])
        found = await _values(bus, "away")

    assert _without_repeats(found) == [b"0", b"1", b"2"]


async def test_T4_a_timed_out_send_is_unknown_and_never_doubled_out_of_order(
    own_kafka: Broker,
) -> None:
    """INVARIANT: a copy that still lands comes before what is published afterwards.

    A producer left alive would deliver its copy behind newer records of the key.
    """
    topic = Topic("late", partitions=1)
    async with open_kafka(impatient(own_kafka.bootstrap)) as bus:
        await bus.create_topics([topic])
        for number in range(3):
            await bus.publish("late", [Message("k", f"{number}/before".encode())])
            await asyncio.to_thread(own_kafka.kill9)
            sending = asyncio.create_task(
                bus.publish("late", [Message("k", f"{number}/unknown".encode())])
            )
            with pytest.raises(PublishFailed):
                await sending
            await asyncio.to_thread(own_kafka.start)
            again = [Message("k", f"{number}/{word}".encode()) for word in ("unknown", "after")]
            await _relay(bus, "late", again)
        found = await _values(bus, "late")

    words = ("before", "unknown", "after")
    expected = [f"{number}/{word}".encode() for number in range(3) for word in words]
    assert _without_repeats(found) == expected


async def test_T4_stopping_with_the_broker_down_is_bounded_and_leaves_nothing_running(
    own_kafka: Broker,
) -> None:
    async with open_kafka(impatient(own_kafka.bootstrap)) as bus:
        await bus.create_topics([Topic("down", partitions=3)])
        await bus.publish("down", [Message("k", b"0")])
        await asyncio.to_thread(own_kafka.kill9)
        sending = asyncio.create_task(
            bus.publish("down", [Message(f"{key}", b"1") for key in range(50)])
        )
        await asyncio.wait([sending], timeout=0.2)
        sending.cancel()
        await asyncio.wait([sending])

        started = time.monotonic()
        await bus.close()
        took = time.monotonic() - started

    assert sending.cancelled()
    assert took < BOUND
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_T4_an_abandoned_producer_delivers_nothing_any_more(own_kafka: Broker) -> None:
    topic = Topic("zombie", partitions=1)
    async with open_kafka(impatient(own_kafka.bootstrap)) as bus:
        await bus.create_topics([topic])
        producer = AIOKafkaProducer(
            bootstrap_servers=own_kafka.bootstrap, enable_idempotence=True, request_timeout_ms=2000
        )
        await producer.start()
        await producer.send_and_wait("zombie", b"m0")
        await asyncio.to_thread(own_kafka.kill9)
        pending = await producer.send("zombie", b"m1-old")

        await abandon(producer)
        await asyncio.to_thread(own_kafka.start)
        await _relay(bus, "zombie", [Message("k", b"m1-new"), Message("k", b"m2-new")])
        found = await _values(bus, "zombie")

    pending.cancel()
    assert found == [b"m0", b"m1-new", b"m2-new"]


async def test_the_private_names_of_aiokafka_that_we_use_are_there(kafka_broker: str) -> None:
    """Aiokafka is pinned; whoever raises it learns here what to look at."""
    topic = Names().topic("private")
    async with open_kafka(impatient(kafka_broker)) as bus:
        await bus.create_topics([topic])
    producer = AIOKafkaProducer(bootstrap_servers=kafka_broker, enable_idempotence=True)
    await producer.start()
    assert isinstance(producer._sender.sender_task, asyncio.Task)
    assert isinstance(producer._message_accumulator._pending_batches, set)
    assert hasattr(producer._message_accumulator._batches, "values")
    assert "self.future" in inspect.getsource(MessageBatch.__init__)
    assert inspect.iscoroutinefunction(producer.client.close)
    await abandon(producer)
    assert producer._sender.sender_task.done()

    consumer = AIOKafkaConsumer(
        topic.name, bootstrap_servers=kafka_broker, group_id=Names().group("g")
    )
    await consumer.start()
    assert isinstance(consumer._coordinator._coordination_task, asyncio.Task)
    assert isinstance(consumer._coordinator._heartbeat_task, asyncio.Task)
    assert hasattr(consumer._coordinator, "_commit_refresh_task")
    assert isinstance(consumer._fetcher._fetch_task, asyncio.Task)
    assert inspect.iscoroutinefunction(consumer._client.close)
    await consumer.stop()


def _without_repeats(values: list[bytes]) -> list[bytes]:
    """Drop copies that follow at once, as consumers do."""
    return [value for index, value in enumerate(values) if index == 0 or values[index - 1] != value]
