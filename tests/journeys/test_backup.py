"""Back up under load, destroy, restore, go on: embedded, on Kafka and PostgreSQL, and from the one to the other."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.system import ROOT
from tests.journeys.places import Place, keep_complaining, once_and_in_order, told, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.system import System

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backup")]

KEPT_APART = ("secrets", "first-run.json")
HELD_SECONDS = 30.0


async def attach(system: System) -> str:
    async with system.client("adapter_key") as client:
        answer = await client.post(
            "/intake/v1/attachments", content=b"%PDF-1.4 receipt", headers={"Content-Type": "application/pdf"}
        )  # fmt: skip
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


async def cases(system: System, numbers: set[str]) -> dict[str, Any]:
    found = {}
    async with system.client() as client:
        for number in sorted(numbers):
            answer = await client.get(f"/followup/v1/cases/{number}")
            assert answer.status_code == 200, f"{number}: {answer.text}"
            found[number] = answer.json()
    return found


@dataclass
class Before:
    """What is known of the system that is lost."""

    file: Path
    taken: dict[str, dict[str, Any]]
    """What was answered 202 before the backup, under its Idempotency-Key."""
    case: dict[str, Any]
    attachment: str
    cursor: str
    """Of a reader of the feed, after three events."""


async def page(system: System, after: str, limit: int) -> dict[str, Any]:
    async with system.client() as client:
        query: dict[str, str | int] = {"after": after, "limit": limit}
        found: dict[str, Any] = (await client.get("/notify/v1/events", params=query)).json()
    return found


async def back_up_under_load(place: Place, file: Path) -> Before:
    async with place.running() as system:
        first = await system.complain("first")
        assert first is not None
        attachment = await attach(system)
        await told(system, {first["number"]})
        cursor = (await page(system, "beginning", 3))["next"]
        taken = {"first": first}
        load = asyncio.create_task(keep_complaining(system, taken))
        await until(lambda: len(taken) >= 10)
        before = dict(taken)
        done = await asyncio.to_thread(place.redress, "backup", str(file), "--json", url=system.url)
        assert done.returncode == 0, done.stderr
        after = len(taken)
        await until(lambda: len(taken) > after)  # it takes complaints again
        load.cancel()
        with suppress(asyncio.CancelledError):
            await load
        case = (await cases(system, {first["number"]}))[first["number"]]
    held = json.loads(done.stdout)["held_seconds"]
    print(f"held for {held} s; {len(before)} complaints before")
    assert held < HELD_SECONDS
    return Before(file, before, case, attachment, cursor)


def move(old: Place, new: Place) -> None:
    """Lose everything but what is kept apart."""
    for name in KEPT_APART:
        source = old.folder / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, new.folder / name)
    shutil.rmtree(old.folder)


async def goes_on(system: System, before: Before) -> None:
    """Assert that everything is there, and that the system works on as if nothing had been."""
    numbers = {made["number"] for made in before.taken.values()}
    events = await told(system, numbers)
    once_and_in_order(events)
    received = {
        one["data"]["number"] for one in events if one["type"] == "redress.complaint.received.v1"
    }
    assert numbers <= received
    found = await cases(system, received)
    assert found[before.case["number"]] == before.case
    for key, made in before.taken.items():
        again = await system.complain(key)
        assert again is not None
        assert again["number"] == made["number"]
    items = (await page(system, before.cursor, 200))["items"]
    assert [one["id"] for one in items] == [one["id"] for one in events[3 : 3 + len(items)]]
    assert (system.folder / "intake" / "attachments" / before.attachment).exists()
    async with system.client() as client:
        for name in ("routing", "followup", "notify"):
            figures = (await client.get(f"/{name}/v1/operations/lag")).json()
            assert sum(figures["lag"].values()) == 0, "the groups go on where they were"
            assert figures["parked"] == 0
    new = await system.complain("after the disaster")
    assert new is not None
    once_and_in_order(await told(system, {new["number"]}))


async def live_through_a_disaster(old: Place, new: Place, tmp_path: Path) -> None:
    before = await back_up_under_load(old, tmp_path / "redress.backup")
    move(old, new)
    restored = new.redress("restore", str(before.file), "--json")
    assert restored.returncode == 0, restored.stderr
    async with new.running() as system:
        await goes_on(system, before)


@pytest.mark.req("R-011")
async def test_embedded_backup_under_load_destroyed_and_restored(
    embedded_place: Callable[[str], Place], tmp_path: Path
) -> None:
    """INVARIANT: all that was answered 202 before the backup is there afterwards, as one consistent set."""
    await live_through_a_disaster(embedded_place("old"), embedded_place("new"), tmp_path)


@pytest.mark.kafka
async def test_kafka_and_postgresql_backup_under_load_destroyed_and_restored(
    grown_place: Callable[[str], Place], tmp_path: Path
) -> None:
    await live_through_a_disaster(grown_place("old"), grown_place("new"), tmp_path)


@pytest.mark.kafka
async def test_a_company_grows_out_of_one_process_into_kafka_and_postgresql(
    embedded_place: Callable[[str], Place], grown_place: Callable[[str], Place], tmp_path: Path
) -> None:
    await live_through_a_disaster(embedded_place("old"), grown_place("new"), tmp_path)


async def test_a_restore_is_refused_by_what_is_in_its_way(
    embedded_place: Callable[[str], Place], tmp_path: Path
) -> None:
    old, file = embedded_place("old"), tmp_path / "redress.backup"
    async with old.running() as system:
        made = await system.complain("one")
        assert made is not None
        await told(system, {made["number"]})
        done = await asyncio.to_thread(old.redress, "backup", str(file), url=system.url)
        assert done.returncode == 0, done.stderr
        again = await asyncio.to_thread(old.redress, "backup", str(file), url=system.url)
        assert (again.returncode, "--force" in again.stderr) == (2, True)
        running = old.redress("restore", str(file))
        assert (running.returncode, "in use by process" in running.stderr) == (1, True)
    full = old.redress("restore", str(file))
    assert full.returncode == 1
    assert "desk.units" in full.stderr
    assert "topic redress.complaints" in full.stderr

    strange = embedded_place("strange")
    (strange.folder / "secrets").mkdir()
    for name in ("secret", "vault_key", "token_key"):
        (strange.folder / "secrets" / name).write_text(secrets.token_hex(32))
    wrong = strange.redress("restore", str(file))
    assert (wrong.returncode, "REDRESS_VAULT_KEY" in wrong.stderr) == (2, True)

    broken = tmp_path / "broken.backup"
    raw = bytearray(file.read_bytes())
    broken.write_bytes(raw[: len(raw) // 2])
    target = embedded_place("new")
    shutil.copytree(old.folder / "secrets", target.folder / "secrets")
    cut = target.redress("restore", str(broken))
    assert (cut.returncode, "no backup" in cut.stderr) == (1, True)
    assert not (target.folder / "desk").exists(), "nothing was written"


async def test_a_killed_restore_is_seen_and_can_be_begun_again_after_emptying(
    embedded_place: Callable[[str], Place], tmp_path: Path
) -> None:
    old, new, file = embedded_place("old"), embedded_place("new"), tmp_path / "redress.backup"
    async with old.running() as system:
        made = await system.complain("one")
        assert made is not None
        await told(system, {made["number"]})
        assert (
            await asyncio.to_thread(old.redress, "backup", str(file), url=system.url)
        ).returncode == 0
    for name in KEPT_APART:
        source = old.folder / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, new.folder / name)
    await half_a_restore(new, file)

    started = new.redress("up", "--migrate")
    again = new.redress("restore", str(file))

    assert (started.returncode, "restore" in started.stderr) == (2, True)
    assert (again.returncode, "did not end" in again.stderr) == (1, True)
    doctor = new.redress("doctor", "--json", "--url", "http://127.0.0.1:9", "--key", "rk_a_b")
    assert (doctor.returncode, doctor.stdout.count("a restore into it did not end")) == (3, 5)
    for path in new.folder.iterdir():
        if path.name not in KEPT_APART:
            (shutil.rmtree if path.is_dir() else os.unlink)(path)
    assert new.redress("restore", str(file)).returncode == 0
    async with new.running() as system:
        assert await cases(system, {made["number"]})


async def half_a_restore(place: Place, file: Path) -> None:
    """Kill a restore once the first rows are there."""
    environment = os.environ | place.environment | {"REDRESS_DATA": str(place.folder)}
    script = (
        "import os, signal, redress.restore as r\n"
        "async def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)\n"
        "r._put_topics = die\n"
        "from redress.cli import run\n"
        f"run(['restore', {str(file)!r}])\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=ROOT, env=environment
    )
    assert await process.wait() == -9
