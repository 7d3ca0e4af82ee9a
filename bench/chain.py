"""From the POST to the committed case, at a steady rate, against the bare chain.

What is timed ends when another process sees the case's row in the database: whoever asks from then on gets it. Reading
the file beside the program disturbs it least: neither its loop nor its one writer takes part.
"""

import asyncio
import sqlite3
import time
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from bench import children
from bench.client import LoadFailed, ask, connected
from bench.complaints import Requests
from bench.model import Measure, percentile

if TYPE_CHECKING:
    from bench.children import Child
    from bench.plan import Bench, Plan

GOAL = 3.0
LOOK_SECONDS = 0.001
WITHIN_SECONDS = 30.0
CONNECTIONS = 8
_MS = 1000


def steps(plan: "Plan") -> int:
    return 2 * plan.rounds


@dataclass(slots=True)
class Side:
    """A running chain, the file in which its cases appear, and the time to each case, round by round."""

    child: "Child"
    requests: Requests
    cases: Path
    rounds: list[list[float]] = field(default_factory=list)

    def part(self, part: float) -> tuple[float, ...]:
        return tuple(percentile(times, part) * _MS for times in self.rounds)


async def measure(bench: "Bench") -> list[Measure]:
    """Median and tail of the time to the case."""
    folder = bench.folder / "chain"
    async with AsyncExitStack() as stack:
        ours, floor = await _sides(stack, folder)
        await _round(floor, bench.plan, posts=10)
        await _round(ours, bench.plan, posts=10)
        for at in range(bench.plan.rounds):
            for what, side in (("bare chain", floor), ("Redress", ours)):
                bench.step(f"to the case: round {at + 1}, {what}")
                side.rounds.append(await _round(side, bench.plan, posts=bench.plan.chain_posts))
    rate = f"at {bench.plan.chain_rate:g}/s, embedded"
    return [
        Measure(
            name="to_case_p99",
            title=f"POST to case, the slowest hundredth, {rate}",
            unit="ms",
            better="lower",
            values=ours.part(0.99),
            floors=floor.part(0.99),
            target=GOAL,
        ),
        Measure(
            name="to_case_p50",
            title=f"POST to case, the median, {rate}",
            unit="ms",
            better="lower",
            values=ours.part(0.5),
            floors=floor.part(0.5),
        ),
    ]


async def _sides(stack: AsyncExitStack, folder: Path) -> tuple[Side, Side]:
    ours = await stack.enter_async_context(children.product(folder=folder / "product"))
    bare = folder / "floor"
    floor = await stack.enter_async_context(
        children.floor("chain", "--folder", str(bare), folder=bare)
    )
    key = children.adapter_key(folder / "product")
    return (
        Side(
            ours,
            Requests("/intake/v1/complaints", port=ours.port, key=key, run="ours"),
            folder / "product" / "followup" / "state.db",
        ),
        Side(
            floor,
            Requests("/complaints", port=floor.port, key="none", run="floor"),
            bare / "cases.db",
        ),
    )


async def _round(side: Side, plan: "Plan", *, posts: int) -> list[float]:
    """Post at the plan's rate whatever the answers do, and wait for every case. Raises LoadFailed."""
    sent: dict[str, float] = {}
    idle: asyncio.Queue[int] = asyncio.Queue()
    async with connected(side.child.port, CONNECTIONS) as connections:
        for at in range(CONNECTIONS):
            idle.put_nowait(at)

        async def one(after: float) -> None:
            await asyncio.sleep(after)
            due = time.perf_counter()
            at = await idle.get()
            answer = orjson.loads(await ask(connections[at], next(side.requests)))
            idle.put_nowait(at)
            sent[answer["id"]] = due

        watching = asyncio.create_task(_watch(side.cases, posts))
        try:
            await asyncio.gather(*(one(at / plan.chain_rate) for at in range(posts)))
            async with asyncio.timeout(WITHIN_SECONDS):
                seen = await watching
        except TimeoutError as error:
            raise LoadFailed(
                f"not every complaint became a case within {WITHIN_SECONDS:.0f} s"
            ) from error
        finally:
            watching.cancel()
    await side.child.come_to_rest()
    return [seen[id_] - at for id_, at in sent.items()]


async def _watch(file: Path, count: int) -> dict[str, float]:
    """When each of the next `count` cases was first seen."""
    seen: dict[str, float] = {}
    with closing(
        sqlite3.connect(f"file:{file}?mode=ro", uri=True, isolation_level=None)
    ) as connection:
        [last] = connection.execute("SELECT coalesce(max(rowid), 0) FROM cases").fetchone()
        while len(seen) < count:
            rows = connection.execute(
                "SELECT rowid, complaint FROM cases WHERE rowid > ?", [last]
            ).fetchall()
            now = time.perf_counter()
            for last, id_ in rows:  # noqa: B007 - the last one counts
                seen[id_] = now
            await asyncio.sleep(LOOK_SECONDS)
    return seen
