"""Whether three replicas of notify send about three times as much as one, through a provider that takes 50 ms."""

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from bench import children
from bench.backlog import complaint_of, number_of, publish_policy
from bench.consume import Place, recording
from bench.model import Measure
from bench.recording import Recording
from dev.process import free_ports
from services.notify.sender import CLAIM
from services.notify.store import ATTEMPTS, MESSAGES
from shared.bus.open import open_bus
from shared.clock import SystemClock
from shared.ids import new_id
from shared.store.engine import make_writer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from bench.plan import Bench, Plan

GATE = 2.5
REPLICAS = 3
PROVIDER_SECONDS = 0.05
LOOK_SECONDS = 0.1
WITHIN_SECONDS = 120.0


def steps(plan: "Plan") -> int:
    return 1 + 2 * plan.rounds


async def measure(bench: "Bench", place: Place) -> list[Measure]:
    """Messages a second with one replica and with three, in turns."""
    recorded = Recording.read(await recording(bench))
    found: dict[int, list[float]] = {1: [], REPLICAS: []}
    for at in range(bench.plan.rounds):
        for replicas, rates in found.items():
            bench.step(f"notify sends: round {at + 1}, replicas: {replicas}")
            rates.append(await _round(bench, place, recorded, replicas=replicas, at=at))
    return [
        Measure(
            name="scale_notify",
            title=f"Messages sent by {REPLICAS} replicas of notify, against one, provider of 50 ms",
            unit="1/s",
            better="higher",
            values=tuple(found[REPLICAS]),
            floors=tuple(found[1]),
            target=GATE,
            gate=True,
            note="4 sends in flight in each replica; the floor is one replica, not a bare program",
        )
    ]


async def _round(
    bench: "Bench", place: Place, recorded: Recording, *, replicas: int, at: int
) -> float:
    folder = bench.folder / "scale" / f"{replicas}-{at}"
    await place.forget_log()
    async with open_bus(place.bus, folder=folder) as bus:
        await publish_policy(bus, recorded)
    database = await place.database("scale", "notify")
    [mail_port] = free_ports(1)
    settings = {
        "database": database, "bus": place.bus, "smtp": f"smtp://127.0.0.1:{mail_port}",
    }  # fmt: skip
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(_provider(folder, mail_port))
        settings["services"] = f"http://127.0.0.1:{provider.port}"
        for replica in range(replicas):
            await stack.enter_async_context(
                children.product("notify", folder=folder / str(replica), **settings)
            )
        address = database.format(service="notify").split("://", 1)[1]
        engine = make_writer(f"postgresql+asyncpg://{address}")
        stack.push_async_callback(engine.dispose)
        # As many as all of them begin at once: each reads its packs before it is timed.
        await _send(engine, recorded, range(CLAIM * replicas))
        timed = range(CLAIM * replicas, (CLAIM + bench.plan.sent_messages) * replicas)
        return await _send(engine, recorded, timed)


def _provider(folder: Any, mail_port: int) -> Any:  # noqa: ANN401 - see children.running
    [port] = free_ports(1)
    folder.mkdir(parents=True)
    command = ["-m", "bench.subjects.provider", "--port", str(port), "--mail-port", str(mail_port)]
    command += ["--seconds", str(PROVIDER_SECONDS)]
    return children.running(command, port=port, path="/ready", log=folder / "provider.log")


async def _send(engine: "AsyncEngine", recorded: Recording, numbers: range) -> float:
    """Messages a second, from the first that was sent to the last. Raises TimeoutError."""
    count = len(numbers)
    template = next(
        row
        for life in recorded.lives
        for said in life.said
        for row in said.costs.get("notify", {}).get("messages", ())
    )
    now = SystemClock().now()
    fresh = {"state": "pending", "attempts": 0, "next_at": now, "planned_at": now}
    rows = [
        template
        | fresh
        | {"id": new_id(), "complaint": complaint_of(at, 0), "number": number_of(at)}
        # One person gets only so many messages a day.
        | {"complainant_id": complaint_of(at, 1)}
        for at in numbers
    ]
    async with engine.begin() as connection:
        await connection.execute(insert(MESSAGES), rows)
    query = select(func.count(), func.min(ATTEMPTS.c.ended_at), func.max(ATTEMPTS.c.ended_at))
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            async with engine.connect() as connection:
                sent, first, last = (
                    await connection.execute(query.where(ATTEMPTS.c.started_at >= now))
                ).one()
            if sent >= count:
                return float(count / (last - first).total_seconds())
            await asyncio.sleep(LOOK_SECONDS)
