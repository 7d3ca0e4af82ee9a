"""What `/metrics` tells of the queues: the figures that alerts ask for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from redress import host

if TYPE_CHECKING:
    from tests.world import World


async def test_readiness_lag_and_parked_timers_are_among_the_metrics(world: World) -> None:
    routing, registry = world.service("routing"), world.environment.metrics.registry
    await world.complain("我要投诉，空调坏了")

    watching = asyncio.create_task(host._watch_figures(routing, world.environment))
    async with asyncio.timeout(5):
        while registry.get_sample_value("redress_ready", {"service": "routing"}) is None or (
            registry.get_sample_value("redress_timers_overdue", {"service": "routing"}) is None
        ):
            await asyncio.sleep(0.01)
    watching.cancel()

    labels = {"service": "routing"}
    assert registry.get_sample_value("redress_ready", labels) == 1
    assert registry.get_sample_value("redress_outbox_refused", labels) == 0
    assert registry.get_sample_value("redress_parked_keys", labels | {"state": "timers"}) == 0
    for topic in routing.consumer.topics:
        assert registry.get_sample_value("redress_lag", labels | {"topic": topic}) is not None
