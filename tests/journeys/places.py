"""Systems in a place of their own, as their operators have them: with a command, and complaints that keep coming."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults.system import ROOT, System

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

SETTLED_SECONDS = 60.0


@dataclass
class Place:
    """Where a system lives: its folder, and the settings that say where the rest is."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def system(self) -> System:
        return System(self.folder, **self.environment)

    def redress(self, *arguments: str, url: str = "") -> subprocess.CompletedProcess[str]:
        """The command, with the settings of this place."""
        environment = os.environ | self.environment | {"REDRESS_DATA": str(self.folder)}
        environment |= {"REDRESS_PORT": "0"}  # whatever else listens on this machine
        environment |= {"REDRESS_URL": url} if url else {}
        environment |= {"REDRESS_KEY": self.system().keys["operator_key"]} if url else {}
        return subprocess.run(
            [sys.executable, "-m", "redress", *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    @asynccontextmanager
    async def running(self) -> AsyncIterator[System]:
        system = self.system()
        try:
            assert await system.start(), (self.folder / "log.txt").read_text()
            yield system
        except BaseException:
            await system.stop(kill=True)
            raise
        assert await system.stop() == 0


async def keep_complaining(system: System, taken: dict[str, dict[str, Any]]) -> None:
    """Complain for ever; what was answered 202 is in `taken`, under its Idempotency-Key."""
    number = 0
    while True:
        key = f"load-{number}"
        if (made := await system.complain(key)) is not None:
            taken[key] = made
            number += 1


async def told(system: System, numbers: set[str]) -> list[dict[str, Any]]:
    """The feed, once every one of these complaints has its message and nothing follows any more."""
    before = 0
    async with asyncio.timeout(SETTLED_SECONDS):
        while True:
            events = await system.events()
            done = {
                event["data"]["number"]
                for event in events
                if event["type"] == "redress.message.accepted.v1"
            }
            if numbers <= done and len(events) == before:
                return events
            before = len(events)
            await asyncio.sleep(0.5)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(SETTLED_SECONDS):
        while not is_so():
            await asyncio.sleep(0.05)


def once_and_in_order(events: list[dict[str, Any]]) -> None:
    """Assert that each subject's events of each source are there without a gap, and none twice."""
    last: dict[tuple[str, str], int] = {}
    for event in events:
        key = (event["source"], event["subject"])
        assert event["sequence"] == last.get(key, 0) + 1, key
        last[key] = event["sequence"]
