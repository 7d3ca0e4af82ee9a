"""In what order a member takes what was there before it: topic after topic, as they are named.

What others follow from comes before them: an escalation that is met before its complaint would have to wait parked.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.bus.port import Record, Slot

LEARN_SECONDS = 2.0
"""How long a member asks where its partitions end. The order is a kindness: without an answer it does without."""
PATIENCE_SECONDS = 5.0
"""How long the others wait for a topic that gives nothing: an end may be a place without a record."""


class Backlog:
    """Where the partitions that a member was given ended then, as far as they were not read to there."""

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = tuple(topics)
        self._ends: dict[Slot, int] = {}
        self._moved_at = 0.0

    async def learn(self, consumer: AIOKafkaConsumer) -> None:
        """Find what is there now. Raises what aiokafka raises; asks for no longer than LEARN_SECONDS."""
        self._ends = {}
        held = list(consumer.assignment())
        if not held:
            return
        async with asyncio.timeout(LEARN_SECONDS):
            ends: Mapping[TopicPartition, int] = await consumer.end_offsets(held)
            for part in held:
                if await consumer.position(part) < ends[part]:
                    self._ends[Slot(part.topic, part.partition)] = ends[part]
        self._moved_at = time.monotonic()

    def first(self, *, without: set[Slot]) -> list[Slot]:
        """The partitions of the first topic that has some of it left; empty when none has."""
        for topic in self._topics:
            if found := [one for one in self._ends if one.topic == topic and one not in without]:
                return found
        return []

    def taken(self, batch: Mapping[Slot, Sequence[Record]], of: Sequence[Slot]) -> None:
        """Records, or none, came of the partitions that were asked for first."""
        for slot, records in batch.items():
            if records[-1].offset + 1 >= self._ends.get(slot, 0):
                self._ends.pop(slot, None)
        if batch:
            self._moved_at = time.monotonic()
        elif time.monotonic() - self._moved_at > PATIENCE_SECONDS:
            self.give_up(of)

    def give_up(self, slots: Sequence[Slot]) -> None:
        """Wait for nothing more from there."""
        for slot in slots:
            self._ends.pop(slot, None)
