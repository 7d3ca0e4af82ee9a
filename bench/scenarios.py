"""What a full run measures, with the servers that it needs."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from bench import (
    assigning,
    cascade,
    catchup,
    chain,
    consume,
    desk,
    doors,
    due,
    intake,
    masking,
    reading,
    relay,
    scale,
    telling,
    whole,
)
from bench.consume import Place
from bench.model import Measure
from bench.plan import Bench, Plan
from bench.recording import CONSUMERS
from bench.relay import Pair
from dev import kafka, postgres
from dev.process import EngineError

PARTS: Final = (
    "intake",
    "doors",
    "relay",
    "consume",
    "catchup",
    "scale",
    "telling",
    "cascade",
    "timers",
    "understanding",
    "assignment",
    "masking",
    "chain",
    "whole",
    "desk",
)
ON_KAFKA: Final = frozenset({"relay", "consume", "catchup", "scale"})


@dataclass(frozen=True, slots=True)
class Servers:
    """Servers that are up, by their addresses, and why one is not."""

    postgresql: str | None
    kafka: str | None
    lacking: str

    async def new_database(self, name: str) -> str:
        """Make an empty database; returns its address (`postgresql://…`)."""
        connection = await asyncpg.connect(f"{self.postgresql}/postgres")
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()
        return f"{self.postgresql}/{name}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """Some measures that are taken together; `steps` is how often it tells what it does."""

    part: str
    steps: int
    measure: Callable[[Bench], Awaitable[list[Measure]]]


def start_servers(stack: ExitStack, folder: Path, parts: Sequence[str]) -> Servers:
    """Start what the parts need and this machine has, durable as in production."""
    database = broker = None
    lacking = []
    if ({"intake", "timers"} | ON_KAFKA) & set(parts):
        try:
            server = postgres.Postgres(postgres.new_folder(), durable=True)
            stack.callback(server.remove)
            server.start()
            database = server.url
        except EngineError as error:
            lacking.append(str(error))
    if ON_KAFKA & set(parts):
        try:
            started = kafka.new_broker(folder / "kafka")
            stack.callback(started.remove)
            started.start()
            broker = f"kafka://{started.bootstrap}"
        except EngineError as error:
            lacking.append(str(error))
    return Servers(database, broker, "; ".join(lacking))


def scenarios(plan: Plan, servers: Servers, parts: Sequence[str]) -> list[Scenario]:
    """The chosen parts, in the order in which they are measured."""
    found = [_intake(plan, "sqlite", "SQLite", None)]
    if servers.postgresql:
        found.append(_intake(plan, "postgresql", "PostgreSQL", servers.new_database))
    else:
        found.append(_unmeasured("intake", "intake_postgresql", servers.lacking))
    found.append(Scenario("doors", doors.steps(plan), doors.measure))
    found += [_relay(plan, servers, database) for database in ("postgresql", "sqlite")]
    found.append(_embedded_relay(plan))
    found += _consumers(plan, servers)
    found.append(Scenario("telling", telling.steps(plan), telling.measure))
    found.append(Scenario("cascade", cascade.steps(plan), cascade.measure))
    if servers.postgresql:
        found.append(
            Scenario(
                "timers", due.steps(plan), lambda bench: due.measure(bench, servers.new_database)
            )
        )
    found.append(Scenario("understanding", reading.steps(plan), reading.measure))
    found.append(Scenario("assignment", assigning.steps(plan), assigning.measure))
    found.append(Scenario("masking", masking.steps(plan), masking.measure))
    found.append(Scenario("chain", chain.steps(plan), chain.measure))
    found.append(Scenario("whole", whole.steps(plan), whole.measure))
    found.append(Scenario("desk", desk.steps(plan), desk.measure))
    return [one for one in found if one.part in parts]


def _intake(
    plan: Plan, name: str, title: str, database: Callable[[str], Awaitable[str]] | None
) -> Scenario:
    return Scenario(
        "intake",
        intake.steps(plan),
        lambda bench: intake.measure(bench, name, title, database=database),
    )


def _relay(plan: Plan, servers: Servers, database: str) -> Scenario:
    name = f"{database}_kafka"
    if servers.kafka is None or (database == "postgresql" and servers.postgresql is None):
        return _unmeasured("relay", f"relay_{name}", servers.lacking)
    title = f"{'PostgreSQL' if database == 'postgresql' else 'SQLite'} to Kafka"
    pair = Pair(name, title, servers.kafka, servers.new_database if database == "postgresql" else None)  # fmt: skip
    return Scenario("relay", relay.steps(plan), lambda bench: relay.measure(bench, pair))


def _embedded_relay(plan: Plan) -> Scenario:
    pair = Pair("sqlite_embedded", "SQLite to the embedded log", "embedded", None, gate=False)
    return Scenario("relay", relay.steps(plan), lambda bench: relay.measure(bench, pair))


def _consumers(plan: Plan, servers: Servers) -> list[Scenario]:
    embedded = Place(
        "embedded",
        "SQLite and the embedded log",
        "embedded",
        None,
        servers.new_database,
        gate=False,
    )
    own = Scenario("consume", consume.steps(plan), lambda bench: consume.measure(bench, embedded))
    if servers.kafka is None or servers.postgresql is None:
        names = [("consume", f"consume_{one}_kafka") for one in CONSUMERS]
        names += [("catchup", "catch_up_memory"), ("scale", "scale_notify")]
        return [*(_unmeasured(part, name, servers.lacking) for part, name in names), own]
    kafka = Place(
        "kafka", "PostgreSQL and Kafka", servers.kafka, servers.postgresql, servers.new_database
    )
    return [
        Scenario("consume", consume.steps(plan), lambda bench: consume.measure(bench, kafka)),
        own,
        Scenario("catchup", catchup.steps(plan), lambda bench: catchup.measure(bench, kafka)),
        Scenario("scale", scale.steps(plan), lambda bench: scale.measure(bench, kafka)),
    ]


TARGETS: Final = {
    "intake": intake.GATE,
    "relay": relay.GATE,
    "consume": consume.GATE,
    "catchup": catchup.GROWTH,
    "scale": scale.GATE,
}


def _unmeasured(part: str, name: str, why: str) -> Scenario:
    target = TARGETS[part]

    async def measure(bench: Bench) -> list[Measure]:
        bench.step(f"{name}: not measured")
        title = f"{name.replace('_', ' ')}: not measured"
        return [Measure(name, title, "1/s", "higher", (), target=target, gate=True, note=why)]

    return Scenario(part, 1, measure)
