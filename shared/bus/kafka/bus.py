"""The Kafka engine behind the port."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from shared.bus.kafka import admin
from shared.bus.kafka.producer import TopicProducer
from shared.bus.kafka.reader import open_reader
from shared.bus.kafka.settings import KafkaSettings
from shared.bus.kafka.subscription import join
from shared.bus.partition import first_oversize
from shared.bus.port import (
    Features,
    Message,
    MessageRefused,
    Reader,
    Slot,
    Subscription,
    Topic,
)


@asynccontextmanager
async def open_kafka(settings: KafkaSettings) -> AsyncIterator["KafkaBus"]:
    """Open the log in Kafka. Nothing is connected before it is used."""
    bus = KafkaBus(settings)
    try:
        yield bus
    finally:
        await bus.close()


class KafkaBus:
    """The port's Bus over Kafka: acks=all, so what publish returned is on every replica in sync."""

    features = Features(many_processes=True)

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producers: dict[str, TopicProducer] = {}

    async def create_topics(self, topics: Sequence[Topic]) -> None:
        if topics:
            await admin.create(self._settings, topics)

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        refused = first_oversize(messages, self._settings.message_cap)
        accepted = messages if refused is None else messages[:refused]
        if accepted:
            producer = self._producers.setdefault(topic, TopicProducer(topic, self._settings))
            await producer.publish(accepted)
        if refused is not None:
            raise MessageRefused(
                f"a message for {topic} is larger than {self._settings.message_cap} bytes:"
                " carry large content by reference",
                acknowledged=refused,
            )

    async def skip_to_end(self, group: str, topics: Sequence[str]) -> None:
        await admin.skip_to_end(self._settings, group, topics)

    def subscribe(
        self, group: str, topics: Sequence[str], *, in_order: bool = False
    ) -> AbstractAsyncContextManager[Subscription]:
        return join(self._settings, group, topics, in_order=in_order)

    def read(self, topic: str) -> AbstractAsyncContextManager[Reader]:
        return open_reader(self._settings, topic)

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[Slot, int]:
        return await admin.lag(self._settings, group, topics)

    async def close(self) -> None:
        producers, self._producers = list(self._producers.values()), {}
        await asyncio.gather(*(producer.close() for producer in producers))
