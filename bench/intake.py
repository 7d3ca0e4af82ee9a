"""Intake under load against its floor, on either database."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench import children
from bench.client import Load, saturate
from bench.complaints import Requests
from bench.model import Measure, percentile

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from bench.children import Child
    from bench.plan import Bench, Plan

ALONE = ("desk", "intake")
"""Intake with what gives it its keys; consumers would share the core."""
GATE = 0.5
SATURATED_MS = 30.0


def steps(plan: "Plan") -> int:
    return 2 * plan.rounds


@dataclass(slots=True)
class Side:
    """The product or the floor: a running program, requests for it, and what each round brought."""

    child: "Child"
    requests: Requests
    loads: list[Load] = field(default_factory=list)

    @property
    def rates(self) -> tuple[float, ...]:
        return tuple(load.per_second for load in self.loads)

    def late(self, part: float = 0.99) -> tuple[float, ...]:
        """A percentile of each round, in milliseconds."""
        return tuple(percentile(load.latencies, part) * 1000 for load in self.loads)


async def measure(
    bench: "Bench",
    name: str,
    title: str,
    *,
    database: "Callable[[str], Awaitable[str]] | None" = None,
) -> list[Measure]:
    """Rate and tail; `database` makes a PostgreSQL database and gives its address, None means SQLite."""
    folder = bench.folder / f"intake-{name}"
    async with AsyncExitStack() as stack:
        ours, floor = await _sides(stack, folder, database)
        for at in range(bench.plan.rounds):
            for what, side in (("floor", floor), ("Redress", ours)):
                bench.step(f"intake, {title}: round {at + 1}, {what}")
                side.loads.append(await _load(side, bench.plan))
    return [
        Measure(
            name=f"intake_{name}",
            title=f"Complaints taken in, {title}, {bench.plan.connections} connections",
            unit="1/s",
            better="higher",
            values=ours.rates,
            floors=floor.rates,
            target=GATE,
            gate=True,
        ),
        Measure(
            name=f"intake_{name}_p99",
            title=f"The slowest hundredth of them, {title}, saturated",
            unit="ms",
            better="lower",
            values=ours.late(),
            target=SATURATED_MS,
            note=f"floor in the same rounds: {min(floor.late()):.1f} to {max(floor.late()):.1f} ms",
        ),
    ]


async def _sides(
    stack: AsyncExitStack,
    folder: "Path",
    database: "Callable[[str], Awaitable[str]] | None",
) -> tuple[Side, Side]:
    if database is None:
        settings, bare = {}, str(folder / "floor" / "state.db")
    else:
        bare = await database("floor")
        for service in ALONE:
            address = await database(f"redress_{service}")
        settings = {"database": address.removesuffix(ALONE[-1]) + "{service}"}
        bare = "postgresql+asyncpg://" + bare.split("://", 1)[1]
    ours = await stack.enter_async_context(
        children.product(*ALONE, folder=folder / "product", **settings)
    )
    floor = await stack.enter_async_context(
        children.floor("intake", "--database", bare, folder=folder / "floor")
    )
    key = children.adapter_key(folder / "product")
    return (
        Side(ours, Requests("/intake/v1/complaints", port=ours.port, key=key, run="ours")),
        Side(floor, Requests("/complaints", port=floor.port, key="none", run="floor")),
    )


async def _load(side: Side, plan: "Plan") -> Load:
    """A warm-up, the load, and then rest: the relay's leftovers are not the next one's."""
    for seconds in (plan.warm_up_seconds, plan.load_seconds):
        load = await saturate(
            side.child.port, side.requests, connections=plan.connections, seconds=seconds
        )
    await side.child.come_to_rest()
    return load
