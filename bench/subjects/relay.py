"""Redress's relay alone, over an outbox full of events. Prints rows a second."""

import argparse
import asyncio
import contextlib
import time
from pathlib import Path

import uvloop

from bench.outbox import PARTITIONS, TABLES, WARM_UP, fill
from shared.bus.open import open_bus
from shared.bus.port import Topic
from shared.clock import SystemClock
from shared.contracts.catalogue import TOPICS
from shared.store.database import Database
from shared.store.relay import Relay
from shared.telemetry import Metrics

LOOK_SECONDS = 0.001


async def measure(url: str, bus_url: str, folder: Path, count: int) -> float:
    """Rows a second from a full outbox to a log that has acknowledged them, as the relay's own metric counts them."""
    await fill(url, WARM_UP + count)
    database = Database(url, frame=TABLES, service="intake", clock=SystemClock())
    metrics = Metrics()

    async def until(rows: int) -> float:
        while (
            metrics.registry.get_sample_value("redress_relayed_total", {"service": "intake"}) or 0
        ) < rows:
            if running.done():
                running.result()
            await asyncio.sleep(LOOK_SECONDS)
        return time.perf_counter()

    async with open_bus(bus_url, folder=folder) as bus:
        await bus.create_topics([Topic(TOPICS["intake"], partitions=PARTITIONS)])
        relay = Relay(database, bus, topic=TOPICS["intake"], metrics=metrics)
        running = asyncio.create_task(relay.run())
        started = await until(WARM_UP)
        seconds = await until(WARM_UP + count) - started
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    await database.close()
    return count / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", required=True, help="an SQLAlchemy address")
    parser.add_argument("--bus", required=True, help="embedded or kafka://host:port")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rows", type=int, required=True)
    options = parser.parse_args()
    print(uvloop.run(measure(options.database, options.bus, options.folder, options.rows)))


if __name__ == "__main__":
    main()
