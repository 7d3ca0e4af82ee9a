"""Requirements are traced: marks name rows that exist, and the page says what the tests said."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dev.requirements import Row, read_rows, render

TESTS = Path(__file__).resolve().parent.parent
ALARM = Row("R-001", ("intake",), "An alarm rings")
LAMP = Row("R-002", ("intake", "notify"), "A lamp glows")


def marked_rows(source: str) -> set[str]:
    """Return the first-class words given to `pytest.mark.req(...)` anywhere in a test file."""
    return {
        str(argument.value)
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.req"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    }


def test_every_mark_names_a_row_that_exists() -> None:
    rows = {row.id for row in read_rows()}

    unknown = {
        f"{file.relative_to(TESTS)}: {row}"
        for file in TESTS.rglob("test_*.py")
        for row in marked_rows(file.read_text(encoding="utf-8")) - rows
    }

    assert unknown == set()


def test_rows_are_numbered_without_a_gap() -> None:
    assert [row.id for row in read_rows()] == [f"R-{number:03}" for number in range(1, 167)]


def test_a_row_that_stands_twice_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "rows.yaml"
    row = "- {id: R-001, component: [intake], title: An alarm rings}\n"
    source.write_text(row * 2, encoding="utf-8")

    with pytest.raises(ValueError, match="R-001 stands twice"):
        read_rows(source)


def test_the_page_shows_a_row_with_its_tests_and_one_without_as_not_yet() -> None:
    results = {
        "R-001": [
            ("tests/test_a.py::test_it_rings[kafka]", "skipped"),
            ("tests/test_a.py::test_it_rings[embedded]", "passed"),
            ("tests/test_b.py::test_it_is_loud", "passed"),
        ]
    }

    page = render([ALARM, LAMP], results)

    assert "1 of 2 rows have a test" in page
    assert (
        "| R-001 | An alarm rings | intake | `tests/test_a.py::test_it_rings`<br>"
        "`tests/test_b.py::test_it_is_loud` | 1 passed, 1 skipped<br>passed |"
    ) in page
    assert "| R-002 | A lamp glows | intake, notify | – | not yet |" in page
