"""Kill -9 while deadlines are noticed, and a clock that has jumped meanwhile: each is noticed once, none is lost."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.system import System

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

COMPLAINTS = 5
TEN_DAYS = 10 * 86_400
DEADLINES = {"redress.clock.warned.v1", "redress.clock.breached.v1"}
NOTICED_WITHIN = 30.0


def noticed(events: list[dict[str, Any]]) -> Counter[tuple[str, str, str, float | None]]:
    """How often the feed tells each deadline of each complaint."""
    return Counter(
        (one["subject"], one["type"], _deadline(one["data"]), one["data"].get("fraction"))
        for one in events
        if one["type"] in DEADLINES
    )


def _deadline(data: dict[str, Any]) -> str:
    """A clock that begins again (the next progress notice) is another deadline."""
    return f"{data['clock']['name']} since {data['clock']['started_at']}"


async def until_each_is_late(system: System, subjects: set[str]) -> list[dict[str, Any]]:
    """Wait until some deadline of each complaint was missed and no more is told for a second."""
    before = -1
    async with asyncio.timeout(NOTICED_WITHIN):
        while True:
            events = await system.events()
            late = {subject for subject, kind, *_ in noticed(events) if "breached" in kind}
            if late == subjects and len(events) == before:
                return events
            before = len(events)
            await asyncio.sleep(1)


@pytest.mark.req("R-093")
@pytest.mark.parametrize(
    "fault",
    ["timers.after_claim:kill", "followup.before_commit:kill", "followup.after_commit:kill"],
)
async def test_a_kill_while_deadlines_are_noticed_loses_none_and_tells_each_once(
    fault: str, seeded_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(seeded_folder, tmp_path, dirs_exist_ok=True)
    shift = tmp_path / "clock"
    shift.write_text("0")
    system = System(tmp_path, REDRESS_TEST_CLOCK=str(shift))
    assert await system.start()
    taken = [await system.complain(f"key-{n}") for n in range(COMPLAINTS)]
    numbers = [one["number"] for one in taken if one is not None]
    for number in numbers:
        await system.until_told(number)
    await system.stop(kill=True)

    shift.write_text(str(TEN_DAYS))
    # It may be over before the process says that it is ready.
    if await system.start(fault=fault):
        assert await system.ended(NOTICED_WITHIN), f"{fault} was not reached"
    await system.stop(kill=True)
    assert await system.start()
    subjects = {one["subject"] for one in await system.events() if one["data"].get("number")}
    events = await until_each_is_late(system, subjects)
    await system.stop()

    assert len(numbers) == len(subjects) == COMPLAINTS
    assert set(noticed(events).values()) == {1}
