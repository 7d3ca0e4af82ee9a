"""All services in one process: how soon it is ready, and what ten thousand complaints leave in memory."""

import asyncio
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from bench import children
from bench.client import LoadFailed, post
from bench.complaints import Requests
from bench.machine import resident_mb
from bench.model import Measure

if TYPE_CHECKING:
    from pathlib import Path

    from bench.plan import Bench, Plan

MEMORY_MB = 250.0
FIRST_SECONDS = 10.0
AGAIN_SECONDS = 5.0
AGAIN = 3
CONNECTIONS = 8
SETTLED_WITHIN = 300.0


def steps(_: "Plan") -> int:
    return AGAIN + 3


async def measure(bench: "Bench") -> list[Measure]:
    """Start-up, memory, and the rate at which complaints go all the way."""
    folder, plan = bench.folder / "whole", bench.plan
    bench.step("start, the first time")
    async with children.product(folder=folder) as child:
        first = child.ready_after
        await child.come_to_rest()
        start_mb, _ = resident_mb(child.pid)
        bench.step(f"{plan.memory_complaints} complaints through all services")
        requests = Requests(
            "/intake/v1/complaints",
            port=child.port,
            key=children.adapter_key(folder),
            run="whole",
        )
        started = time.perf_counter()
        load = await post(
            child.port, requests, connections=CONNECTIONS, count=plan.memory_complaints
        )
        await _all_cases(folder / "followup" / "state.db", len(load.latencies))
        whole_seconds = time.perf_counter() - started
        bench.step("until nothing is left to do")
        await child.come_to_rest(within=SETTLED_WITHIN)
        memory, peak = resident_mb(child.pid)
    again = []
    for _ in range(AGAIN):
        bench.step("start, with what is there")
        async with children.product(folder=folder) as child:
            again.append(child.ready_after)
    return _measures(
        plan, first=first, again=again, memory=memory, peak=peak, start_mb=start_mb,
        through=len(load.latencies) / whole_seconds,
    )  # fmt: skip


def _measures(
    plan: "Plan", *, first: float, again: list[float], memory: float, peak: float, start_mb: float,
    through: float,
) -> list[Measure]:  # fmt: skip
    return [
        Measure(
            name="memory",
            title=f"Memory after {plan.memory_complaints:,} complaints through all services",
            unit="MB",
            better="lower",
            values=(memory,),
            target=MEMORY_MB,
            note=f"{start_mb:.0f} MB after start, {peak:.0f} MB at most",
        ),
        Measure(
            name="through",
            title=f"Complaints to cases, all services in one process, {CONNECTIONS} connections",
            unit="1/s",
            better="higher",
            values=(through,),
        ),
        Measure(
            name="start_first",
            title="Start until ready, on an empty folder",
            unit="s",
            better="lower",
            values=(first,),
            target=FIRST_SECONDS,
        ),
        Measure(
            name="start_again",
            title=f"Start until ready, with {plan.memory_complaints:,} complaints there",
            unit="s",
            better="lower",
            values=tuple(again),
            target=AGAIN_SECONDS,
        ),
    ]


async def _all_cases(file: "Path", count: int) -> None:
    """Wait until so many cases are there. Raises LoadFailed."""
    end = time.monotonic() + SETTLED_WITHIN
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        while True:
            [there] = connection.execute("SELECT count(*) FROM cases").fetchone()
            if there >= count:
                return
            if time.monotonic() > end:
                raise LoadFailed(f"{there} of {count} complaints became cases in time")
            await asyncio.sleep(0.1)
