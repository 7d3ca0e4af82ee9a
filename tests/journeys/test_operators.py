"""The operators' commands against a running system that has work to do."""

from __future__ import annotations

import asyncio
import json
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from tests.journeys.places import Place, keep_complaining, once_and_in_order, told, until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

RECEIVED = "redress.complaint.received.v1"


async def test_republishing_and_rebuilding_under_load_cost_and_double_nothing(
    seeded_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    place = Place(folder)

    async with place.running() as system:

        async def redress(*arguments: str) -> list[dict[str, Any]]:
            ended = await asyncio.to_thread(place.redress, *arguments, "--json", url=system.url)
            assert ended.returncode == 0, ended.stdout + ended.stderr
            return [json.loads(line) for line in ended.stdout.splitlines()]

        taken: dict[str, dict[str, Any]] = {}
        load = asyncio.create_task(keep_complaining(system, taken))
        await until(lambda: len(taken) >= 3)
        sent = {one["service"]: one["events"] for one in await redress("republish", "--all")}
        [rebuilt] = await redress("rebuild", "notify")
        load.cancel()
        with suppress(asyncio.CancelledError):
            await load
        async with asyncio.timeout(30):
            while any(
                one["outbox_waiting"] or sum(one["lag"].values()) for one in await redress("lag")
            ):
                await asyncio.sleep(0.2)
        # The last one may have been taken in without an answer.
        received = {
            one["data"]["number"] for one in await system.events() if one["type"] == RECEIVED
        }
        events = await told(system, received)
        found = await redress("doctor")
        parked = await redress("parked", "list")

    assert min(sent[name] for name in ("intake", "followup")) >= 3
    assert rebuilt["events"] > 0
    once_and_in_order(events)
    assert (found, parked) == ([], [])
    assert {made["number"] for made in taken.values()} <= received
    assert len(list((folder / "notify" / "mail").glob("*.eml"))) == len(received)
