"""The command `redress` against a system that answers what is written down here."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from redress import __version__
from redress.cli import COMMANDS
from shared.ids import check_digit
from tests.unit.cli.conftest import KEY, Redress, System

SAMPLES = Path(__file__).parents[3] / "shared" / "contracts" / "samples"
NUMBER = f"1234-5678-90{check_digit('1234567890')}"
TAKEN = {
    "id": "01999f3c",
    "number": NUMBER,
    "code": "AAAA-BBBB-CCCC-DDDD",
    "status_url": "http://127.0.0.1:8000/followup/v1/public/cases/" + NUMBER,
    "received_at": "2026-03-03T02:20:00Z",
}
READY = {
    "status": "ready",
    "checks": {"desk": {"database": None}, "intake": {"database": None}},
}


def sample(name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((SAMPLES / f"redress.{name}.json").read_text("utf-8"))
    return found


def test_help_lists_every_command_and_loads_none_of_them() -> None:
    code = (
        "import sys; from redress.cli import run; code = run(['--help']); "
        "assert not {'httpx', 'pydantic', 'sqlalchemy', 'uvicorn'} & set(sys.modules); sys.exit(code)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr
    assert [entry.name for entry in COMMANDS if f"│ {entry.name} " not in ended.stdout] == []
    assert "\x1b[" not in ended.stdout


@pytest.mark.parametrize("name", [entry.name for entry in COMMANDS])
def test_every_command_explains_itself(name: str, redress: Redress) -> None:
    ended = redress(name, "--help")

    assert ended.code == 0
    assert f"redress {name}" in ended.out


def test_the_version_is_told(redress: Redress) -> None:
    assert redress("--version").out == f"redress {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("send", "--nonsense"),
        ("send", "-", "--contact", "li@example.com"),
        ("send", "x", "--reference", "order="),
        ("show",),
        ("show", "1234-5678-900"),
        ("show", "hello"),
        ("key", "create", "--label", "x"),
        ("unit", "create", "x"),
        ("demo", "--count", "0"),
        ("up", "nonsense"),
    ],
)
@pytest.mark.usefixtures("system")
def test_wrong_usage_ends_with_2_and_says_why(arguments: tuple[str, ...], redress: Redress) -> None:
    ended = redress(*arguments)

    assert ended.code == 2
    assert ended.err


@pytest.mark.parametrize(
    "arguments", [("check",), ("show", NUMBER), ("watch", NUMBER), ("key", "list"), ("demo",)]
)
def test_a_system_that_is_not_there_ends_with_3(
    arguments: tuple[str, ...], redress: Redress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDRESS_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("REDRESS_KEY", KEY)

    ended = redress(*arguments)

    assert ended.code == 3
    assert "http://127.0.0.1:9 is not reachable" in ended.err


def test_send_sends_what_was_said_and_tells_number_code_and_where_to_look(
    system: System, redress: Redress
) -> None:
    system.answer("POST /intake/v1/complaints", (202, TAKEN))

    ended = redress(
        "send", "电费", "多了一倍", "--name", "陈", "--contact", "email=c@example.com", "--contact",
        "phone=+8613800138000", "--channel", "wechat", "--reference", "order=A=1",
    )  # fmt: skip

    assert ended.code == 0
    for told in (NUMBER, TAKEN["code"], TAKEN["status_url"], f"show {NUMBER}"):
        assert told in ended.out
    assert system.bodies("POST /intake/v1/complaints") == [
        {
            "text": "电费 多了一倍",
            "channel": "wechat",
            "complainant": {
                "contacts": [
                    {"type": "email", "value": "c@example.com"},
                    {"type": "phone", "value": "+8613800138000"},
                ],
                "name": "陈",
            },
            "references": {"order": "A=1"},
        }
    ]
    assert system.asked[0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_send_reads_standard_input(
    arguments: tuple[str, ...], system: System, redress: Redress, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.answer("POST /intake/v1/complaints", (202, TAKEN))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("两行\n话".encode())))

    assert redress("send", *arguments, "--json").objects == [TAKEN]
    assert system.bodies("POST /intake/v1/complaints") == [{"text": "两行\n话"}]


@pytest.mark.parametrize("raw", [b"", b"  \n", b"\xff\xfe\x00"])
@pytest.mark.usefixtures("system")
def test_send_refuses_input_that_says_nothing_or_is_no_utf8(
    raw: bytes, redress: Redress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))

    assert redress("send").code == 2


def test_a_refusal_names_each_field_and_ends_with_1(system: System, redress: Redress) -> None:
    errors = [{"field": "unit", "code": "unknown", "message": "is no unit"}]
    problem = {"title": "The input breaks the contract", "detail": "See errors.", "errors": errors}
    system.answer("POST /intake/v1/complaints", (422, problem))

    ended = redress("send", "x", "--unit", "nowhere")

    assert ended.code == 1
    assert "unit: is no unit" in ended.err


def test_check_is_fine_when_every_service_is(system: System, redress: Redress) -> None:
    system.answer("GET /readyz", (200, READY))
    system.answer("GET /intake/metrics", (200, 'redress_outbox_waiting{service="intake"} 3.0\n'))

    ended = redress("check", "--json")

    assert ended.code == 0
    assert [(one["service"], one["waiting"], one["is_well"]) for one in ended.objects] == [
        ("desk", None, True),
        ("intake", 3, True),
    ]
    assert "All is well" in redress("check").out


@pytest.mark.parametrize(
    ("checks", "metrics"),
    [
        ({"desk": {"database": "away"}}, ""),
        ({"desk": {"database": None}}, 'redress_outbox_waiting{service="desk"} 1001\n'),
        (
            {"desk": {"database": None}},
            'redress_parked_keys{service="desk",state="failed"} 1\n',
        ),
    ],
)
def test_check_finds_what_is_wrong_and_ends_with_1(
    checks: dict[str, object], metrics: str, system: System, redress: Redress
) -> None:
    system.answer("GET /readyz", (503, {"status": "waiting", "checks": checks}))
    system.answer("GET /desk/metrics", (200, metrics))

    ended = redress("check")

    assert ended.code == 1
    assert "Not well: desk" in ended.out


def test_show_tells_the_way_in_order_and_says_what_is_missing(
    system: System, redress: Redress
) -> None:
    later, earlier = sample("complaint.assigned.v1"), sample("complaint.received.v1")
    system.answer(f"GET /intake/v1/complaints/{NUMBER}", (200, earlier["data"]))
    page = {"items": [later, earlier], "next": "c"}
    system.answer("GET /notify/v1/events", (200, page), (200, {"items": [], "next": "c"}))
    system.answer("GET /notify/v1/messages", (200, {"items": [], "next": None}))

    ended = redress("show", NUMBER.replace("-", ""))

    assert ended.code == 0
    assert 0 < ended.out.index("received by WeChat") < ended.out.index("given to")
    assert "followup has not got a case of it yet" in ended.out
    assert "routing has not got a decision of it yet" in ended.out


def test_show_of_a_number_that_nobody_knows_ends_with_1(system: System, redress: Redress) -> None:
    system.answer("GET /notify/v1/events", (200, {"items": [], "next": "c"}))

    ended = redress("show", NUMBER)

    assert ended.code == 1
    assert "there is no complaint" in ended.err


def test_watch_without_following_tells_every_event_in_words(
    system: System, redress: Redress, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [file.stem.removeprefix("redress.") for file in sorted(SAMPLES.glob("*.json"))]
    events = [sample(name) for name in names if not name.startswith("policy.")]
    answer = (200, {"items": events, "next": "c"}), (200, {"items": [], "next": "c"})

    system.answer("GET /notify/v1/events", *answer)
    english = redress("watch", "--no-follow").out
    system.answer("GET /notify/v1/events", *answer)
    monkeypatch.setenv("REDRESS_LANGUAGE", "zh")
    chinese = redress("watch", "--no-follow").out

    for told in (english, chinese):
        assert len(told.splitlines()) == len(events)
        # A type that is not put into words shows by its name.
        assert [event["type"] for event in events if str(event["type"])[8:-3] in told] == []
    assert "resolved, upheld" in english
    assert "10:20:00" in chinese, "times are those of the wall"


def test_watch_as_json_passes_events_on_as_they_are(system: System, redress: Redress) -> None:
    event = sample("case.opened.v1")
    answer = (200, {"items": [event], "next": "c"}), (200, {"items": [], "next": "c"})
    system.answer("GET /notify/v1/events", *answer)

    assert redress("watch", "--no-follow", "--json").objects == [event]


def test_a_key_is_made_shown_once_and_revoked(system: System, redress: Redress) -> None:
    one = {
        "id": "abc", "label": "mail", "scopes": ["intake:write"], "unit": "root", "channel": None,
        "created_at": "2026-03-03T02:20:00Z", "expires_at": None, "revoked_at": None,
    }  # fmt: skip
    system.answer("POST /desk/v1/keys", (201, one | {"key": "rk_abc_s"}))
    system.answer("GET /desk/v1/keys", (200, {"items": [one], "next": None}))
    system.answer("POST /desk/v1/keys/abc/revoke", (200, one))

    made = redress("key", "create", "--label", "mail", "--scope", "intake:write")

    assert "rk_abc_s" in made.out
    assert system.bodies("POST /desk/v1/keys") == [{"label": "mail", "scopes": ["intake:write"]}]
    assert "mail" in redress("key", "list").out
    assert redress("key", "list", "--json").objects == [one]
    assert "revoked" in redress("key", "revoke", "abc").out


def test_units_are_shown_as_the_tree_they_are(system: System, redress: Redress) -> None:
    units = [
        {"id": "north", "parent": "root", "title_zh": "北区", "title_en": "North"},
        {"id": "root", "parent": None, "title_zh": "总部", "title_en": "Head office"},
    ]
    system.answer("GET /desk/v1/units", (200, {"items": units, "next": None}))
    system.answer("POST /desk/v1/units", (201, units[0]))

    shown = redress("unit", "list").out.splitlines()

    assert shown[0].startswith("root")
    assert "└── north" in shown[1]
    assert "below root" in redress("unit", "create", "north", "--title-zh", "北区").out


def test_a_clock_for_tests_is_refused(redress: Redress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDRESS_TEST_CLOCK", "shift")

    for command in ("up", "migrate"):
        ended = redress(command)
        assert ended.code == 2
        assert "REDRESS_TEST_CLOCK" in ended.err


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("REDRESS_PORT", "x", "REDRESS_PORT"),
        ("REDRESS_BUS", "rabbit", "no address of a log"),
        ("REDRESS_DATABASE", "mysql://x", "REDRESS_DATABASE"),
        ("REDRESS_DATABASE", "postgresql://x/one", "{service}"),
    ],
)
@pytest.mark.usefixtures("system")
def test_a_wrong_setting_is_named_in_one_sentence(
    name: str, value: str, told: str, redress: Redress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDRESS_PORT", "0")
    monkeypatch.setenv(name, value)

    ended = redress("up", "--migrate")

    assert ended.code == 2
    assert told in ended.err
    assert "Traceback" not in ended.err
