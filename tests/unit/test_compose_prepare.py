"""What `make compose` makes on a host before and after the containers start."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from subprocess import CompletedProcess

from dev.compose import RANDOM, Stack


class Started(Stack):
    """A stack whose migration has made this key, or has made none."""

    made: str | None = None

    def compose(self, *arguments: str, check: bool = True) -> CompletedProcess[str]:
        assert (arguments[0], check) == ("cp", False)
        if self.made:
            Path(arguments[2]).write_text(json.dumps({"operator_key": self.made}))
        return CompletedProcess(arguments, 0, "", "")


def stack(folder: Path, *, made: str | None = None) -> Started:
    found = Started(folder / "secrets", folder / "backups", folder / "env")
    found.prepare()
    object.__setattr__(found, "made", made)
    return found


def test_secrets_differ_lie_in_a_closed_folder_and_are_made_once(tmp_path: Path) -> None:
    first = {name: (stack(tmp_path).secrets / name).read_text() for name in RANDOM}
    again = {name: (stack(tmp_path).secrets / name).read_text() for name in RANDOM}

    assert len(set(first.values())) == len(RANDOM)
    assert again == first
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_settings_are_at_most_six_lines_and_stay_as_they_were_changed(tmp_path: Path) -> None:
    settings = stack(tmp_path).settings
    lines = [line for line in settings.read_text().splitlines() if not line.startswith("#")]
    settings.write_text("REDRESS_LISTEN=127.0.0.1:9090\n")

    assert len(lines) <= 6
    assert stack(tmp_path).settings.read_text() == "REDRESS_LISTEN=127.0.0.1:9090\n"


def test_the_command_uses_the_first_key_of_the_system_that_runs_now(tmp_path: Path) -> None:
    for made in ("first", "after everything was deleted"):
        found = stack(tmp_path, made=made)
        found.take_first_run()

        assert (found.secrets / "operator_key").read_text().strip() == made
        assert stat.S_IMODE((found.secrets / "first-run.json").stat().st_mode) == 0o600


def test_a_key_that_the_operator_put_there_and_those_of_a_restored_system_stay(
    tmp_path: Path,
) -> None:
    stack(tmp_path, made="first").take_first_run()
    (tmp_path / "secrets" / "operator_key").write_text("my own\n")
    stack(tmp_path, made="second").take_first_run()
    stack(tmp_path).take_first_run()

    assert (tmp_path / "secrets" / "operator_key").read_text() == "my own\n"
    assert "second" in (tmp_path / "secrets" / "first-run.json").read_text()
