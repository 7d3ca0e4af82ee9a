"""`redress packs add|use|back|list|history` and `redress simulate`, as a person at a terminal meets them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from redress.commands.simulate import read_staff
from redress.failure import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Ended, System

HEAD = "pack: {id: shop}\n"
FAULT = {"file": "shop/pack.yaml", "line": 3, "field": "pack.vresion", "message": "there is no such field",
         "advice": "Did you mean `version`?"}  # fmt: skip
SAID = {"unit": "root", "pack": "shop", "version": "1.0", "since": "2026-03-02T01:00:00Z"}
REPORT: dict[str, Any] = {
    "pack": "shop@1.0", "unit": "root", "replayed": 8, "left_out": 2, "changed": 1, "share": 0.125,
    "changes": {"severity": [{"old": "normal", "new": "high", "count": 1}]},
    "unsure": {"before": 1, "after": 0}, "corrected": {"of": 3, "agreeing": 2},
    "owners": {"moved": 4, "nobody_before": 0, "nobody_after": 1},
    "clocks": [{"clock": "first_contact", "before": 8, "after": 8, "earlier": 1, "later": 0, "known": 2,
                "late_before": 0, "late_after": 1}],
    "loads": [{"handler": "h1", "before": 5, "after": 8, "most_before": 2, "most_after": 3}],
    "complaints": [{"number": "1234-5678-903", "changes": {"severity": {"old": "normal", "new": "high"}},
                    "reason": {"code": "x", "zh": "排队", "en": "queues"}}],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "pack.yaml").write_text(HEAD)
    return tmp_path / "shop"


def test_a_pack_s_files_are_sent_as_they_are(
    system: System, redress: Callable[..., Ended], folder: Path
) -> None:
    made = {"pack": "shop", "version": "1.0", "inherits": "generic@1.0", "added": ["shop@1.0"]}
    system.answer("POST /desk/v1/packs", (201, made))

    ended = redress("packs", "add", str(folder), "--reason", "试行")

    assert ended.code == 0
    assert "Added: shop@1.0" in ended.out
    assert system.bodies("POST /desk/v1/packs") == [
        {"folder": "shop", "files": {"pack.yaml": HEAD}, "reason": "试行"}
    ]


def test_a_bad_pack_is_told_by_file_line_and_field(
    system: System, redress: Callable[..., Ended], folder: Path
) -> None:
    system.answer("POST /desk/v1/packs", (422, {"title": "x", "pack_errors": [FAULT]}))

    ended = redress("packs", "add", str(folder))
    as_json = redress("packs", "add", str(folder), "--json")

    assert ended.code == as_json.code == 1
    assert (
        "shop/pack.yaml:3: pack.vresion: there is no such field. Did you mean `version`?"
        in ended.out
    )
    assert json.loads(as_json.out) == FAULT


def test_a_version_is_put_in_force_and_back_with_a_reason(
    system: System, redress: Callable[..., Ended]
) -> None:
    system.answer("PUT /desk/v1/in-force/root", (200, SAID))
    system.answer("POST /desk/v1/in-force/east/back", (200, SAID | {"unit": "east"}))

    assert redress("packs", "use", "shop@1.0").code == 2
    assert redress("packs", "use", "shop", "--reason", "x").code == 2
    used = redress("packs", "use", "shop@1.0", "--reason", "新规")
    back = redress("packs", "back", "--unit", "east", "--reason", "收回")

    assert "root is judged by shop@1.0 from 2026-03-02 09:00 on." in used.out
    assert back.code == 0
    [body] = system.bodies("PUT /desk/v1/in-force/root")
    assert (body["pack"], body["version"], body["reason"]) == ("shop", "1.0", "新规")
    assert system.bodies("POST /desk/v1/in-force/east/back") == [{"reason": "收回"}]


def test_the_list_tells_what_judges_where_and_the_history_who_and_why(
    system: System, redress: Callable[..., Ended]
) -> None:
    version = {
        "pack": "shop",
        "version": "1.0",
        "inherits": "generic@1.0",
        "added_at": SAID["since"],
        "units": ["root"],
    }
    later = SAID | {"put_by": "key/1", "state": "later", "since": "2026-04-01T01:00:00Z"}
    change = {
        "id": 1,
        "at": SAID["since"],
        "by": "account/7",
        "action": "put_back",
        "was": "shop@2.0",
        "reason": "收回",
    }
    system.answer("GET /desk/v1/packs", (200, {"items": [version], "next": None}))
    system.answer("GET /desk/v1/in-force", (200, {"items": [later], "next": None}))
    system.answer("GET /desk/v1/pack-changes", (200, {"items": [SAID | change], "next": None}))

    listed, told = redress("packs", "list"), redress("packs", "history", "shop")

    assert "shop@1.0" in listed.out
    assert "root from 2026-04-01 09:00" in listed.out
    for part in ("account/7", "put back", "shop@2.0", "收回"):
        assert part in told.out
    assert system.asked[-1].query["pack"] == "shop"


def test_a_simulation_shows_what_would_have_changed(
    system: System, redress: Callable[..., Ended], folder: Path
) -> None:
    lines = [{"done": 0, "of": 8}, {"done": 8, "of": 8}, {"report": REPORT}]
    system.answer("POST /routing/v1/simulations", (200, "\n".join(map(json.dumps, lines))))

    ended = redress("simulate", "--pack", str(folder), "--since", "7d", "--unit", "root")
    as_json = redress("simulate", "--pack", "shop@1.0", "--json")

    assert ended.code == 0
    for part in (
        "changed          1  (12.5%)",
        "1 → 0",
        "2 of 3 corrected",
        "normal → high",
        "queues",
        "0 → 1 of 2",
    ):
        assert part in ended.out
    assert json.loads(as_json.out) == REPORT
    first, second = system.bodies("POST /routing/v1/simulations")
    assert (first["folder"], first["files"], first["unit"]) == ("shop", {"pack.yaml": HEAD}, "root")
    assert second["pack"] == "shop@1.0"


def test_a_simulation_that_breaks_off_is_no_success(
    system: System, redress: Callable[..., Ended]
) -> None:
    system.answer("POST /routing/v1/simulations", (200, json.dumps({"done": 0, "of": 8})))

    ended = redress("simulate", "--pack", "generic")

    assert ended.code == 1
    assert "broke off" in ended.err


def test_a_wrong_span_is_wrong_usage(system: System, redress: Callable[..., Ended]) -> None:
    assert redress("simulate", "--since", "lately").code == 2
    assert system.asked == []


def test_staff_is_read_from_csv_and_json_lines(tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text("id,team,skills,capacity\nh1,billing,a;b,12\nh2,,,\n")
    (tmp_path / "staff.jsonl").write_text('{"id": "h1", "team": "billing"}\n\n')

    assert read_staff(tmp_path / "staff.csv") == [
        {"id": "h1", "team": "billing", "skills": ["a", "b"], "capacity": 12},
        {"id": "h2"},
    ]
    assert read_staff(tmp_path / "staff.jsonl") == [{"id": "h1", "team": "billing"}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,team\nx,y\n", "staff:1"),
        ("id,shoe\nx,y\n", "shoe"),
        ("id,capacity\nx,many\n", "staff:2: capacity"),
        ("id,team\n,billing\n", "staff:2: id"),
        ('{"id": "x"}\nnot json\n', "staff:2"),
    ],
)
def test_a_bad_staff_file_names_the_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "staff").write_text(text)

    with pytest.raises(WrongUsage, match=told):
        read_staff(tmp_path / "staff")
