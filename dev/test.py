"""Run the tests: the fast part, then, if it is green, what needs engines or time. `python -m dev.test [--fast]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from datetime import timedelta

FAST = "not slow and not kafka and not postgres and not browser"
REST = "(slow or kafka or postgres) and not browser"
FAST_WITHIN = timedelta(seconds=60)
ALL_WITHIN = timedelta(minutes=6)
NO_TESTS = 5
WORKERS = "3"
"""One more than the two cores of a small machine: many tests wait for an engine."""


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when every part passed; what is not known here goes to pytest."""
    parser = argparse.ArgumentParser(prog="python -m dev.test", description=__doc__)
    parser.add_argument("--fast", action="store_true", help="only the fast part")
    options, for_pytest = parser.parse_known_args(arguments)
    parts = [("fast part", FAST, FAST_WITHIN)]
    if not options.fast:
        parts.append(("the rest, on real engines", REST, ALL_WITHIN))
    started, code = time.monotonic(), NO_TESTS
    for title, markers, limit in parts:
        of_part = run_part(title, markers, for_pytest)
        note_if_over(title, started, limit)
        if of_part not in {0, NO_TESTS}:
            return of_part  # What failed is the last to be read: another part would push it out of sight.
        code = min(code, of_part)
    if code == NO_TESTS:
        print("test: no test ran", file=sys.stderr)
    return code


def run_part(title: str, markers: str, for_pytest: list[str]) -> int:
    """Run the tests that `markers` choose, on some workers, and return pytest's exit code."""
    print(f"\n── {title} ──", flush=True)
    command = [sys.executable, "-m", "pytest", "-m", markers, "-n", WORKERS, "--dist", "loadgroup"]
    return subprocess.run([*command, *for_pytest], stdin=subprocess.DEVNULL, check=False).returncode


def note_if_over(what: str, started: float, limit: timedelta) -> None:
    took = timedelta(seconds=round(time.monotonic() - started))
    if took > limit:
        print(
            f"note: {what}: {took} so far, the limit is {limit}: mark or shorten the slowest tests"
        )


if __name__ == "__main__":
    sys.exit(main())
