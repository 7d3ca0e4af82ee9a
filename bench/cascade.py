"""A change of an incident's state against a bare batched update of the same rows; and one result for all members."""

from pathlib import Path
from typing import Final

from bench import children
from bench.consume import recording
from bench.model import Measure
from bench.plan import Bench, Plan

GATE: Final = 0.4
GROWTH: Final = 1.15
"""Memory at the end by memory after a fifth."""
SOLVED_OF: Final = 10
"""Of so many members one is resolved: a case with all its clocks and its callback takes longer."""


def steps(plan: Plan) -> int:
    return 2 * plan.cascade_rounds + 1


async def measure(bench: Bench) -> list[Measure]:
    """Members a second of a change of state, and of one result; memory at the end against after a fifth."""
    members, rounds = bench.plan.cascade_members, bench.plan.cascade_rounds
    recorded = await recording(bench)
    ours, floors, early, late = [], [], [], []
    for at in range(rounds):
        bench.step(f"cascade: round {at + 1}, a bare update of {members:,}")
        floors.append((await _run(bench, recorded, f"floor-{at}", members, "--floor"))[2])
        bench.step(f"cascade: round {at + 1}, followup, {members:,} members")
        before, after, rate = await _run(bench, recorded, f"move-{at}", members)
        ours.append(rate)
        early.append(before)
        late.append(after)
    some = members // SOLVED_OF
    bench.step(f"cascade: one result for {some:,} members")
    solved = (await _run(bench, recorded, "solve", some, "--state", "solved"))[2]
    return [
        Measure("cascade", f"A change of an incident's state to {members:,} members, SQLite", "1/s", "higher",
                tuple(ours), tuple(floors), target=GATE, gate=True,
                note="the floor writes the same rows, made before, in transactions as large"),
        Measure("cascade_memory", f"Memory after {members:,} members, against after a fifth of them", "MB", "lower",
                tuple(late), tuple(early), target=GROWTH, gate=True,
                note="the floor is the same process earlier, not a bare program"),
        Measure("cascade_solved", f"Members a second that get one result, {some:,} cases with their clocks", "1/s", "higher",
                (solved,)),
    ]  # fmt: skip


async def _run(bench: Bench, recorded: Path, name: str, members: int, *more: str) -> list[float]:
    return await children.numbers(
        "subjects.cascade",
        *(
            "--recording",
            str(recorded),
            "--folder",
            str(bench.folder / "cascade" / name),
        ),
        *("--members", str(members)),
        *more,
    )
