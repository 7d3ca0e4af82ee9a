"""The operators' commands, against a server that answers what the services' operators' routes do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Redress, System

READY = {"checks": {"intake": {"database": None}, "routing": {"database": None, "policy": None}}}
PARKED = {
    "id": "K1", "kind": "event", "source": "/redress/intake", "subject": "s-1", "sequence": 7,
    "name": "redress.complaint.received.v1", "unit": "root", "number": "1234-5678-903", "reason": "failed",
    "error": "ValueError: [broken]", "events": 2, "attempts": 5, "at": "2026-03-02T01:00:00Z", "next_try_at": None,
}  # fmt: skip
WELL: dict[str, Any] = {
    "service": "routing", "outbox_waiting": 0, "outbox_refused": 0, "lag": {"redress.complaints": 0}, "parked": 0,
    "timers_parked": 0, "timers_overdue": 0, "is_paused": False, "is_rebuilding": False,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _ready(system: System) -> None:
    system.answer("GET /readyz", (200, READY))
    for service in ("intake", "routing"):
        system.answer(f"GET /{service}/v1/operations/parked", (200, {"items": [], "next": None}))
        system.answer(f"GET /{service}/v1/operations/lag", (200, WELL | {"service": service}))


def park(system: System, *items: dict[str, Any]) -> None:
    answer = {"items": list(items), "next": None}
    system.answer("GET /routing/v1/operations/parked", (200, answer))


def test_parked_list_tells_what_waits_in_every_service(system: System, redress: Redress) -> None:
    park(system, PARKED)

    shown, told = redress("parked", "list"), redress("parked", "list", "--json")

    assert shown.code == told.code == 0
    assert "1234-5678-903" in shown.out
    assert "[broken]" in shown.out
    assert [one["service"] for one in told.objects] == ["routing"]
    assert told.objects[0]["sequence"] == 7


def test_parked_list_says_so_when_nothing_is(redress: Redress, system: System) -> None:
    assert "Nothing is parked." in redress("parked", "list").out
    assert redress("parked", "list", "--json").out == ""
    assert system.asked


def test_parked_show_prints_each_event_with_its_error(system: System, redress: Redress) -> None:
    park(system, PARKED)
    event = {
        "sequence": 7,
        "reason": "failed",
        "error": "ValueError: x",
        "attempts": 5,
        "event": {"id": "e-7"},
    }
    system.answer("GET /routing/v1/operations/parked/K1", (200, PARKED | {"contents": [event]}))

    ended = redress("parked", "show", "routing", "1234-5678-903")

    assert ended.code == 0
    assert '{"id": "e-7"}' in ended.out


@pytest.mark.parametrize("left", [0, 1])
def test_parked_replay_ends_with_1_while_something_stays(
    system: System, redress: Redress, left: int
) -> None:
    park(system, PARKED)
    answer = (200, {"applied": 1, "left": left})
    system.answer("POST /routing/v1/operations/parked/K1/replay", answer)

    by_subject = redress("parked", "replay", "routing", "s-1", "--json")
    all_ = redress("parked", "replay", "routing", "--all")

    assert by_subject.code == all_.code == left
    assert by_subject.objects[0]["left"] == left
    assert redress("parked", "replay", "routing").code == 2


def test_parked_drop_takes_only_the_event_that_is_named(system: System, redress: Redress) -> None:
    park(system, PARKED)
    answer = (200, {"dropped": True, "left": 1})
    system.answer("POST /routing/v1/operations/parked/K1/drop", answer)

    wrong = redress("parked", "drop", "routing", "s-1", "--sequence", "6")
    right = redress("parked", "drop", "routing", "s-1", "--sequence", "7")

    assert wrong.code == 1
    assert "is 7, not 6" in wrong.err
    assert (right.code, "dropped, 1 left" in right.out) == (0, True)
    assert redress("parked", "drop", "routing", "s-1").code == 2


def test_several_parked_of_one_subject_need_the_source(system: System, redress: Redress) -> None:
    park(system, PARKED, PARKED | {"id": "K2", "source": "/redress/followup"})
    system.answer("POST /routing/v1/operations/parked/K2/replay", (200, {"applied": 1, "left": 0}))

    assert redress("parked", "replay", "routing", "s-1").code == 2
    assert redress("parked", "replay", "routing", "s-1", "--source", "followup").code == 0


def test_an_unknown_service_is_wrong_usage(redress: Redress, system: System) -> None:
    ended = redress("parked", "list", "billing")

    assert ended.code == 2
    assert "intake, routing" in ended.err
    assert system.asked


def test_republish_goes_step_by_step_to_the_end_of_each_service(
    system: System, redress: Redress
) -> None:
    path = "POST /routing/v1/operations/republish"
    steps = [(5, 40, 0), (0, 40, 5), (3, 90, 0), (0, None, 0)]
    system.answer(
        path, *((200, {"rows": rows, "after": after, "waiting": w}) for rows, after, w in steps)
    )

    ended = redress("republish", "--all", "--service", "routing", "--json")

    assert ended.code == 0
    assert ended.objects == [{"service": "routing", "events": 8}]
    bodies = system.bodies(path)
    assert [body["after"] for body in bodies] == [0, 40, 40, 90]
    assert len({body["owner"] for body in bodies}) == 1
    assert all(body["all"] for body in bodies)


def test_republish_needs_one_of_since_and_all(system: System, redress: Redress) -> None:
    assert redress("republish").code == 2
    assert redress("republish", "--all", "--since", "2026-03-01T00:00+08:00").code == 2
    assert redress("republish", "--since", "yesterday").code == 2
    assert system.asked == []


def test_lag_shows_a_line_a_service(system: System, redress: Redress) -> None:
    behind = WELL | {"lag": {"redress.complaints": 12}, "is_paused": True}
    system.answer("GET /routing/v1/operations/lag", (200, behind))

    shown, told = redress("lag"), redress("lag", "--json")

    assert "redress.complaints: 12" in shown.out
    assert "paused" in shown.out
    assert [one["service"] for one in told.objects] == ["intake", "routing"]


def test_doctor_says_that_all_is_well(system: System, redress: Redress) -> None:
    ended = redress("doctor")

    assert (ended.code, "All is well." in ended.out) == (0, True)
    assert system.asked


def test_doctor_names_the_command_that_mends_each_thing(system: System, redress: Redress) -> None:
    ill = WELL | {"parked": 2, "lag": None, "outbox_refused": 1}
    system.answer("GET /routing/v1/operations/lag", (200, ill))
    waiting = {"checks": {"routing": {"database": "it is away", "policy": None}}}
    system.answer("GET /readyz", (503, waiting))

    ended = redress("doctor", "--json")

    assert ended.code == 1
    found = {one["what"]: one["mend"] for one in ended.objects}
    assert "start the database" in found["database: it is away"]
    assert found["2 keys or timers are parked"] == "redress parked list routing"
    assert "the log is away" in found


def test_doctor_looks_at_this_machine_when_nothing_answers(
    redress: Redress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDRESS_DATA", str(tmp_path / "nowhere"))

    ended = redress("doctor", "--json", "--url", "http://127.0.0.1:9", "--key", "rk_a_b")

    assert ended.code == 3
    assert [one["where"] for one in ended.objects] == ["http://127.0.0.1:9", "data"]
    assert "redress migrate" in ended.objects[1]["mend"]


def test_doctor_finds_settings_that_are_wrong(
    redress: Redress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDRESS_PORT", "many")

    ended = redress("doctor", "--json", "--url", "http://127.0.0.1:9", "--key", "rk_a_b")

    assert ended.code == 3
    assert "REDRESS_PORT" in ended.objects[1]["what"]


def test_rebuild_waits_until_it_is_done(system: System, redress: Redress) -> None:
    path = "/routing/v1/operations/rebuild"
    system.answer(f"POST {path}", (202, {"is_rebuilding": True, "done": 0, "of": 9}))
    system.answer(f"GET {path}", (200, {"is_rebuilding": False, "done": 0, "of": 9}))

    ended = redress("rebuild", "routing", "--json")

    assert (ended.code, ended.objects) == (0, [{"service": "routing", "events": 9}])


def test_rebuild_of_a_service_without_a_read_model_ends_with_1(
    system: System, redress: Redress
) -> None:
    refusal = {"title": "No", "status": 409, "detail": "routing has no read model."}
    system.answer("POST /routing/v1/operations/rebuild", (409, refusal))

    ended = redress("rebuild", "routing")

    assert (ended.code, "has no read model" in ended.err) == (1, True)
