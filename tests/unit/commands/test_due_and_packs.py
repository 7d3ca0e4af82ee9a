"""`redress due` and `redress packs check` as a person at a terminal meets them."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from redress.commands.due import due
from redress.commands.packs import packs_app


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command("due")(due)
    app.add_typer(packs_app(), name="packs")
    return CliRunner().invoke(app, list(arguments))


def count(*arguments: str) -> Result:
    return run("due", "--calendar", "standard", "--start", "2026-02-13T16:00+08:00", *arguments)


def test_due_tells_when_and_how_it_was_counted() -> None:
    result = count("--work", "8h")

    assert result.exit_code == 0
    assert "Sat 2026-02-14 15:00 +0800" in result.output
    assert "make-up workday" in result.output


def test_due_as_json_has_every_stretch() -> None:
    result = count("--days", "3", "--json")

    told = json.loads(result.stdout)
    assert told["due_at"] == "2026-02-25T18:00:00+08:00"
    assert len(told["counted"]) == 3
    assert told["zone"] == "Asia/Shanghai"


def test_due_shortens_a_long_count_and_warns_of_an_unknown_year() -> None:
    result = count("--work", "2000h30m")

    assert result.exit_code == 0
    assert "more" in result.output
    assert "2027" not in count("--days", "2").output
    assert "warning" in count("--days", "300").output


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--work", "8h", "--days", "3"),
        ("--work", "soon"),
        ("--work", ""),
        ("--days", "0"),
        ("--days", "3", "--calendar", "none"),
        ("--days", "3", "--start", "2026-02-13T16:00"),
        ("--days", "3", "--start", "tomorrow"),
        ("--days", "3", "--calendar", "24x7", "--zone", "Mars/Olympus"),
    ],
)
def test_wrong_usage_of_due_is_exit_2(arguments: tuple[str, ...]) -> None:
    result = count(*arguments)

    assert result.exit_code == 2
    assert result.stderr


@pytest.mark.parametrize("arguments", [("--work", "99999h"), ("--days", "3", "--pack", "nowhere")])
def test_what_cannot_be_counted_is_exit_1(arguments: tuple[str, ...]) -> None:
    result = count(*arguments)

    assert result.exit_code == 1
    assert result.stderr


def test_the_shipped_packs_are_good_and_shown_with_what_to_verify() -> None:
    result = run("packs", "check")

    assert result.exit_code == 0
    assert "generic@" in result.output
    assert "check against the present text: " in result.output


def test_good_packs_are_an_object_a_line_with_json() -> None:
    result = run("packs", "check", "--json")

    assert result.exit_code == 0
    packs = {one["pack"]: one for one in map(json.loads, result.stdout.splitlines())}
    generic = packs["generic@1.0"]
    assert generic["categories"] > 0
    assert generic["to_verify"]
    assert set(packs) >= {"power@1.0", "cement@1.0", "property@1.0"}


def test_a_bad_pack_is_exit_1_with_file_line_field_and_advice(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "pack.yaml").write_text("pack:\n  id: bad\n  vresion: 1\n")

    plain, as_json = (
        run("packs", "check", str(tmp_path)),
        run("packs", "check", str(tmp_path), "--json"),
    )

    assert plain.exit_code == as_json.exit_code == 1
    assert (
        "bad/pack.yaml:3: pack.vresion: there is no such field. Did you mean `version`?"
        in plain.output
    )
    assert {json.loads(line)["field"] for line in as_json.stdout.splitlines()} >= {"pack.version"}


def test_a_folder_that_is_not_there_is_exit_2(tmp_path: Path) -> None:
    assert run("packs", "check", str(tmp_path / "none")).exit_code == 2
