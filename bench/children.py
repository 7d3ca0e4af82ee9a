"""Floors and the product as child processes on loopback. Only what was started here is ended."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bench.machine import processor_seconds
from dev.process import LOOPBACK, EngineError, free_ports, launch, tail

ROOT = Path(__file__).resolve().parent.parent
START_WITHIN = 60.0
STOP_WITHIN = 20.0
QUIET = 0.16
"""Share of a core below which a process has nothing left to do but its polls."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running program with the port that it answers on."""

    pid: int
    port: int
    ready_after: float
    """Seconds from its start until it was ready."""

    async def come_to_rest(self, *, within: float = 60.0) -> None:
        """Wait until it has nothing left to do, so that the next measurement has the machine."""
        end = time.monotonic() + within
        before, calm = processor_seconds(self.pid), 0
        while calm < 2 and time.monotonic() < end:  # noqa: PLR2004 - twice in a row
            await asyncio.sleep(0.25)
            now = processor_seconds(self.pid)
            calm = calm + 1 if now - before <= QUIET * 0.25 else 0
            before = now


@asynccontextmanager
async def running(
    command: Sequence[str],
    *,
    port: int,
    path: str,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Child]:
    """Run a program until the end of the block; it is ready when `path` is answered 200. Raises EngineError."""
    started = time.perf_counter()
    child = launch(
        [sys.executable, *command],
        log=log,
        folder=ROOT,
        environment=_environment(environment or {}),
    )
    try:
        await _ready(child, port, path, log)
        yield Child(child.pid, port, time.perf_counter() - started)
    finally:
        child.terminate()
        try:
            await asyncio.to_thread(child.wait, STOP_WITHIN)
        except subprocess.TimeoutExpired:
            child.kill()
            await asyncio.to_thread(child.wait)


@asynccontextmanager
async def floor(module: str, *arguments: str, folder: Path) -> AsyncIterator[Child]:
    """Run a floor that serves HTTP."""
    [port] = free_ports(1)
    command = ["-m", f"bench.floors.{module}", "--port", str(port), *arguments]
    _make(folder)
    async with running(command, port=port, path="/ready", log=folder / "log") as child:
        yield child


@asynccontextmanager
async def product(*services: str, folder: Path, **settings: str) -> AsyncIterator[Child]:
    """Run `redress up` on a data folder; settings by their names behind `REDRESS_`."""
    [port] = free_ports(1)
    _make(folder)
    secrets = {
        f"REDRESS_{name}": hashlib.sha256(name.encode()).hexdigest()
        for name in ("SECRET", "VAULT_KEY", "TOKEN_KEY")
    }
    environment = {
        "REDRESS_DATA": str(folder),
        "REDRESS_PORT": str(port),
        "REDRESS_LOG_LEVEL": "warning",
        # One key posts as fast as it can: what is measured is not what it may.
        "REDRESS_KEY_RATE": "1000000",
        "REDRESS_KEY_BURST": "1000000",
        **secrets,
        **{f"REDRESS_{name.upper()}": value for name, value in settings.items()},
    }
    command = ["-m", "redress", "up", *services, "--migrate"]
    async with running(
        command, port=port, path="/readyz", log=folder / "log", environment=environment
    ) as child:
        yield child


def adapter_key(folder: Path) -> str:
    """The key that may post complaints."""
    first_run = json.loads((folder / "first-run.json").read_text(encoding="utf-8"))
    return str(first_run["adapter_key"])


async def once(module: str, *arguments: str) -> float:
    """Run a program to its end; the last that it prints is a number. Raises EngineError."""
    return (await numbers(module, *arguments))[-1]


async def numbers(module: str, *arguments: str) -> list[float]:
    """Run a program to its end; its last line is numbers with spaces between them. Raises EngineError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"bench.{module}", *arguments,
        cwd=ROOT, env=_environment({}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 300)
    except TimeoutError:
        process.kill()
        raise EngineError(f"bench.{module} did not come to its end within 300 s") from None
    lines = output.decode(errors="replace").strip().splitlines()
    if process.returncode or not lines:
        raise EngineError(f"bench.{module} failed:\n" + "\n".join(lines[-15:]))
    return [float(each) for each in lines[-1].split()]


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("REDRESS_")
    }
    return inherited | dict(more)


async def _ready(child: "subprocess.Popen[bytes]", port: int, path: str, log: Path) -> None:
    end = time.monotonic() + START_WITHIN
    while not await asyncio.to_thread(_answers, port, path):
        if child.poll() is not None:
            raise EngineError(f"it ended before it was ready; the end of its log:\n{tail(log)}")
        if time.monotonic() > end:
            raise EngineError(
                f"it was not ready within {START_WITHIN:.0f} s; the end of its log:\n{tail(log)}"
            )
        await asyncio.sleep(0.02)


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


def _answers(port: int, path: str) -> bool:
    try:
        with urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=2) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 - OK
    except (URLError, OSError):
        return False
