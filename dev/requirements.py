"""Write docs/requirements.md: each requirement, the tests that show it, and how they ended.

`python -m dev.requirements` runs only the tests that carry `@pytest.mark.req`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "docs" / "requirements.yaml"
PAGE = ROOT / "docs" / "requirements.md"
NO_TESTS: Final = 5

Results = Mapping[str, Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement in our words, and the parts of the product that meet it."""

    id: str
    component: tuple[str, ...]
    title: str


def read_rows(source: Path = SOURCE) -> list[Row]:
    """Read the rows. Raises ValueError for an id that stands twice."""
    found = yaml.safe_load(source.read_text(encoding="utf-8"))
    rows = [Row(each["id"], tuple(each["component"]), each["title"]) for each in found]
    twice = [row for row, times in Counter(each.id for each in rows).items() if times > 1]
    if twice:
        raise ValueError(f"{source.name}: {', '.join(twice)} stands twice")
    return rows


def run_marked_tests(
    for_pytest: Sequence[str] = (),
) -> tuple[int, dict[str, list[tuple[str, str]]]]:
    """Run the tests that carry a requirement; returns pytest's exit code and row → outcomes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "results.json"
        command = [sys.executable, "-m", "pytest", "-m", "req", "-q", "-n", "2"]
        command += ["--dist", "loadgroup", "-p", "dev.pytest_requirements"]
        command += [f"--requirements-out={out}", *for_pytest]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, cwd=ROOT, check=False)
        if not out.exists():
            return ended.returncode or 1, {}
        found = json.loads(out.read_text(encoding="utf-8"))
    code = 0 if ended.returncode == NO_TESTS else ended.returncode
    return code, {row: [(test, outcome) for test, outcome in tests] for row, tests in found.items()}


def render(rows: Sequence[Row], results: Results) -> str:
    """Lay out the page. The same results give the same bytes."""
    shown = sum(1 for row in rows if results.get(row.id))
    summary = f"{shown} of {len(rows)} rows have a test."
    lines = [
        "# Requirements and the tests that show them",
        "",
        f"Written by `make requirements` from `requirements.yaml`; do not edit. {summary}",
        "",
        "| Row | What | Where | Tests | Result |",
        "|---|---|---|---|---|",
    ]
    lines += [render_row(row, results.get(row.id, ())) for row in rows]
    return "\n".join(lines) + "\n"


def render_row(row: Row, tests: Sequence[tuple[str, str]]) -> str:
    where = ", ".join(row.component)
    if not tests:
        return f"| {row.id} | {row.title} | {where} | – | not yet |"
    outcomes = summarise(tests)
    names = "<br>".join(f"`{name}`" for name in outcomes)
    result = "<br>".join(outcomes.values())
    return f"| {row.id} | {row.title} | {where} | {names} | {result} |"


def summarise(tests: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Put the parameter sets of one test function together: test → result, as `passed (3 ways)`."""
    ways: dict[str, list[str]] = {}
    for test, outcome in tests:
        ways.setdefault(test.partition("[")[0].partition("@")[0], []).append(outcome)
    return {name: in_words(outcomes) for name, outcomes in ways.items()}


def in_words(outcomes: Sequence[str]) -> str:
    counts = Counter(outcomes)
    if len(counts) > 1:
        return ", ".join(f"{times} {outcome}" for outcome, times in sorted(counts.items()))
    only = outcomes[0]
    return only if len(outcomes) == 1 else f"{only} ({len(outcomes)} ways)"


def main(arguments: list[str] | None = None) -> int:
    """Write the page. Returns 0, or 1 when a test failed or names a row that is not there."""
    parser = argparse.ArgumentParser(prog="python -m dev.requirements", description=__doc__)
    _, for_pytest = parser.parse_known_args(arguments)
    rows = read_rows()
    code, results = run_marked_tests(for_pytest)
    unknown = sorted(set(results) - {row.id for row in rows})
    if unknown:
        print(f"requirements: no row {', '.join(unknown)} in {SOURCE.name}", file=sys.stderr)
        return 1
    if code and not results:
        return code
    PAGE.write_text(render(rows, results), encoding="utf-8")
    shown = sum(1 for row in rows if results.get(row.id))
    print(f"requirements: {shown} of {len(rows)} rows shown, in {PAGE.relative_to(ROOT)}")
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main())
