"""`redress packs new` and `redress packs diff`, as a person at a terminal meets them."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from redress.commands.packs import packs_app
from redress.failure import NotReachable, WrongUsage
from shared.packs.diff import differences
from shared.packs.load import load_folder, shipped_folder


@pytest.fixture(autouse=True)
def _nothing_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REDRESS_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("REDRESS_KEY", "rk_0123456789ab_secret")
    monkeypatch.setenv("REDRESS_DATA", str(tmp_path / "no-data"))
    monkeypatch.setenv("REDRESS_LANGUAGE", "en")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(packs_app(), list(arguments))


def made(folder: Path, parent: str = "generic") -> Path:
    assert run("new", "acme", "--inherits", parent, "--into", str(folder)).exit_code == 0
    return folder / "acme"


def test_a_new_pack_loads_as_it_is_and_says_what_it_inherits(tmp_path: Path) -> None:
    folder = made(tmp_path, "power")

    pack, power = load_folder(tmp_path, "acme"), load_folder(shipped_folder(), "power")

    assert {one.subject for one in differences(power, pack)} == {"pack"}
    text = (folder / "pack.yaml").read_text()
    assert "填写" in text
    assert "fill in" in text


@pytest.mark.parametrize("parent", ["generic", "catering"])
def test_each_example_in_a_new_pack_holds_once_its_mark_is_taken_away(
    tmp_path: Path, parent: str
) -> None:
    folder = made(tmp_path, parent)

    for file in folder.glob("*.yaml"):
        text = re.sub(r"^# ", "", file.read_text(), flags=re.MULTILINE)
        file.write_text(text)

    pack, base = load_folder(tmp_path, "acme"), load_folder(shipped_folder(), parent)
    added = {one.subject for one in differences(base, pack) if one.what == "added"}
    assert added == {"taxonomy", "clocks", "calendars", "teams", "cues", "templates"}


@pytest.mark.parametrize("name", ["Acme", "a b", "", "x" * 41])
def test_a_wrong_id_is_refused(tmp_path: Path, name: str) -> None:
    assert isinstance(run("new", name, "--into", str(tmp_path)).exception, WrongUsage)


def test_a_folder_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    folder = made(tmp_path)
    before = (folder / "pack.yaml").read_text()

    again = run("new", "acme", "--into", str(tmp_path))

    assert isinstance(again.exception, WrongUsage)
    assert (folder / "pack.yaml").read_text() == before


def test_diff_tells_by_subject_what_changes(tmp_path: Path) -> None:
    folder = made(tmp_path)
    (folder / "teams.yaml").write_text(
        "teams: [{code: service, name: {zh: 客服, en: Front desk}, skills: []}]\n"
    )

    plain, as_json = (
        run("diff", "generic", str(folder)),
        run("diff", "generic", str(folder), "--json"),
    )

    assert plain.exit_code == as_json.exit_code == 0
    assert "teams\n  ~ service.name.en  Customer service → Front desk" in plain.output
    told = [json.loads(line) for line in as_json.stdout.splitlines()]
    assert {"service"} == {one["item"] for one in told if one["subject"] == "teams"}


def test_a_version_that_comes_with_redress_is_known_though_nothing_answers() -> None:
    assert "They say the same" in run("diff", "generic@1.0", "generic").output
    assert isinstance(run("diff", "generic@9.9", "generic").exception, NotReachable)


def test_what_is_neither_a_folder_nor_a_pack_is_wrong_usage() -> None:
    assert isinstance(run("diff", "generic", "nowhere").exception, WrongUsage)
