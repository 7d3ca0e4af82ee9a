"""Reading a whole topic of Kafka, outside any group."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.bus.kafka.client import START_WITHIN, new_consumer, unavailable
from shared.bus.kafka.ending import leave
from shared.bus.kafka.settings import KafkaSettings
from shared.bus.port import BusUnavailable, Reader, Record, Slot

READ_AT_ONCE = 500


@asynccontextmanager
async def open_reader(settings: KafkaSettings, topic: str) -> AsyncIterator[Reader]:
    """Open a reader at the beginning of a topic. Raises BusUnavailable."""
    consumer = new_consumer(settings)
    try:
        with unavailable(f"opening {topic}"):
            async with asyncio.timeout(START_WITHIN):
                reader = await _begin(consumer, topic)
        yield reader
    finally:
        await leave(consumer)


async def _begin(consumer: AIOKafkaConsumer, topic: str) -> "KafkaReader":
    consumer.assign([TopicPartition(topic, 0)])  # so that start learns of the topic
    await consumer.start()
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise BusUnavailable(f"Kafka has no topic {topic}: run `redress migrate`")
    parts = [TopicPartition(topic, number) for number in sorted(numbers)]
    consumer.assign(parts)
    begins, ends = await consumer.beginning_offsets(parts), await consumer.end_offsets(parts)
    await consumer.seek_to_beginning(*parts)
    left = {part.partition: ends[part] for part in parts if ends[part] > begins[part]}
    return KafkaReader(consumer, left, {Slot(*part): ends[part] for part in parts})


class KafkaReader:
    """A reader of a whole topic (the port's Reader)."""

    def __init__(
        self, consumer: AIOKafkaConsumer, left: dict[int, int], goal: Mapping[Slot, int]
    ) -> None:
        self.goal = goal
        self._consumer = consumer
        self._left = left
        """The partitions not yet read to where they ended at opening, and where that is."""

    async def read(self, *, wait: timedelta) -> Sequence[Record]:
        with unavailable("reading"):
            got = await self._consumer.getmany(
                timeout_ms=round(wait.total_seconds() * 1000), max_records=READ_AT_ONCE
            )
            for part in got:
                if await self._consumer.position(part) >= self._left.get(part.partition, 0):
                    self._left.pop(part.partition, None)
        return [
            Record(
                Slot(part.topic, part.partition),
                each.offset,
                (each.key or b"").decode(),
                each.value or b"",
            )
            for part, records in got.items()
            for each in records
        ]

    @property
    def caught_up(self) -> bool:
        return not self._left
