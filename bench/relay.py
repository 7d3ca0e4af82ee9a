"""The relay against a bare batch relay, on pairs of database and log."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import children
from bench.model import Measure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from bench.plan import Bench, Plan

GATE = 0.7


@dataclass(frozen=True, slots=True)
class Pair:
    """A log, by its address, and a database: `new_database` makes one on PostgreSQL; None means SQLite."""

    name: str
    title: str
    bus: str
    new_database: "Callable[[str], Awaitable[str]] | None"
    gate: bool = True

    async def database(self, name: str, folder: "Path") -> str:
        """The SQLAlchemy address of a database of this name."""
        if self.new_database is None:
            return f"sqlite+aiosqlite:///{folder / 'state.db'}"
        return "postgresql+asyncpg://" + (await self.new_database(name)).split("://", 1)[1]


def steps(plan: "Plan") -> int:
    return 2 * plan.rounds


async def measure(bench: "Bench", pair: Pair) -> list[Measure]:
    """Rows a second from a full outbox into the log."""
    found: dict[str, list[float]] = {"floors.relay": [], "subjects.relay": []}
    for at in range(bench.plan.rounds):
        for module, rates in found.items():
            side = module.partition(".")[0]
            bench.step(f"relay, {pair.title}: round {at + 1}, {_SIDES[side]}")
            folder = bench.folder / f"relay-{pair.name}" / side
            folder.mkdir(parents=True, exist_ok=True)
            rates.append(
                await children.once(
                    module,
                    *("--database", await pair.database(f"relay_{side}", folder)),
                    *("--bus", pair.bus, "--folder", str(folder)),
                    *("--rows", str(bench.plan.relay_rows)),
                )
            )
    return [
        Measure(
            name=f"relay_{pair.name}",
            title=f"Events relayed, {pair.title}",
            unit="1/s",
            better="higher",
            values=tuple(found["subjects.relay"]),
            floors=tuple(found["floors.relay"]),
            target=GATE if pair.gate else None,
            gate=pair.gate,
        )
    ]


_SIDES = {"floors": "floor", "subjects": "Redress"}
