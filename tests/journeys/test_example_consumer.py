"""The example in `examples/consumer`, as a team downstream runs it: killed again and again, and right in the end."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.system import ROOT
from tests.journeys.places import SETTLED_SECONDS, Place, keep_complaining, told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.faults.system import System

pytestmark = pytest.mark.slow

PROGRAM = ROOT / "examples" / "consumer" / "consumer.py"
KILLS = 4


class Downstream:
    """A downstream team's process and its database."""

    def __init__(self, store: Path, environment: Mapping[str, str]) -> None:
        self.store = store
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(self.store)], env=self._environment
        )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def applied(self) -> int:
        """How many events have had their effect."""
        return int(self._ask("SELECT coalesce(sum(events), 0) FROM cases")[0][0])

    def marks(self) -> dict[tuple[str, str], int]:
        rows = self._ask("SELECT source, subject, sequence FROM progress")
        return {(source, subject): sequence for source, subject, sequence in rows}

    def states(self) -> dict[str, str]:
        return dict(self._ask("SELECT number, state FROM cases"))

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        if not self.store.exists():
            return [(0,)]
        with closing(sqlite3.connect(self.store, timeout=10)) as connection:
            try:
                return connection.execute(query).fetchall()
            except sqlite3.OperationalError:
                return [(0,)]  # its tables are not there yet


async def until_applied(downstream: Downstream, at_least: int) -> None:
    async with asyncio.timeout(SETTLED_SECONDS):
        while downstream.applied() < at_least:
            await asyncio.sleep(0.02)


async def live(system: System, downstream: Downstream) -> None:
    """Complaints come, the consumer is killed again and again, and at last it catches up."""
    taken: dict[str, dict[str, Any]] = {}
    load = asyncio.create_task(keep_complaining(system, taken))
    try:
        for _ in range(KILLS):
            before = downstream.applied()
            downstream.start()
            await until_applied(downstream, before + 5)
            downstream.kill()
        load.cancel()
        with suppress(asyncio.CancelledError):
            await load
        received = {
            one["data"]["number"]
            for one in await system.events()
            if one["type"] == "redress.complaint.received.v1"
        }
        events = await told(system, received)
        downstream.start()
        await until_applied(downstream, len(events))
    finally:
        downstream.kill()
    last = {(one["source"], one["subject"]): one["sequence"] for one in events}
    assert downstream.applied() == len(events), "each event once"
    assert downstream.marks() == last
    states = {
        one["data"]["number"]: one["data"]["state"] for one in events if "state" in one["data"]
    }
    assert downstream.states() == states


async def test_over_http_each_event_is_applied_once_whatever_is_killed(
    seeded_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    async with Place(folder).running() as system:
        environment = {"REDRESS_URL": system.url, "REDRESS_KEY": system.keys["operator_key"]}
        await live(system, Downstream(tmp_path / "cases.db", environment))


@pytest.mark.kafka
async def test_from_kafka_each_event_is_applied_once_whatever_is_killed(
    grown_place: Callable[[str], Place],
    tmp_path: Path,
) -> None:
    place = grown_place("kafka")
    async with place.running() as system:
        servers = place.environment["REDRESS_BUS"].removeprefix("kafka://")
        await live(system, Downstream(tmp_path / "cases.db", {"REDRESS_KAFKA": servers}))


def test_the_example_stays_small_enough_to_read() -> None:
    lines = PROGRAM.read_text(encoding="utf-8").splitlines()

    assert len(lines) <= 100
