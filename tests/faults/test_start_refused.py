"""A process that cannot start says why in one sentence, with the exit code of its kind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.process import free_ports
from tests.faults.system import ROOT

pytestmark = pytest.mark.slow


def start(folder: Path, *options: str, **environment: str) -> tuple[int, str]:
    """Exit code and the one line on standard error."""
    ended = subprocess.run(
        [sys.executable, "-m", "redress", "up", *options],
        cwd=ROOT,
        env=os.environ | {"REDRESS_DATA": str(folder), "REDRESS_PORT": "0", **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    [sentence] = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
    assert sentence.startswith("redress: ")
    return ended.returncode, sentence


def test_a_new_folder_without_migrations(tmp_path: Path) -> None:
    code, sentence = start(tmp_path / "data")

    assert (code, "run `redress migrate` first" in sentence) == (2, True)


@pytest.mark.parametrize("options", [(), ("--migrate",)])
def test_postgresql_that_is_away(tmp_path: Path, options: tuple[str, ...]) -> None:
    [port] = free_ports(1)
    code, sentence = start(
        tmp_path, *options, REDRESS_DATABASE=f"postgresql://redress@127.0.0.1:{port}/r_{{service}}"
    )

    assert (code, "is away" in sentence, "REDRESS_DATABASE" in sentence) == (3, True, True)


@pytest.mark.parametrize(
    ("role", "options", "said"),
    [("nobody", ("--migrate",), 'role "nobody"'), ("redress", (), "no_such_desk")],
)
def test_postgresql_that_refuses(
    postgres_server: str, tmp_path: Path, role: str, options: tuple[str, ...], said: str
) -> None:
    server = postgres_server.replace("redress@", f"{role}:wrong@")
    code, sentence = start(tmp_path, *options, REDRESS_DATABASE=f"{server}/no_such_{{service}}")

    assert (code, said in sentence, "REDRESS_DATABASE" in sentence) == (2, True, True)


def test_a_folder_that_cannot_be_made() -> None:
    code, sentence = start(Path("/proc/none"))

    assert (code, "/proc/none cannot be used" in sentence) == (1, True)
