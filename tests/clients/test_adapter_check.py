"""`redress adapter check` against a running system: what holds, and what an adapter gets wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from redress.cli import run
from redress.conformance import CHECKS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.system import System

pytestmark = pytest.mark.slow


def checked(
    running: System, capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    key = running.keys["operator_key"]
    code = run(["adapter", "check", running.url, "--key", key, "--json", *more])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return code, {line["check"]: line for line in lines}


@pytest.mark.parametrize(
    "channel", ["web", "phone", "letter", "regulator", "chat", "social", "email"]
)
def test_what_an_adapter_relies_on_holds_at_every_door(
    running: System, capsys: pytest.CaptureFixture[str], channel: str
) -> None:
    code, found = checked(running, capsys, "--channel", channel)

    failed = [line for line in found.values() if line["state"] == "failed"]
    # An authority or a letter gives an address at most, which no message reaches.
    assert [line["check"] for line in failed if line["check"] != "reachable"] == [], failed
    assert list(found) == list(CHECKS)
    assert code == (1 if failed else 0)


def test_a_payload_without_an_id_and_a_contact_is_told(
    running: System, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "payload.json"
    file.write_text(json.dumps({"text": "空调坏了"}))

    code, found = checked(running, capsys, "--payload", str(file))

    assert code == 1
    assert {name for name, line in found.items() if line["state"] == "failed"} == {
        "duplicate",
        "reachable",
    }
    assert found["duplicate"]["detail"]["zh"]


@pytest.mark.parametrize(
    ("more", "says"),
    [(["--channel", "wechat"], "there is no door"), (["--payload", "none.json"], "cannot be read")],
)
def test_a_wrong_call_is_told(
    running: System, capsys: pytest.CaptureFixture[str], more: list[str], says: str
) -> None:
    code = run(["adapter", "check", running.url, "--key", "rk_a_b", *more])

    assert code == 2
    assert says in capsys.readouterr().err
