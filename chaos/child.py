"""A process that hosts services with a hook at the named fault points, and a clock that tests can shift.

    python -m chaos.child [SERVICE …]

`FAULT=point:action[@n]` acts when the point is reached for the n-th time: `kill` ends the process as kill -9 does,
`raise` raises. `REDRESS_TEST_CLOCK` names a file with the seconds to add to the clock. `MUTANT` names a mistake of
`chaos.mutants` to run with: a checker that does not notice it proves nothing.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from shared.collector import uncollected

with uncollected():
    from chaos.mutants import MUTANTS
    from redress import host
    from shared import faults, telemetry
    from shared.clock import Clock, FileClock, SystemClock
    from shared.errors import Poison
    from shared.settings import Settings


class Fault(Poison):
    """Raised on purpose."""


def install(text: str) -> None:
    """Set the hook that `FAULT` asks for."""
    point, _, rest = text.partition(":")
    action, _, at = rest.partition("@")
    left = int(at or 1)

    def hook(reached: str) -> None:
        nonlocal left
        if reached != point:
            return
        left -= 1
        if left:
            return
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise Fault(f"{point}: on purpose")

    faults.install(hook)


def main() -> None:
    telemetry.configure_logs(level="warning", json=True)
    if text := os.environ.get("FAULT"):
        install(text)
    if name := os.environ.get("MUTANT"):
        MUTANTS[name]()
    shifted = os.environ.get("REDRESS_TEST_CLOCK")
    clock: Clock = FileClock(Path(shifted)) if shifted else SystemClock()
    asyncio.run(
        host.up(
            Settings(),
            sys.argv[1:],
            with_migrations=True,
            clock=clock,
            on_ready=lambda url: print(f"ready {url}", flush=True),
        )
    )


if __name__ == "__main__":
    main()
