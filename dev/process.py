"""Starting and ending the engines that tests run against: only what was started here is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOOPBACK = "127.0.0.1"


class EngineError(Exception):
    """An engine could not be had or did not start; the message says what is missing."""


def free_ports(count: int) -> list[int]:
    """Name `count` different loopback ports that nobody listens on."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def is_listening(port: int) -> bool:
    """Tell whether something accepts connections on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


def launch(
    command: Sequence[str],
    *,
    log: Path,
    folder: Path,
    user: tuple[int, int] | None = None,
    environment: dict[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, so that Ctrl-C in a test run does not reach it."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
            user=user[0] if user else None,
            group=user[1] if user else None,
            extra_groups=[] if user else None,
        )


def is_running(pid: int, *, word: str) -> bool:
    """Tell whether `pid` is alive and was started with the argument `word` (pids are reused)."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        is_zombie = stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return _answers_without_proc(pid)
    return word.encode() in arguments and not is_zombie


def _answers_without_proc(pid: int) -> bool:
    if Path("/proc/self").exists():
        return False
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        return True
    return False


def wait_until(
    condition: Callable[[], bool], *, within: float, what: str, while_alive: Callable[[], bool]
) -> None:
    """Poll until `condition` holds. Raises EngineError after `within` seconds or an early end."""
    end = time.monotonic() + within
    while not condition():
        if not while_alive():
            raise EngineError(f"{what} ended before it was ready")
        if time.monotonic() > end:
            raise EngineError(f"{what} was not ready within {within:.0f} s")
        time.sleep(0.05)


def end_process(
    pid: int,
    *,
    word: str,
    how: signal.Signals = signal.SIGTERM,
    grace: float = 20.0,
    child: subprocess.Popen[bytes] | None = None,
) -> None:
    """End `pid` if it still is the process started with `word`; SIGKILL after `grace` seconds."""

    def alive() -> bool:
        if child is not None and child.poll() is not None:
            return False
        return is_running(pid, word=word)

    if not alive():
        return
    os.kill(pid, how)
    try:
        wait_until(
            lambda: not alive(), within=grace, what=f"process {pid}", while_alive=lambda: True
        )
    except EngineError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not alive(), within=5, what=f"process {pid}", while_alive=lambda: True)


def children_of(pid: int) -> list[int]:
    """Return the direct children of `pid`; none where the system does not tell."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    except OSError:
        return []
    return [int(child) for child in listed.split()]


def tail(log: Path, *, lines: int = 20) -> str:
    """Return the last lines of a log, for an error message."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"
