"""The load generator's own parts that need no program under load."""

from __future__ import annotations

import json

from bench.client import Connection, LoadFailed
from bench.complaints import Requests, bodies


def answered(*pieces: bytes) -> list[bytes | Exception]:
    """What a connection calls back with when these pieces arrive."""
    found: list[bytes | Exception] = []
    connection = Connection()
    connection._answered = found.append
    for piece in pieces:
        connection.data_received(piece)
    return found


def test_an_answer_may_come_in_pieces() -> None:
    assert answered(b"HTTP/1.1 202 Accepted\r\ncontent-le", b'ngth: 4\r\n\r\n{"', b"a}") == [
        b'{"a}'
    ]


def test_anything_but_202_fails_the_load() -> None:
    [found] = answered(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno")

    assert isinstance(found, LoadFailed)
    assert "answered 503: no" in str(found)


def test_a_lost_connection_fails_the_load() -> None:
    found: list[bytes | Exception] = []
    connection = Connection()
    connection._answered = found.append

    connection.connection_lost(None)

    assert isinstance(found[0], LoadFailed)


def test_bodies_are_about_nine_hundred_bytes_in_both_languages() -> None:
    made = bodies()

    assert all(750 <= len(body) <= 1_150 for body in made)
    assert {json.loads(body)["language"] for body in made} == {"zh", "en"}
    assert len(set(made)) == len(made)


def test_every_request_has_a_key_of_its_own() -> None:
    requests = Requests("/x", port=1, key="k", run="r")

    first, second = next(requests), next(requests)
    assert b"Idempotency-Key: r-0\r\n" in first
    assert b"Idempotency-Key: r-1\r\n" in second
