"""Against a running system: what is sent again is never doubled, and errors have names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from redress_client import (
    Forbidden,
    Invalid,
    NotFound,
    Redress,
    Retry,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.system import System

SOON = Retry(times=4, first=0.0)


class Lossy(httpx.BaseTransport):
    """The network: what is asked for by `before` happens instead of, or `after` the answer is lost."""

    def __init__(self, *, before: list[httpx.Response | Exception], after: int = 0) -> None:
        self._under = httpx.HTTPTransport()
        self._before = before
        self._after = after
        self.keys: list[str | None] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("Idempotency-Key"))
        if self._before:
            said = self._before.pop(0)
            if isinstance(said, Exception):
                raise said
            return said
        answer = self._under.handle_request(request)
        if self._after:
            self._after -= 1
            answer.read()
            answer.close()
            raise httpx.ReadError("the answer is lost")
        return answer

    def close(self) -> None:
        self._under.close()


@pytest.fixture
def client(running: System) -> Iterator[Callable[..., Redress]]:
    made: list[Redress] = []

    def make(**more: Any) -> Redress:
        key = more.pop("key", running.keys["adapter_key"])
        made.append(Redress(running.url, key, **({"retry": SOON} | more)))
        return made[-1]

    yield make
    for one in made:
        one.close()


pytestmark = pytest.mark.slow


def test_a_complaint_with_a_file_is_taken_and_added_to(
    client: Callable[..., Redress], running: System
) -> None:
    redress = client(key=running.keys["operator_key"])
    file = redress.attach(b"a list", media_type="text/plain", name="list.txt")

    taken = redress.complain("空调坏了", attachments=[{"id": file}], channel="app")
    added = redress.add(taken.number, "还没修好")

    assert taken.code
    assert added["number"] == taken.number
    assert redress.get(taken.number)["attachments"][0]["id"] == file


def test_what_got_no_answer_is_sent_again_under_the_same_key_and_is_one(
    client: Callable[..., Redress],
) -> None:
    refused = httpx.ConnectError("refused")
    unavailable = httpx.Response(503, headers={"Retry-After": "0"})
    network = Lossy(before=[refused, unavailable], after=1)
    redress = client(transport=network)

    taken = redress.complain("快递没到")

    assert taken.replayed, "it was stored, and its first answer was lost"
    assert len(network.keys) == 4
    assert len(set(network.keys)) == 1


def test_the_wait_that_was_asked_for_is_kept(client: Callable[..., Redress]) -> None:
    waits: list[float] = []
    network = Lossy(before=[httpx.Response(429, headers={"Retry-After": "7"})])
    redress = client(transport=network, sleep=waits.append)

    redress.complain("快递没到")

    assert len(waits) == 1
    assert 7 <= waits[0] < 8


def test_waits_double_are_spread_and_end() -> None:
    retry = Retry(first=1, longest=5, draw=lambda: 1.0)
    assert [retry.pause(at, None) for at in range(1, 5)] == [1, 2, 4, 5]
    assert Retry(first=1, draw=lambda: 0.0).pause(1, None) == 0.5


def test_sent_in_vain_often_enough_it_is_told(client: Callable[..., Redress]) -> None:
    network = Lossy(before=[httpx.ConnectError("refused") for _ in range(9)])

    with pytest.raises(Unavailable, match="ConnectError"):
        client(transport=network).complain("a")

    assert len(network.keys) == 5


def test_more_than_the_key_may_is_told_by_its_type(client: Callable[..., Redress]) -> None:
    refused = httpx.Response(429, headers={"Retry-After": "1"}, json={"detail": "too often"})
    redress = client(retry=Retry(times=0), transport=Lossy(before=[refused]))

    with pytest.raises(TooMany, match="too often") as told:
        redress.validate("a")

    assert told.value.retry_after == 1


def test_a_refusal_has_a_type_names_the_fields_and_is_not_repeated(
    client: Callable[..., Redress],
) -> None:
    network = Lossy(before=[])
    redress = client(transport=network, language="en")

    with pytest.raises(Invalid) as told:
        redress.complain("")

    assert [one.field for one in told.value.errors] == ["text"]
    assert told.value.trace_id
    assert len(network.keys) == 1


def test_every_refusal_has_its_type(client: Callable[..., Redress]) -> None:
    redress = client()
    with pytest.raises(Unauthenticated):
        client(key="rk_no_such").complain("a")
    with pytest.raises(Forbidden):
        redress.get("0000-0000-000")
    with pytest.raises(NotFound):
        redress.add("0000-0000-000", "a")
    with pytest.raises(TooLarge):
        redress.complain("a" * 2_000_000)


def test_what_would_be_stored_is_told_and_nothing_is(client: Callable[..., Redress]) -> None:
    found = client().validate("电话 13800138000")

    assert found["text"] == "电话 [phone]"


def test_a_channels_own_payload_is_brought(client: Callable[..., Redress]) -> None:
    redress = client()
    call = {"call_id": "c-1", "summary": "没人来修", "agent": "7"}

    first = redress.bring("phone", call)
    again = redress.bring("phone", json.dumps(call).encode())

    assert first["outcome"] == "complaint"
    assert again["number"] == first["number"]
