"""Asking whether services can work: a container of its own, and the desk the other processes."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from dev.process import free_ports
from redress import health
from shared.settings import Settings
from shared.web.elsewhere import elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterator

READY = {"status": "ready", "checks": {"intake": {"database": None, "progress": None}}}
STUCK = {"status": "waiting", "checks": {"intake": {"database": "away", "progress": None}}}


@contextmanager
def answering(document: dict[str, Any]) -> Iterator[int]:
    """A process that answers for intake at the right path only."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_right = self.path in {"/readyz", "/intake/readyz"}
            self.send_response(200 if is_right and document["status"] == "ready" else 503)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("document", "code", "said"), [(READY, 0, "OK"), (STUCK, 1, "intake database: away")]
)
def test_a_container_is_as_healthy_as_its_process_is_ready(
    document: dict[str, Any],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with answering(document) as port:
        monkeypatch.setenv("REDRESS_PORT", str(port))
        codes = {health.main([]), health.main(["intake"])}

    assert (codes, set(capsys.readouterr().out.splitlines())) == ({code}, {said})


def test_a_process_that_does_not_answer_is_not_healthy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [port] = free_ports(1)
    monkeypatch.setenv("REDRESS_PORT", str(port))

    assert health.main([]) == 1
    assert "ConnectionRefusedError" in capsys.readouterr().out


async def test_the_desk_tells_of_another_process_what_that_tells_of_itself() -> None:
    with answering(STUCK) as port:
        ask = elsewhere(Settings(services=f"http://127.0.0.1:{port}"), ["intake"])["intake"]

        assert await ask() == {"database": "away", "progress": None, "reach": None}


async def test_a_process_that_is_away_or_stopping_is_told_by_the_desk() -> None:
    [port] = free_ports(1)
    away = elsewhere(Settings(services=f"http://127.0.0.1:{port}"), ["intake"])["intake"]
    with answering(READY | {"status": "stopping"}) as stopping:
        going = elsewhere(Settings(services=f"http://127.0.0.1:{stopping}"), ["intake"])["intake"]

        assert (await going())["reach"] == "it is stopping"
    assert "does not answer" in str((await away())["reach"])
