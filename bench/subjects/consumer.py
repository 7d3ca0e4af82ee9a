"""One service's consumer alone, over a log full of events.

Prints its memory (MB) after a fifth of the events and at the end, and events a second.
"""

import asyncio
import contextlib
import os
import time
from typing import TYPE_CHECKING

import uvloop

from bench.backlog import WARM_UP, Backlog, arguments
from bench.machine import resident_mb
from bench.recording import Recording
from redress import host
from shared.bus.open import open_bus
from shared.clock import SystemClock
from shared.collector import calm_collector
from shared.policy import watch_policy
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.telemetry import Metrics

LOOK_SECONDS = 0.001


async def measure(
    settings: Settings, service: str, recording: Recording, events: int
) -> tuple[float, float, float]:
    """Memory early and late, and events a second from the log to the last offset."""
    environment = host.make_environment(settings, clock=SystemClock(), is_whole=True)
    async with open_bus(settings.bus, folder=settings.data) as bus:
        [hosted] = host.build(environment, [service], bus)
        backlog = Backlog(recording, service=service, topics=hosted.consumer.topics)
        await host.migrate(environment, [hosted.service], bus)
        total = await backlog.publish(bus, events)
        policy = asyncio.create_task(watch_policy(environment.policy, bus, environment.clock))
        while not environment.policy.is_ready:
            await environment.policy.changed.wait(0.1)
        calm_collector()
        running = asyncio.create_task(hosted.consumer.run())

        async def until(events: int) -> float:
            while _consumed(environment.metrics, service) < events:
                if running.done():
                    running.result()
                await asyncio.sleep(LOOK_SECONDS)
            return time.perf_counter()

        started = await until(WARM_UP)
        first = _consumed(environment.metrics, service)
        await until(total // 5)
        early, _ = resident_mb(os.getpid())
        seconds = await until(total) - started
        late, _ = resident_mb(os.getpid())
        for task in (running, policy):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await hosted.service.database.close()
    return early, late, (total - first) / seconds


def _consumed(metrics: "Metrics", service: str) -> float:
    # The one counter, not the whole registry: looking a thousand times a second must cost the subject nothing.
    labelled = metrics.consumed.labels(service, "apply")
    return float(labelled._value.get())  # noqa: SLF001 - prometheus_client has no other way to one value


def main() -> None:
    print(*uvloop.run(measure(*arguments(__doc__))))


if __name__ == "__main__":
    main()
