"""Run the tests: the fast part first, then all that needs real engines or time. `python -m dev.test [--fast]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from datetime import timedelta

FAST = "not slow and not kafka and not postgres"
REST = "slow or kafka or postgres"
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
    started = time.monotonic()
    codes = [run_part("fast part", FAST, for_pytest)]
    note_if_over("The fast part", started, FAST_WITHIN)
    if not options.fast:
        codes.append(run_part("the rest, on real engines", REST, for_pytest))
        note_if_over("All tests", started, ALL_WITHIN)
    failed = [code for code in codes if code not in {0, NO_TESTS}]
    if failed:
        return failed[0]
    if all(code == NO_TESTS for code in codes):
        print("test: no test ran", file=sys.stderr)
        return NO_TESTS
    return 0


def run_part(title: str, markers: str, for_pytest: list[str]) -> int:
    """Run the tests that `markers` choose, on some workers, and return pytest's exit code."""
    print(f"\n── {title} ──", flush=True)
    command = [sys.executable, "-m", "pytest", "-m", markers, "-n", WORKERS, "--dist", "loadgroup"]
    return subprocess.run([*command, *for_pytest], stdin=subprocess.DEVNULL, check=False).returncode


def note_if_over(what: str, started: float, limit: timedelta) -> None:
    took = timedelta(seconds=round(time.monotonic() - started))
    if took > limit:
        print(f"note: {what} took {took}, the limit is {limit}: mark or shorten the slowest tests")


if __name__ == "__main__":
    sys.exit(main())
