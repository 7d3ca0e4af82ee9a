"""Ending aiokafka's clients within seconds, also when the broker is away: their own stop() may hang for ever.

This is the only place that knows private names of aiokafka; `tests/faults/test_kafka_producer.py` guards each of them.
"""

import asyncio
import logging
from collections.abc import Coroutine
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

STEP = 3.0  # seconds each step of an ending may take
log = logging.getLogger(__name__)


async def abandon(producer: AIOKafkaProducer) -> None:
    """End a producer whatever its state; afterwards nothing of it reaches the log any more. At most 12 s.

    Its own stop waits for what is pending. When that takes too long, the sender is ended, what is pending is given up
    (which lets stop go on), and the connections are closed.
    """
    stopping = asyncio.ensure_future(producer.stop())
    if await _succeeds(stopping):
        return
    sender = producer._sender.sender_task  # noqa: SLF001 - see above
    if sender is not None:
        sender.cancel()
        await _ends(sender)
    pending = producer._message_accumulator  # noqa: SLF001
    for batch in [*pending._pending_batches, *chain(*pending._batches.values())]:  # noqa: SLF001
        batch.future.cancel()
    if not await _ends(stopping):
        stopping.cancel()
    # The cancelled sender may have cancelled stop as well, before it closed the connections.
    await within(producer.client.close())


async def leave(consumer: AIOKafkaConsumer) -> None:
    """End a consumer whatever its state, leaving its group if the broker answers. At most 12 s."""
    stopping = asyncio.ensure_future(consumer.stop())
    if await _succeeds(stopping):
        return
    coordinator, fetcher = consumer._coordinator, consumer._fetcher  # noqa: SLF001
    for name in ("_coordination_task", "_heartbeat_task", "_commit_refresh_task"):
        await _cancel(getattr(coordinator, name, None))
    await _cancel(getattr(fetcher, "_fetch_task", None))
    if not await _ends(stopping):
        stopping.cancel()
    await within(consumer._client.close())  # noqa: SLF001 - stop may have failed before it did that


async def end_admin(admin: AIOKafkaAdminClient) -> None:
    """End an admin client. At most 3 s."""
    await within(admin.close())


async def within(work: Coroutine[Any, Any, object], seconds: float = STEP) -> bool:
    """Let an ending run for a while; whether it ended."""
    task = asyncio.ensure_future(work)
    ended = await _ends(task, seconds)
    if not ended:
        task.cancel()
    return ended


async def _cancel(task: "asyncio.Task[None] | None") -> None:
    if task is not None and not task.done():
        task.cancel()
        await _ends(task, 1)


async def _succeeds(task: "asyncio.Future[Any]") -> bool:
    return await _ends(task) and not task.cancelled() and task.exception() is None


async def _ends(task: "asyncio.Future[Any]", seconds: float = STEP) -> bool:
    done, _ = await asyncio.wait([task], timeout=seconds)
    if done and not task.cancelled() and (error := task.exception()) is not None:
        log.info("a client of Kafka ended with %r", error)
    return bool(done)
