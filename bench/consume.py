"""Each consumer against a bare set-based loop over the same log, which writes the same rows."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiokafka.admin import AIOKafkaAdminClient

from bench import children
from bench.model import Measure
from bench.recording import CONSUMERS, record
from shared.bus.topics import ALL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from bench.plan import Bench, Plan

GATE = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service consumes: a log, by its address, and a server of databases (None: SQLite)."""

    name: str
    title: str
    bus: str
    postgresql: str | None
    new_database: "Callable[[str], Awaitable[str]]"
    gate: bool = True

    async def database(self, side: str, service: str) -> str:
        """REDRESS_DATABASE for one side, with the service's database new and empty."""
        if self.postgresql is None:
            return "sqlite"
        await self.new_database(f"consume_{side}_{service}")
        return f"{self.postgresql}/consume_{side}_{{service}}"

    async def forget_log(self) -> None:
        """Have the next one begin with an empty log, where the log outlives its folder."""
        if self.bus == "embedded":
            return
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bus.split("://")[1])
        await admin.start()
        try:
            mine = {one.name for one in ALL} & set(await admin.list_topics())
            if mine:
                await admin.delete_topics(sorted(mine))
            while mine & set(await admin.list_topics()):  # noqa: ASYNC110 - Kafka tells nobody
                await asyncio.sleep(0.1)
        finally:
            await admin.close()


def steps(plan: "Plan") -> int:
    return 1 + 2 * plan.rounds * len(CONSUMERS)


async def measure(bench: "Bench", place: Place) -> list[Measure]:
    """Events a second from a backlog in the log to the last offset."""
    file = await recording(bench)
    return [await _measure(bench, place, service, file) for service in CONSUMERS]


async def recording(bench: "Bench") -> "Path":
    """The file with the recorded complaints, made once a run."""
    file = bench.folder / "recording.json"
    bench.step("recording complaints for the consumers")
    if not file.exists():
        (await record(bench.folder / "stage")).write(file)
    return file


async def _measure(bench: "Bench", place: Place, service: str, file: "Path") -> Measure:
    found: dict[str, list[float]] = {"floors": [], "subjects": []}
    for at in range(bench.plan.rounds):
        for side, rates in found.items():
            bench.step(f"{service} consumes, {place.title}: round {at + 1}, {_SIDES[side]}")
            run = f"{service}-{place.name}-{side}-{at}"
            folder = bench.folder / "consume" / run
            folder.mkdir(parents=True)
            await place.forget_log()
            rates.append(
                await children.once(
                    f"{side}.consumer",
                    *("--service", service, "--recording", str(file)),
                    *("--database", await place.database(side, service)),
                    *("--bus", place.bus, "--folder", str(folder)),
                    *("--events", str(bench.plan.consumed_events)),
                )
            )
    return Measure(
        name=f"consume_{service}_{place.name}",
        title=f"Events consumed by {service}, {place.title}",
        unit="1/s",
        better="higher",
        values=tuple(found["subjects"]),
        floors=tuple(found["floors"]),
        target=GATE if place.gate else None,
        gate=place.gate,
    )


_SIDES = {"floors": "floor", "subjects": "Redress"}
