"""A member of a group in Kafka."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from shared.bus.kafka.backlog import Backlog
from shared.bus.kafka.client import START_WITHIN, new_consumer, unavailable
from shared.bus.kafka.ending import leave
from shared.bus.kafka.settings import KafkaSettings
from shared.bus.port import BusStuck, BusUnavailable, GroupMoved, Record, Slot, Subscription

HAND_OVER = timedelta(seconds=5)  # how long something in flight may hold a rebalance back
REBALANCE = timedelta(seconds=20)  # how long the group waits for a member to join again
log = logging.getLogger(__name__)


@asynccontextmanager
async def join(
    settings: KafkaSettings, group: str, topics: Sequence[str], *, in_order: bool
) -> AsyncIterator[Subscription]:
    """Join a group; leave it at the end. Raises BusUnavailable."""
    subscription = KafkaSubscription(settings, group, topics, in_order=in_order)
    await subscription.start()
    try:
        yield subscription
    finally:
        await subscription.stop()


class KafkaSubscription:
    """A member of a group (the port's Subscription)."""

    def __init__(
        self, settings: KafkaSettings, group: str, topics: Sequence[str], *, in_order: bool
    ) -> None:
        self._settings = settings
        self._group = group
        self._topics = list(topics)
        self._consumer: AIOKafkaConsumer | None = None
        self._taken: set[Slot] = set()
        """Taken from since the group last moved: only these may be committed."""
        self._in_flight: set[Slot] = set()
        self._landed = asyncio.Event()
        self._landed.set()
        self._paused: set[Slot] = set()
        self._progress_at = 0.0
        self._rebuilt = False
        self._moving = False
        self._in_order = in_order
        self._backlog = Backlog(topics)
        self._is_new = False
        """Whether partitions were given since the backlog was looked at."""

    async def start(self) -> None:
        """Join the group. Raises BusUnavailable."""
        consumer = new_consumer(
            self._settings,
            group_id=self._group,
            group_instance_id=self._instance(),
            session_timeout_ms=round(self._settings.session.total_seconds() * 1000),
            heartbeat_interval_ms=round(self._settings.heartbeat.total_seconds() * 1000),
            rebalance_timeout_ms=round(REBALANCE.total_seconds() * 1000),
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
        )
        self._consumer = consumer
        consumer.subscribe(self._topics, listener=_Listener(self))
        try:
            with unavailable(f"joining group {self._group}"):
                async with asyncio.timeout(START_WITHIN):
                    await consumer.start()
        except BaseException:
            await self.stop()
            raise
        self._progress_at = _now()

    async def stop(self) -> None:
        """Leave the group; within seconds, also when Kafka is away."""
        consumer, self._consumer = self._consumer, None
        self._land(list(self._in_flight))
        self._taken.clear()
        if consumer is not None:
            await leave(consumer)

    async def take(self, *, at_most: int, wait: timedelta) -> Mapping[Slot, Sequence[Record]]:
        self._land(list(self._in_flight))
        if self._consumer is None:  # the last call failed
            await self.start()
        if self._is_new:
            await self._look_back()
        batch = await self._get(at_most, wait)
        if batch:
            self._progress_at, self._rebuilt = _now(), False
            self._taken.update(batch)
            self._in_flight.update(batch)
            self._landed.clear()
        elif _now() - self._progress_at >= self._settings.stuck_after.total_seconds():
            await self._check_progress()
        return batch

    async def commit(self, offsets: Mapping[Slot, int]) -> None:
        mine = {slot: offset for slot, offset in offsets.items() if slot in self._taken}
        try:
            if mine:
                await self._commit(mine)
        finally:
            self._land(offsets)
        if lost := offsets.keys() - mine.keys():
            raise self._moved(lost)

    async def rewind(self, offsets: Mapping[Slot, int]) -> None:
        for slot, offset in offsets.items():
            if slot in self._taken and slot in self._held():
                self._client().seek(_partition(slot), offset)
        self._land(offsets)

    def pause(self, slots: Sequence[Slot]) -> None:
        self._paused.update(slots)
        self._apply_pauses(slots)

    def resume(self, slots: Sequence[Slot]) -> None:
        self._paused.difference_update(slots)
        held = self._held()
        for slot in slots:
            if slot in held:
                self._client().resume(_partition(slot))

    async def give_up(self) -> None:
        """Wait a short while for what is in flight; afterwards nothing taken so far can be committed."""
        self._moving = True
        try:
            async with asyncio.timeout(HAND_OVER.total_seconds()):
                await self._landed.wait()
        except TimeoutError:
            log.warning("group %s moves on while a batch of it is in work", self._group)
        self._taken.clear()
        self._land(list(self._in_flight))

    def given(self) -> None:
        """Take up what was given: pauses outlive a move of the group."""
        self._moving, self._is_new = False, self._in_order
        self._apply_pauses(list(self._paused))
        self._progress_at = _now()

    async def _get(self, at_most: int, wait: timedelta) -> Mapping[Slot, Sequence[Record]]:
        seconds = wait.total_seconds()
        first = self._backlog.first(without=self._paused)
        try:
            # While a group moves, getmany waits for its end: no longer than the caller wants.
            async with asyncio.timeout(seconds + 0.5):
                got = await self._client().getmany(
                    *map(_partition, first),
                    timeout_ms=round(seconds * 1000),
                    max_records=at_most,
                )
        except TimeoutError:
            return {}
        except IllegalStateError:  # the group moved: what was first is another's now
            self._backlog.give_up(first)
            return {}
        except Exception as error:
            # Also what aiokafka's background tasks died of: this consumer is not used again.
            await self.stop()
            raise BusUnavailable(f"taking from Kafka failed: {error!r}") from error
        batch = {
            Slot(part.topic, part.partition): [_record(each) for each in records]
            for part, records in got.items()
            if records
        }
        self._backlog.taken(batch, first)
        return batch

    async def _look_back(self) -> None:
        """Learn what was there before the group moved, once a move."""
        self._is_new = False
        try:
            await self._backlog.learn(self._client())
        except (KafkaError, OSError, TimeoutError, IllegalStateError) as error:
            log.info("group %s takes what is there in any order: %r", self._group, error)

    async def _commit(self, offsets: Mapping[Slot, int]) -> None:
        try:
            async with asyncio.timeout(self._settings.answer_timeout.total_seconds()):
                await self._client().commit({_partition(slot): at for slot, at in offsets.items()})
        except (CommitFailedError, IllegalStateError) as error:
            raise self._moved(offsets) from error
        except (KafkaError, OSError, TimeoutError) as error:
            raise BusUnavailable(f"Kafka did not answer a commit: {error!r}") from error

    async def _check_progress(self) -> None:
        """Nothing came for long: ask whether there is something, and if so build the consumer anew, once."""
        slots = self._held() - self._paused
        if not self._moving and not await self._is_behind(slots):
            self._progress_at = _now()
            return
        if self._rebuilt:
            raise BusStuck(
                f"group {self._group} gets no records although Kafka answers and has some, also after joining anew:"
                " restart this process"
            )
        log.error("group %s gets no records although there are some: joining anew", self._group)
        await self.stop()
        self._rebuilt = True
        await self.start()

    async def _is_behind(self, slots: Collection[Slot]) -> bool:
        parts = [_partition(slot) for slot in slots]
        if not parts:
            return False
        seconds = self._settings.answer_timeout.total_seconds()
        with unavailable("asking for the ends of partitions"):
            async with asyncio.timeout(seconds):
                ends = await self._client().end_offsets(parts)
        try:
            async with asyncio.timeout(seconds):
                return any([await self._client().position(part) < ends[part] for part in parts])
        except TimeoutError:  # Kafka answers, but this member never learnt where to read
            return True
        except IllegalStateError:  # the group moves just now
            return False

    def _apply_pauses(self, slots: Iterable[Slot]) -> None:
        held = self._held()
        if parts := [_partition(slot) for slot in slots if slot in held]:
            self._client().pause(*parts)

    def _held(self) -> set[Slot]:
        if self._consumer is None:
            return set()
        return {Slot(part.topic, part.partition) for part in self._consumer.assignment()}

    def _land(self, slots: Iterable[Slot]) -> None:
        self._in_flight.difference_update(slots)
        if not self._in_flight:
            self._landed.set()

    def _client(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise BusUnavailable(
                f"this member of group {self._group} has no connection: take again"
            )
        return self._consumer

    def _moved(self, slots: Iterable[Slot]) -> GroupMoved:
        return GroupMoved(
            f"group {self._group} has moved on from {sorted(slots)}: their records come again"
        )

    def _instance(self) -> str | None:
        return None if self._settings.member is None else f"{self._group}-{self._settings.member}"


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """Tells a subscription that the group moves; shares no lock with taking (aiokafka issue 335)."""

    def __init__(self, subscription: KafkaSubscription) -> None:
        self._subscription = subscription

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        if revoked:
            await self._subscription.give_up()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:  # noqa: ARG002 - the name is aiokafka's
        self._subscription.given()


def _partition(slot: Slot) -> TopicPartition:
    return TopicPartition(slot.topic, slot.partition)


def _record(record: Any) -> Record:  # noqa: ANN401 - aiokafka ships no types
    slot = Slot(record.topic, record.partition)
    return Record(slot, record.offset, (record.key or b"").decode(), record.value or b"")


def _now() -> float:
    return asyncio.get_running_loop().time()
