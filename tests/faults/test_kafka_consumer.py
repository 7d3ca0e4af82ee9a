"""What was measured about aiokafka's consumer, as promises of the Kafka engine."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from shared.bus.kafka.bus import open_kafka
from shared.bus.kafka.subscription import KafkaSubscription
from shared.bus.port import BusStuck, BusUnavailable, Message, PublishFailed, Topic
from tests.contract.bus_engines import STEP, Names, after, numbered, take, take_batch
from tests.faults.kafka_faults import PATIENCE, impatient

if TYPE_CHECKING:
    from dev.kafka import Broker
    from shared.bus.port import Bus

BOUND = 13.0  # seconds an ending may take with the broker away


async def test_T9_a_member_rides_out_a_killed_broker(own_kafka: Broker) -> None:
    async with open_kafka(impatient(own_kafka.bootstrap)) as bus:
        await bus.create_topics([Topic("t", partitions=2)])
        await bus.publish("t", numbered(["a", "b", "c"], 3))
        async with bus.subscribe("g", ["t"]) as subscription:
            await take(subscription, 9)
            await bus.publish("t", numbered(["a", "b", "c"], 1))
            batch = await take_batch(subscription)
            await asyncio.to_thread(own_kafka.kill9)
            with pytest.raises(BusUnavailable):
                await subscription.commit(after(batch))
            await asyncio.to_thread(own_kafka.start)
            await asyncio.wait_for(_publish(bus, Message("a", b"back")), PATIENCE)

            values: list[bytes] = []
            async with asyncio.timeout(PATIENCE):
                while b"back" not in values:
                    try:
                        taken = await subscription.take(at_most=100, wait=STEP)
                    except BusUnavailable:
                        continue
                    values += [each.value for records in taken.values() for each in records]


async def _publish(bus: Bus, message: Message) -> None:
    while True:
        try:
            await bus.publish("t", [message])
        except PublishFailed:
            continue
        return


async def test_leaving_with_the_broker_down_is_bounded(own_kafka: Broker) -> None:
    async with open_kafka(impatient(own_kafka.bootstrap)) as bus:
        await bus.create_topics([Topic("t", partitions=2)])
        async with bus.subscribe("g", ["t"]) as subscription, bus.read("t"):
            await subscription.take(at_most=1, wait=STEP)
            await asyncio.to_thread(own_kafka.kill9)
            started = time.monotonic()

        took = time.monotonic() - started

    assert took < 2 * BOUND  # a member and a reader, one after the other
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_member_that_gets_nothing_although_there_is_something_joins_anew(
    kafka_broker: str,
) -> None:
    names = Names()
    topic = names.topic("stuck")
    async with open_kafka(impatient(kafka_broker)) as bus:
        await bus.create_topics([topic])
        async with bus.subscribe(names.group("g"), [topic.name]) as subscription:
            assert isinstance(subscription, KafkaSubscription)
            _stop_fetching(subscription)
            await bus.publish(topic.name, numbered(["a", "b"], 2))

            taken = await take(subscription, 4)

    assert len(taken) == 4


async def test_a_member_that_stays_stuck_after_joining_anew_says_so(kafka_broker: str) -> None:
    names = Names()
    topic = names.topic("stuck")
    async with open_kafka(impatient(kafka_broker)) as bus:
        await bus.create_topics([topic])
        async with bus.subscribe(names.group("g"), [topic.name]) as subscription:
            assert isinstance(subscription, KafkaSubscription)
            _stop_fetching(subscription)
            await bus.publish(topic.name, numbered(["a"], 1))

            with pytest.raises(BusStuck, match="restart this process"):
                await _take_with_dead_fetching(subscription)


async def _take_with_dead_fetching(subscription: KafkaSubscription) -> None:
    seen = subscription._consumer
    async with asyncio.timeout(PATIENCE):
        while True:
            if subscription._consumer is not seen:
                seen = subscription._consumer
                _stop_fetching(subscription)
            await subscription.take(at_most=1, wait=STEP / 20)


async def test_a_paused_or_idle_member_is_not_taken_for_stuck(kafka_broker: str) -> None:
    names = Names()
    topic = names.topic("idle", partitions=1)
    async with open_kafka(impatient(kafka_broker)) as bus:
        await bus.create_topics([topic])
        async with bus.subscribe(names.group("g"), [topic.name]) as subscription:
            assert isinstance(subscription, KafkaSubscription)
            await bus.publish(topic.name, numbered(["a"], 1))
            (slot,) = await take_batch(subscription)
            first = subscription._consumer
            subscription.pause([slot])
            await bus.publish(topic.name, numbered(["a"], 1))

            until = time.monotonic() + 5
            while time.monotonic() < until:
                assert await subscription.take(at_most=1, wait=STEP) == {}

            assert subscription._consumer is first


def _stop_fetching(subscription: KafkaSubscription) -> None:
    """Do what the fault does: the member lives, its fetching is dead."""
    assert subscription._consumer is not None
    subscription._consumer._fetcher._fetch_task.cancel()
