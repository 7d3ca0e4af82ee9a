"""Kill -9 at each step of what goes to all members of an incident: each change comes to every case once."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from services.followup.usecases.cascading import PAGE
from tests.faults.system import System

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

MEMBERS = PAGE + 10
AT_ONCE = 100
FAULTS = {
    "pages": [
        "followup.move_page:kill",
        "followup.move_page:kill@2",
        "followup.move_claimed:kill",
        "followup.move_claimed:kill@2",
        "relay.after_read:kill@3",
    ],
    "commits": [
        "followup.before_commit:kill",
        "followup.before_commit:kill@2",
        "followup.before_commit:kill@3",
        "followup.after_commit:kill@2",
        "followup.after_commit:kill@3",
    ],
    "bulletins": [
        "notify.bulletin_page:kill",
        "notify.bulletin_page:kill@2",
        "followup.before_commit:kill",
        "followup.after_commit:kill",
        "relay.after_ack:kill",
    ],
    "copies": [
        "notify.before_commit:kill",
        "notify.before_commit:kill@2",
        "notify.before_commit:kill@3",
        "notify.after_commit:kill",
        "notify.after_commit:kill@2",
    ],
}
"""Twenty kills, five to a system: the first two in changes of state, the others in bulletins."""
MOVING = ("pages", "commits")
TOLD = {"zh": "正在抢修", "en": "Under repair"}
REACHED_WITHIN, REST_WITHIN = 60.0, 180.0


async def asked(system: System, path: str, body: object, key: str) -> dict[str, Any] | None:
    """One try that is safe to repeat; None where nothing is known of it."""
    headers = {"Idempotency-Key": key, "If-Match": "*"}
    try:
        async with system.client() as client:
            answer = await client.post(
                f"/followup/v1{path}", json=body, headers=headers, timeout=30
            )
    except httpx.HTTPError:
        return None
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def complained(system: System) -> list[str]:
    """So many complaints, and wait until each is a case."""
    numbers: list[str] = []
    async with system.client("adapter_key") as client:
        for first in range(0, MEMBERS, AT_ONCE):
            texts = [
                {"text": f"第{at}户停电"} for at in range(first, min(MEMBERS, first + AT_ONCE))
            ]
            answer = await client.post(
                "/intake/v1/complaints:batch", json={"items": texts}, timeout=60
            )
            assert answer.is_success, answer.text
            numbers += [one["complaint"]["number"] for one in answer.json()["items"]]
    async with asyncio.timeout(REST_WITHIN), system.client() as client:
        for number in numbers:
            while (await client.get(f"/followup/v1/cases/{number}")).status_code != httpx.codes.OK:
                await asyncio.sleep(0.1)
    return numbers


async def until_all_is_reached(system: System, incident: str, bulletins: int) -> None:
    """Wait until every change has come to every member, and every bulletin is planned for each."""
    planned = "SELECT count(*) FROM bulletins WHERE state = 'done'"
    async with asyncio.timeout(REST_WITHIN), system.client() as client:
        path = f"/followup/v1/incidents/{incident}/report"
        while any(one["is_open"] for one in (await client.get(path)).json()["moves"]):
            await asyncio.sleep(0.2)
        while rows(system.folder / "notify" / "state.db", planned) != [(bulletins,)]:
            await asyncio.sleep(0.2)


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.req("R-107")
@pytest.mark.parametrize("step", FAULTS)
async def test_a_kill_at_any_step_of_a_cascade_skips_and_repeats_nobody(
    step: str, seeded_folder: Path, tmp_path: Path
) -> None:
    """INVARIANT: a change of an incident's state is one fact of each member's case, a bulletin one message to each.

    A page whose place is kept apart from what it did, or a copy not known by bulletin and member, would break it.
    """
    folder = tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    system = System(folder)
    assert await system.start()
    numbers = await complained(system)
    made = await asked(system, "/incidents", TOLD, "incident")
    assert made is not None
    path = f"/incidents/{made['id']}/commands"
    for first in range(0, MEMBERS, AT_ONCE):
        some = {"numbers": numbers[first : first + AT_ONCE]}
        assert await asked(system, f"{path}/attach", some, f"attach{first}")
    await system.stop(kill=True)

    acts: list[tuple[str, dict[str, str], str]] = []
    for at, fault in enumerate(FAULTS[step]):
        state = "act" if at % 2 else "investigate"
        acts.append((state, {}, f"k{at}") if step in MOVING else ("tell", TOLD, f"k{at}"))
        if await system.start(fault=fault):
            while acts and await asked(system, f"{path}/{acts[0][0]}", *acts[0][1:]):
                acts.pop(0)
            assert await system.ended(REACHED_WITHIN), f"{fault} was never reached"
        await system.stop(kill=True)
    assert await system.start()
    for name, body, key in acts:
        assert await asked(system, f"{path}/{name}", body, key)
    done = len(FAULTS[step])
    moves, bulletins = (done, 0) if step in MOVING else (0, done)
    await until_all_is_reached(system, made["id"], bulletins)
    assert await system.stop() == 0

    moved = rows(
        folder / "followup" / "state.db",
        "SELECT complaint, count(*) FROM facts WHERE name = 'incident_moved' GROUP BY complaint",
    )
    assert Counter(count for _, count in moved) == ({moves: MEMBERS} if moves else {})
    told = rows(
        folder / "notify" / "state.db",
        "SELECT count(*), count(DISTINCT number) FROM messages WHERE purpose LIKE 'bulletin.%' GROUP BY purpose",
    )
    assert told == [(MEMBERS, MEMBERS)] * bulletins
