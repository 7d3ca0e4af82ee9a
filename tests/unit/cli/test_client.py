"""How the command finds and speaks to a system."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from redress.client import PAUSES, Address, Client, find_address, read_stream
from redress.failure import NotReachable, Problem, WrongUsage

Answering = Callable[[httpx.Request], httpx.Response]


def client(answering: Answering, *, slept: list[float] | None = None) -> Client:
    note = slept.append if slept is not None else lambda _: None
    transport = httpx.MockTransport(answering)
    return Client(Address("http://redress", "k"), transport=transport, sleep=note)


def first_run(folder: Path, **fields: str) -> dict[str, str]:
    (folder / "first-run.json").write_text(json.dumps(fields))
    return {"REDRESS_DATA": str(folder)}


def test_options_come_before_the_environment_and_that_before_the_first_run(tmp_path: Path) -> None:
    environ = first_run(tmp_path, url="http://127.0.0.1:8000", operator_key="file")
    named = {**environ, "REDRESS_URL": "http://env", "REDRESS_KEY": "env"}

    assert find_address("http://given/", "given", named) == Address("http://given", "given")
    assert find_address(None, None, named) == Address("http://env", "env")
    assert find_address(None, None, environ) == Address("http://127.0.0.1:8000", "file")


def test_a_key_may_lie_in_a_file_of_its_own_for_whatever_address_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("of the file\n")
    environ = {"REDRESS_URL": "http://gateway:8080", "REDRESS_KEY_FILE": str(tmp_path / "key")}

    assert find_address(None, None, environ) == Address("http://gateway:8080", "of the file")
    assert find_address(None, None, environ | {"REDRESS_KEY": "env"}).key == "env"
    with pytest.raises(WrongUsage, match="REDRESS_KEY_FILE"):
        find_address(None, None, {"REDRESS_KEY_FILE": str(tmp_path / "none")})


def test_the_key_of_this_machine_is_sent_to_no_other_one(tmp_path: Path) -> None:
    environ = first_run(tmp_path, url="https://redress.example.com", operator_key="file")

    assert find_address("https://evil.example.com", None, environ).key is None
    assert find_address("http://127.0.0.1.evil.example.com", None, environ).key is None
    assert find_address("https://redress.example.com/", None, environ).key == "file"
    assert find_address("http://localhost:8000", None, environ).key == "file"


def test_without_a_first_run_the_default_address_is_asked_without_a_key(tmp_path: Path) -> None:
    found = find_address(None, None, {"REDRESS_DATA": str(tmp_path)})

    assert found == Address("http://127.0.0.1:8000", None)
    with Client(found) as without_key, pytest.raises(WrongUsage, match="redress up"):
        without_key.get("/desk/v1/keys")


def test_a_first_run_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "first-run.json").write_text("{")

    with pytest.raises(WrongUsage, match="--key"):
        find_address(None, None, {"REDRESS_DATA": str(tmp_path)})


def test_a_complaint_is_tried_again_under_the_same_key_until_it_is_taken() -> None:
    keys: list[str] = []
    slept: list[float] = []

    def answering(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            raise httpx.ConnectError("refused")
        return httpx.Response(503 if len(keys) == 2 else 202, json={"number": "1"})

    waits: list[tuple[float, str]] = []
    answer = client(answering, slept=slept).post_once(
        "/x", {}, key="same", on_wait=lambda seconds, why: waits.append((seconds, why))
    )

    assert answer == {"number": "1"}
    assert keys == ["same"] * 3
    assert slept == list(PAUSES[:2])
    assert waits[0][1] == "refused"


def test_what_is_refused_is_not_tried_again() -> None:
    asked: list[str] = []

    def answering(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        errors = [{"field": "text", "code": "blank", "message": "is blank"}]
        return httpx.Response(422, json={"title": "T", "detail": "D.", "errors": errors})

    with pytest.raises(Problem, match=r"422 T: D\.\n  text: is blank"):
        client(answering).post_once("/x", {}, key="k", on_wait=lambda *_: None)

    assert asked == ["POST"]


def test_a_system_that_stays_away_is_not_reachable_in_the_end() -> None:
    slept: list[float] = []

    with pytest.raises(NotReachable, match="503"):
        client(lambda _: httpx.Response(503), slept=slept).post_once(
            "/x", {}, key="k", on_wait=lambda *_: None
        )

    assert slept == list(PAUSES)


def test_something_else_that_answers_is_said_to_be_no_redress() -> None:
    with pytest.raises(Problem, match="does not answer like Redress"):
        client(lambda _: httpx.Response(200, text="<html>")).get("/x")


@pytest.mark.parametrize("url", ["redress", "ftp://redress", "http://", "http://a:x"])
def test_an_address_that_is_none_is_wrong_usage(url: str) -> None:
    with pytest.raises(WrongUsage, match="no address"):
        Client(Address(url, "k"))


def test_a_list_is_read_to_its_last_page() -> None:
    def answering(request: httpx.Request) -> httpx.Response:
        after = request.url.params.get("after")
        return httpx.Response(200, json={"items": [{"at": after}], "next": None if after else "2"})

    assert [one["at"] for one in client(answering).pages("/x", limit=1)] == [None, "2"]


def test_a_stream_is_read_event_by_event_and_its_signs_of_life_are_left_out() -> None:
    def lines() -> Iterator[str]:
        yield from [": here", "", "id: a", "event: x", 'data: {"n":', "data: 1}", "", "id: b"]
        yield from ['data:{"n": 2}', "", 'data: {"cut": "off"}']

    assert [(said.cursor, said.event) for said in read_stream(lines())] == [
        ("a", {"n": 1}),
        ("b", {"n": 2}),
    ]
