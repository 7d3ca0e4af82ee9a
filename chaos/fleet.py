"""The processes of a system under test: started, killed, stopped and continued, and started again when they end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dev.process import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from chaos.journal import Journal

ROOT = Path(__file__).parents[1]
START_SECONDS = 60.0
LOOK_SECONDS = 0.05


class NotStarted(Exception):
    """A process did not become ready."""


@dataclass(slots=True)
class Member:
    """One process, always on the same port.

    `down_for` collects the seconds from an end to being ready again. One that a fault ends as it starts ends anew.
    """

    name: str
    folder: Path
    """The data folder."""
    logs: Path
    environment: Mapping[str, str]
    services: Sequence[str] = ()
    port: int = field(default_factory=lambda: free_ports(1)[0])
    down_for: list[float] = field(default_factory=list)
    is_ready: bool = False
    _process: subprocess.Popen[bytes] | None = None
    _ended_at: float | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def launch(self, *, fault: str = "") -> None:
        """Start the process; `ready` waits for it."""
        environment = os.environ | dict(self.environment)
        environment |= {
            "REDRESS_DATA": str(self.folder),
            "REDRESS_PORT": str(self.port),
            "FAULT": fault,
        }
        with (self.logs / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "chaos.child", *self.services],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    async def ready(self) -> bool:
        """Wait until it is ready; False when it ended before (a fault may do that)."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), START_SECONDS)
        process.stdout.close()
        if not line:
            return False
        if self._ended_at is not None:
            self.down_for.append(time.monotonic() - self._ended_at)
            self._ended_at = None
        self.is_ready = True
        return True

    async def ended(self) -> int:
        """Wait for its end."""
        process = self._process
        assert process is not None
        code = await asyncio.to_thread(process.wait)
        self.is_ready = False
        self._ended_at = time.monotonic()
        return code

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


class Fleet:
    """All processes of a system, each started again when it ends, as a supervisor would."""

    def __init__(self, members: Sequence[Member], journal: Journal) -> None:
        self.members = list(members)
        self._ends: dict[str, int] = {}
        self.given_up: list[str] = []
        """Processes that would not become ready again."""
        self._journal = journal
        self._faults: dict[str, list[str]] = {}
        self._watching: list[asyncio.Task[None]] = []
        self._may_start = asyncio.Event()
        self._may_start.set()

    async def start(self) -> None:
        """Start all, the first one first: it makes databases and topics. Raises NotStarted."""
        for member in self.members:
            member.launch()
            if not await member.ready():
                raise NotStarted(f"{member.name} ended before it was ready: see {member.folder}")
            self._watching.append(asyncio.create_task(self._watch(member)))

    def arm(self, member: Member, fault: str) -> None:
        """Give a process this fault at its next start."""
        self._faults.setdefault(member.name, []).append(fault)

    def ends_of(self, member: Member) -> int:
        """How often a process ended."""
        return self._ends.get(member.name, 0)

    def kill(self, member: Member, why: str) -> None:
        """End a process as a power cut would."""
        self._journal.write("fault", what=f"kill -9 {member.name}: {why}")
        member.is_ready = False
        member.signal(signal.SIGKILL)

    def end(self, member: Member) -> None:
        """Ask a process to end in an orderly way."""
        self._journal.write("fault", what=f"SIGTERM {member.name}")
        member.is_ready = False
        member.signal(signal.SIGTERM)

    @asynccontextmanager
    async def without(self, member: Member, end: Callable[[Member], None]) -> AsyncIterator[None]:
        """One process was ended by `end`, and stays so while the block runs."""
        self._may_start.clear()
        end(member)
        try:
            yield
        finally:
            self._may_start.set()

    @asynccontextmanager
    async def down(self) -> AsyncIterator[None]:
        """All processes are ended, in an orderly way, while the block runs."""
        self._may_start.clear()
        for member in self.members:
            self.end(member)
        while any(member.is_running for member in self.members):
            await asyncio.sleep(LOOK_SECONDS)
        try:
            yield
        finally:
            self._may_start.set()
            await self.all_ready()

    async def stop(self) -> dict[str, int]:
        """End all in an orderly way; the exit codes."""
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        codes = {}
        for member in self.members:
            member.signal(signal.SIGCONT)
            member.signal(signal.SIGTERM)
        for member in self.members:
            try:
                codes[member.name] = await asyncio.wait_for(member.ended(), 30)
            except TimeoutError:
                member.signal(signal.SIGKILL)
                codes[member.name] = await member.ended()
        return codes

    @property
    def keys(self) -> dict[str, Any]:
        """What the first migration wrote down: the adapter's and the operator's keys."""
        found: dict[str, Any] = json.loads((self.members[0].folder / "first-run.json").read_text())
        return found

    async def all_ready(self) -> None:
        """Wait until every process is ready."""
        while not all(member.is_ready for member in self.members):
            await asyncio.sleep(LOOK_SECONDS)

    async def any_ready(self) -> None:
        """Wait until one process is ready."""
        while not any(member.is_ready for member in self.members):
            await asyncio.sleep(LOOK_SECONDS)

    async def _watch(self, member: Member) -> None:
        while True:
            code = await member.ended()
            self._ends[member.name] = self.ends_of(member) + 1
            faults = self._faults.get(member.name)
            self._journal.write("ended", what=f"{member.name} with {code}")
            await self._may_start.wait()
            member.launch(fault=faults.pop(0) if faults else "")
            try:
                await member.ready()
            except TimeoutError:
                self.given_up.append(member.name)
                member.signal(signal.SIGKILL)
