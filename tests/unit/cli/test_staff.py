"""`redress staff`, against a server that answers what routing does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.routing.policy.sheet import Given, read_line
from shared.sheets import read_lines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Redress, System

IMPORTS = "POST /routing/v1/staff/imports"
AMY: dict[str, Any] = {
    "id": "a-1", "login": "amy", "display": "艾米", "unit": "root", "team": "billing", "skills": ["refund"],
    "languages": None, "areas": None, "hours": None, "zone": None, "present": True, "load": 4, "capacity": 40,
}  # fmt: skip


def report(*lines: dict[str, Any], wrong: int = 0) -> dict[str, Any]:
    return {"dry_run": False, "added": 1, "changed": 0, "same": 0, "wrong": wrong, "lines": list(lines)}  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "staff.csv"
    path.write_text("record,handler,team\nhandler,amy,billing\n", encoding="utf-8")
    return path


def test_an_import_tells_what_was_taken_over(system: System, redress: Redress, file: Path) -> None:
    system.answer(IMPORTS, (200, report({"line": 2, "action": "added", "errors": []})))

    done = redress("staff", "import", str(file))

    assert (done.code, "1 added" in done.out) == (0, True)


def test_a_wrong_line_is_named_with_its_field_and_ends_with_1(
    system: System, redress: Redress, file: Path
) -> None:
    error = {"field": "team", "code": "missing", "message": "is missing", "zh": "缺少必填内容"}
    told = report({"line": 2, "action": "wrong", "errors": [error]}, wrong=1)
    problem = {"title": "t", "detail": "d", "errors": [{"field": "line 2.team", "message": "is missing"}]}  # fmt: skip
    system.answer(IMPORTS, (200, told), (422, problem))

    dry, real = redress("staff", "import", str(file), "--dry-run"), redress("staff", "import", str(file))  # fmt: skip

    assert (dry.code, real.code) == (1, 1)
    assert "line 2  team: is missing" in dry.out
    assert "line 2.team: is missing" in real.err


def test_a_file_that_is_not_there_ends_with_1(redress: Redress, tmp_path: Path) -> None:
    assert redress("staff", "import", str(tmp_path / "none.csv")).code == 1


def test_handlers_are_listed_and_shown_by_login(system: System, redress: Redress) -> None:
    system.answer("GET /routing/v1/handlers", (200, {"items": [AMY], "next": None}))
    shift = {"starts_at": "2026-03-02T01:00:00Z", "ends_at": "2026-03-02T09:00:00Z"}
    system.answer("GET /routing/v1/shifts", (200, {"items": [shift], "next": None}))
    system.answer("GET /routing/v1/leaves", (200, {"items": [], "next": None}))

    listed, shown = redress("staff", "list"), redress("staff", "show", "amy")

    assert "billing" in listed.out
    assert "shift" in shown.out
    assert redress("staff", "show", "nobody").code == 1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_template_is_a_list_that_can_be_taken_in(
    redress: Redress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, language: str
) -> None:
    monkeypatch.setenv("REDRESS_LANGUAGE", language)
    path = tmp_path / "template.csv"

    assert redress("staff", "template", str(path)).code == 0

    lines = read_lines(path.read_bytes())
    read = [read_line(one.sheet, one.number, one.cells, unit="root", zone="UTC") for one in lines]
    assert len(read) == 4
    assert all(isinstance(one, Given) for one in read)
