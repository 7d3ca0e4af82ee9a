"""A pytest plugin: writes which test showed which requirement. `pytest -p dev.pytest_requirements`.

The file named by `--requirements-out` gets a JSON object: row → [[test, outcome], …].
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ROWS = "req"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--requirements-out", type=Path, help="where to write row → tests → outcome")


def pytest_configure(config: pytest.Config) -> None:
    """Only the process that hands out the tests gathers; workers send their marks with reports."""
    if not hasattr(config, "workerinput") and config.getoption("requirements_out"):
        config.pluginmanager.register(Gatherer(config.getoption("requirements_out")))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Note the rows where reports carry them, also from a worker."""
    for mark in item.iter_markers("req"):
        item.user_properties.extend((ROWS, str(row)) for row in mark.args)


class Gatherer:
    """Keeps the worst outcome of each test's three steps and writes all at the end."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._rows: dict[str, set[str]] = defaultdict(set)
        self._outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        rows = {str(value) for key, value in report.user_properties if key == ROWS}
        if not rows:
            return
        for row in rows:
            self._rows[row].add(report.nodeid)
        known = self._outcomes.get(report.nodeid, "passed")
        self._outcomes[report.nodeid] = report.outcome if known == "passed" else known

    def pytest_sessionfinish(self) -> None:
        found = {
            row: [[test, self._outcomes[test]] for test in sorted(tests)]
            for row, tests in sorted(self._rows.items())
        }
        self._out.write_text(json.dumps(found, indent=1), encoding="utf-8")
