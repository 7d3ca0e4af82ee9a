"""Publishing to one topic of Kafka.

An idempotent producer never recovers from a failed send: the sequence number is spent and every later batch of the
partition is refused (aiokafka issue 1017). So any failure throws the producer away, and nothing is sent again before
the old one has ended: it might still deliver.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from shared.bus.kafka.client import connection
from shared.bus.kafka.ending import abandon
from shared.bus.kafka.settings import KafkaSettings
from shared.bus.partition import partition_for, size_of
from shared.bus.port import Message, MessageRefused, PublishFailed

START_WITHIN = 10.0
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
REQUEST_BYTES = 100 << 20  # only aiokafka's own check of one record, which ours precedes


@dataclass(slots=True)
class _Batch:
    """Messages of one partition that travel together; `ack` is done when the broker has them all."""

    indices: list[int]
    ack: "asyncio.Future[object]"


class TopicProducer:
    """Publishes to one topic; its failures stop no other topic."""

    def __init__(self, topic: str, settings: KafkaSettings) -> None:
        self._topic = topic
        self._settings = settings
        self._batch_bytes = settings.batch_bytes
        self._turn = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None
        self._ending: asyncio.Task[None] | None = None

    async def publish(self, messages: Sequence[Message]) -> None:
        """Append in order per key; returns when all are acknowledged. Raises PublishFailed or MessageRefused.

        A call that is cancelled leaves its messages unknown.
        """
        async with self._turn:
            producer = await self._ready()
            batches: list[_Batch] = []
            try:
                reason = await self._send(producer, messages, batches)
            except BaseException:
                self._throw_away()
                raise
            if reason is not None:
                self._throw_away()
                raise self._failure(reason, messages, batches)

    async def close(self) -> None:
        """End the producer; at most 12 s."""
        self._throw_away()
        await self._ended()

    async def _ready(self) -> AIOKafkaProducer:
        await self._ended()
        if self._producer is None:
            producer = AIOKafkaProducer(
                **connection(self._settings),
                enable_idempotence=True,
                acks="all",
                linger_ms=0,
                max_batch_size=self._batch_bytes,
                max_request_size=REQUEST_BYTES,
            )
            self._producer = producer
            try:
                async with asyncio.timeout(START_WITHIN):
                    await producer.start()
            except (KafkaError, OSError, TimeoutError) as error:
                self._throw_away()
                raise PublishFailed(
                    f"Kafka at {', '.join(self._settings.servers)} does not answer: {error!r}",
                    acknowledged=0,
                ) from error
            except BaseException:
                self._throw_away()
                raise
        return self._producer

    async def _send(
        self, producer: AIOKafkaProducer, messages: Sequence[Message], batches: list[_Batch]
    ) -> BaseException | None:
        """Send until all is acknowledged or something failed; what failed first, if anything. Fills `batches`."""
        try:
            async with asyncio.timeout(self._settings.publish_timeout.total_seconds()):
                waiting = await self._by_partition(producer, messages)
                while waiting:
                    sent = [
                        await self._send_head(producer, partition, waiting, messages)
                        for partition in list(waiting)
                    ]
                    batches += sent
                    # A batch goes only after the one before it: where the broker knows nothing of this producer yet,
                    # it would take a batch behind a failed one, and so out of order.
                    await asyncio.wait([batch.ack for batch in sent])
                    if reason := _first_error(sent):
                        return reason
        except (KafkaError, OSError, TimeoutError) as error:
            return _first_error(batches) or error
        finally:
            for batch in batches:
                batch.ack.cancel()  # no effect on those that are done
        return None

    async def _by_partition(
        self, producer: AIOKafkaProducer, messages: Sequence[Message]
    ) -> dict[int, list[int]]:
        count = len(await producer.partitions_for(self._topic))
        waiting: dict[int, list[int]] = {}
        for index, message in enumerate(messages):
            waiting.setdefault(partition_for(message.key, count), []).append(index)
        return waiting

    async def _send_head(
        self,
        producer: AIOKafkaProducer,
        partition: int,
        waiting: dict[int, list[int]],
        messages: Sequence[Message],
    ) -> _Batch:
        """Fill a batch with what waits for the partition and hand it over, not waiting for the answer."""
        builder, indices, fitting = producer.create_batch(), waiting[partition], 0
        for index in indices:
            key, value = messages[index]
            if builder.append(timestamp=None, key=key.encode(), value=value) is None:
                break
            fitting += 1
        builder.close()
        ack = await producer.send_batch(builder, self._topic, partition=partition)
        if fitting < len(indices):
            waiting[partition] = indices[fitting:]
        else:
            del waiting[partition]
        return _Batch(indices[:fitting], ack)

    def _failure(
        self, reason: BaseException, messages: Sequence[Message], batches: Sequence[_Batch]
    ) -> PublishFailed:
        acknowledged = {
            index for batch in batches if _succeeded(batch.ack) for index in batch.indices
        }
        prefix = next(index for index in range(len(messages) + 1) if index not in acknowledged)
        first = next((batch for batch in batches if prefix in batch.indices), None)
        if first is not None and isinstance(_error(first.ack), TOO_LARGE):
            if len(first.indices) == 1:
                return MessageRefused(
                    f"Kafka refuses a message for {self._topic} as too large: raise max.message.bytes of the"
                    f" topic to {self._settings.batch_bytes}",
                    acknowledged=prefix,
                )
            # The limit is on batches: send smaller ones, down to one message each, which then is surely too large.
            size = sum(size_of(messages[index]) for index in first.indices)
            self._batch_bytes = max(min(self._batch_bytes, size) // 2, 1)
        return PublishFailed(f"publishing to {self._topic} failed: {reason!r}", acknowledged=prefix)

    def _throw_away(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            self._ending = asyncio.create_task(abandon(producer), name=f"abandon {self._topic}")

    async def _ended(self) -> None:
        if self._ending is not None:
            await asyncio.shield(self._ending)
            self._ending = None


def _first_error(batches: Sequence[_Batch]) -> BaseException | None:
    return next((error for batch in batches if (error := _error(batch.ack))), None)


def _error(ack: "asyncio.Future[object]") -> BaseException | None:
    return ack.exception() if ack.done() and not ack.cancelled() else None


def _succeeded(ack: "asyncio.Future[object]") -> bool:
    return ack.done() and not ack.cancelled() and ack.exception() is None
