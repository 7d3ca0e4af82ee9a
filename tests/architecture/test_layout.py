"""What the layout promises and no linter sees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SERVICES = sorted(each.parent for each in (ROOT / "services").glob("*/__init__.py"))
READMES = sorted(ROOT.glob("README*.md"))

EVERY_SERVICE = {"__init__", "service", "api", "usecases", "model", "store", "migrations"}
WHERE_NEEDED = {"policy", "subscriptions", "timers"}
OF_ONE_SERVICE = {
    "intake": {"channels"},
    "notify": {"channels", "sender"},  # the loop that hands messages to the channels
    "desk": {"first_run", "pages"},  # what an empty system starts with; the screens
}
VAGUE = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "base"}
PROSE_IN_TABLE = re.compile(r"`([\w./-]+\.(?:py|yaml|toml|md|sh))`")
MACHINE = re.compile(r"(?<![\w.])/(?:root|home|work|Users)/\w+")
ADDRESS = re.compile(r"\bhttps?://|\bfile:|--(?:extra-)?index-url|--find-links|@ git\+")


def modules(folder: Path) -> set[str]:
    """Return the names of the files and folders of a package that hold code."""
    return {each.stem for each in folder.glob("*.py")} | {
        each.name for each in folder.iterdir() if each.is_dir() and any(each.rglob("*.py"))
    }


def source_files(*folders: str) -> list[Path]:
    return [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_consists_of_the_files_that_every_service_has(service: Path) -> None:
    found = modules(service)

    allowed = EVERY_SERVICE | WHERE_NEEDED | OF_ONE_SERVICE.get(service.name, set())
    assert EVERY_SERVICE - found == set(), "missing"
    assert found - allowed == set(), "not in the layout: see docs/architecture.md"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_begins_with_a_paragraph_of_what_it_owns_hears_and_says(service: Path) -> None:
    text = (service / "__init__.py").read_text(encoding="utf-8")

    assert text.startswith('"""')


def test_no_file_has_a_name_that_says_nothing() -> None:
    files = source_files("redress", "services", "shared", "dev", "tests")

    assert [file for file in files if file.stem in VAGUE] == []


def test_no_file_is_longer_than_one_sitting() -> None:
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines())
        for file in source_files("redress", "services", "shared", "dev")
    }

    assert {file: lines for file, lines in lengths.items() if lines > 500} == {}


@pytest.mark.parametrize("lock", ["setup", "run", "dev", "browser"])
def test_a_lock_names_packages_by_version_and_hash_and_no_address(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")

    assert ADDRESS.search(text) is None
    entries = re.split(r"\n(?=\w)", text.strip())
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_what_both_locks_name_they_name_alike() -> None:
    def versions(lock: str) -> dict[str, str]:
        text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
        return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, flags=re.MULTILINE))

    run, dev = versions("run"), versions("dev")

    assert {
        name: (run[name], dev[name]) for name in run.keys() & dev.keys() if run[name] != dev[name]
    } == {}


def test_no_tracked_text_names_a_folder_of_somebodys_machine() -> None:
    texts = [*source_files("redress", "services", "shared", "dev", "bench"), ROOT / "Makefile"]
    texts += [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "packs").rglob("*.yaml")]

    assert [file for file in texts if MACHINE.search(file.read_text(encoding="utf-8"))] == []


def test_there_is_a_readme_and_a_chinese_one() -> None:
    assert {"README.md"} < {page.name for page in READMES}


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_the_files_that_a_readme_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    named = {name for name in PROSE_IN_TABLE.findall(text) if "/" in name}

    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_the_readme_tells_the_path_of_a_complaint_file_by_file() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    for service in ("intake", "routing", "followup", "notify"):
        assert re.search(rf"\| .*`services/{service}/[\w/]+\.py`", text), service
