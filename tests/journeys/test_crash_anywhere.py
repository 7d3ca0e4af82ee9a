"""Kill -9 between any two steps and start again: one complaint, one case, one message."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.faults.system import System

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

POINTS = [
    "intake.before_commit:kill",
    "intake.after_commit:kill",
    "relay.after_read:kill",
    "relay.after_ack:kill",
    "relay.after_ack:kill@2",
    "consumer.after_take:kill",
    "consumer.in_transaction:kill",
    "consumer.in_transaction:kill@3",
    "consumer.before_offsets:kill",
    "consumer.before_offsets:kill@2",
    "routing.before_commit:kill@2",
    "routing.after_commit:kill@2",
    "followup.before_commit:kill@2",
    "followup.after_commit:kill@2",
    "notify.before_commit:kill@2",
    "notify.after_commit:kill@3",
    "notify.after_attempting:kill",
    "notify.after_vault:kill",
    "notify.in_call:kill",
    "notify.after_sent:kill",
    "notify.after_recorded:kill",
]


@pytest.mark.req("R-011")
@pytest.mark.parametrize("fault", POINTS)
async def test_a_kill_at_any_step_costs_nothing_and_doubles_nothing(
    fault: str, seeded_folder: Path, tmp_path: Path
) -> None:
    """INVARIANT: what was answered 202 becomes one case and one message, wherever the process dies.

    Marking before publishing, committing offsets before the database, or a message without its unique key would
    break this.
    """
    folder = tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    system = System(folder)
    first = None
    if await system.start(fault=fault):
        first = await system.complain("once")
        assert await system.ended(10), f"{fault} was never reached"
    await system.stop(kill=True)

    assert await system.start()
    again = await system.complain("once")
    assert again is not None
    assert first is None or first["number"] == again["number"]
    await system.until_told(again["number"])

    events = await system.events()
    assert len({(event["source"], event["subject"], event["sequence"]) for event in events}) == len(
        events
    )
    counts = Counter(event["type"] for event in events)
    for once in ("complaint.received", "case.opened", "complaint.assigned", "message.accepted"):
        assert counts[f"redress.{once}.v1"] == 1, (once, counts)
    assert len(list((folder / "notify" / "mail").glob("*.eml"))) == 1
    assert await system.stop() == 0


async def test_a_kill_during_the_first_start_is_mended_by_the_next(tmp_path: Path) -> None:
    for fault in ("desk.before_commit:kill", "desk.after_commit:kill", "relay.after_ack:kill"):
        folder = tmp_path / fault.replace(":", "-")
        folder.mkdir()
        system = System(folder)
        assert not await system.start(fault=fault)
        await system.stop(kill=True)

        assert await system.start()
        assert await system.complain("once") is not None
        assert await system.stop() == 0
