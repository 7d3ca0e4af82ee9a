"""A consumer that was long away: how fast it catches up with a hundred thousand events, and in how much memory."""

from typing import TYPE_CHECKING

from bench import children
from bench.consume import Place, recording
from bench.model import Measure

if TYPE_CHECKING:
    from bench.plan import Bench, Plan

GROWTH = 1.15
"""Memory at the end by memory after a fifth."""
SERVICE = "notify"


def steps(_: "Plan") -> int:
    return 2


async def measure(bench: "Bench", place: Place) -> list[Measure]:
    """Memory at the end against memory after the first fifth, and events a second."""
    events, file = bench.plan.caught_up_events, await recording(bench)
    bench.step(f"{SERVICE} catches up with {events:,} events")
    folder = bench.folder / "catchup"
    folder.mkdir(parents=True)
    await place.forget_log()
    early, late, rate = await children.numbers(
        "subjects.consumer",
        *("--service", SERVICE, "--recording", str(file)),
        *("--database", await place.database("catchup", SERVICE)),
        *("--bus", place.bus, "--folder", str(folder), "--events", str(events)),
    )
    return [
        Measure(
            name="catch_up_memory",
            title=f"Memory of {SERVICE} after {events:,} events, against after a fifth of them",
            unit="MB",
            better="lower",
            values=(late,),
            floors=(early,),
            target=GROWTH,
            gate=True,
            note="the floor is the same process earlier, not a bare program",
        ),
        Measure(
            name="catch_up",
            title=f"Events a second while {SERVICE} catches up with {events:,}, {place.title}",
            unit="1/s",
            better="higher",
            values=(rate,),
        ),
    ]
