"""What one adapter brings over its rate waits; the others are served."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from services.intake.store import COMPLAINTS
from tests.service.intake.doors import bring, count
from tests.service.intake.people import another_key
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATH = "/intake/v1/complaints"


@pytest.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[World]:
    services = ("desk", "intake")
    async with open_world(tmp_path, services=services, key_rate="1", key_burst="5") as opened:
        yield opened


async def test_a_noisy_adapter_is_asked_to_wait_and_a_quiet_one_is_served(narrow: World) -> None:
    quiet = await another_key(narrow)

    noisy = await asyncio.gather(
        *(narrow.post(PATH, {"text": "a"}, key="adapter_key") for _ in range(50))
    )
    served = await narrow.client.post(PATH, json={"text": "b"}, headers=quiet)

    assert sorted(one.status_code for one in noisy) == [202] * 5 + [429] * 45
    assert served.status_code == 202
    assert await count(narrow, COMPLAINTS) == 6


async def test_what_waited_as_long_as_it_was_told_is_taken(narrow: World) -> None:
    answers = [await narrow.post(PATH, {"text": "a"}, key="adapter_key") for _ in range(6)]
    refused = answers[-1]
    assert refused.json()["type"] == "/problems/too-many"

    narrow.clock.advance(timedelta(seconds=int(refused.headers["Retry-After"])))

    assert (await narrow.post(PATH, {"text": "a"}, key="adapter_key")).status_code == 202


async def test_every_door_counts_and_a_batch_counts_each_of_its_items(narrow: World) -> None:
    batch = {"items": [{"text": "a"}] * 5}
    assert (await narrow.post(f"{PATH}:batch", batch, key="adapter_key")).status_code == 200

    assert (await bring(narrow, "web", {"text": "a"})).status_code == 429
    headers = narrow.headers("adapter_key", **{"Content-Type": "text/plain"})
    file = await narrow.client.post("/intake/v1/attachments", content=b"a", headers=headers)
    assert file.status_code == 429
    message = await narrow.post(f"{PATH}/0000-0000-000/messages", {"text": "a"}, key="adapter_key")
    assert message.status_code == 429
