"""A whole system when what it stands on goes away, and when it is started twice."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.faults.system import ROOT, System

if TYPE_CHECKING:
    from pathlib import Path

    from dev.postgres import Postgres

pytestmark = pytest.mark.slow


@pytest.mark.req("R-011")
async def test_while_postgresql_is_away_a_post_says_503_and_afterwards_works_without_a_restart(
    own_postgres: Postgres, tmp_path: Path
) -> None:
    system = System(tmp_path, REDRESS_DATABASE=f"{own_postgres.url}/redress_{{service}}")
    try:
        assert await system.start(), (tmp_path / "log.txt").read_text()
        made = await system.complain("before")
        assert made is not None
        await system.until_told(made["number"])

        await asyncio.to_thread(own_postgres.stop_immediately)
        async with system.client("adapter_key") as client:
            answer = await client.post(
                "/intake/v1/complaints",
                json={"text": "停电了"},
                headers={"Idempotency-Key": "away"},
            )
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == httpx.codes.SERVICE_UNAVAILABLE
        assert system.is_running

        await asyncio.to_thread(own_postgres.start)
        async with asyncio.timeout(10):
            while (again := await system.complain("away")) is None:
                await asyncio.sleep(0.1)
        await system.until_told(again["number"])
        assert await system.stop() == 0
    finally:
        if system.is_running:
            await system.stop(kill=True)


async def test_a_second_process_on_the_same_folder_is_refused_in_one_sentence(
    seeded_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    system = System(folder)
    try:
        assert await system.start()

        second = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "redress", "up", "--migrate"],
            cwd=ROOT,
            env=os.environ | {"REDRESS_DATA": str(folder), "REDRESS_PORT": "0"},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert second.returncode == 1
        [sentence] = second.stderr.splitlines()
        assert sentence.startswith(f"redress: {folder} is in use by process ")
        assert second.stdout == ""

        assert await system.complain("still-works") is not None
        assert await system.stop() == 0
    finally:
        if system.is_running:
            await system.stop(kill=True)


async def test_a_stop_is_quick_also_while_somebody_watches(
    seeded_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    system = System(folder)
    try:
        assert await system.start()
        async with (
            system.client() as client,
            client.stream(
                "GET", "/notify/v1/events", headers={"Accept": "text/event-stream"}
            ) as stream,
        ):
            assert stream.status_code == httpx.codes.OK
            loop = asyncio.get_running_loop()
            began = loop.time()
            assert await system.stop() == 0
            assert loop.time() - began < 3
    finally:
        if system.is_running:
            await system.stop(kill=True)


async def test_a_watch_says_when_the_system_goes_away(seeded_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    system = System(folder)
    watch: subprocess.Popen[str] | None = None
    try:
        assert await system.start()
        made = await system.complain("seen")
        assert made is not None
        watch = subprocess.Popen(
            [sys.executable, "-m", "redress", "watch", "--after", "beginning"],
            cwd=ROOT,
            env=os.environ
            | {"REDRESS_URL": system.url, "REDRESS_KEY": str(system.keys["operator_key"])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert watch.stdout is not None
        assert watch.stderr is not None
        async with asyncio.timeout(60):
            while made["number"] not in await asyncio.to_thread(watch.stdout.readline):
                pass
            assert await system.stop() == 0
            while not (line := await asyncio.to_thread(watch.stderr.readline)).startswith("away ("):
                assert line.startswith("watching ")
        watch.send_signal(signal.SIGINT)
        watch.communicate(timeout=30)
        assert watch.returncode == 130
    finally:
        if system.is_running:
            await system.stop(kill=True)
        if watch is not None:
            watch.kill()
            watch.communicate()
