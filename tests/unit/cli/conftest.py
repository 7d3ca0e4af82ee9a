"""A system as the command meets it: a real HTTP server that answers what a test wrote down."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from redress.cli import run

if TYPE_CHECKING:
    from pathlib import Path

KEY = "rk_0123456789ab_secret"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass
class System:
    """Answers by `METHOD /path`; a list is answered one after the other, the last one again and again."""

    url: str = ""
    answers: dict[str, list[tuple[int, object]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def answer(self, what: str, *answers: tuple[int, object]) -> None:
        self.answers[what] = list(answers)

    def next_answer(self, what: str) -> tuple[int, object]:
        there = self.answers.get(what)
        if not there:
            return 404, {"title": "There is no such thing here", "status": 404}
        return there.pop(0) if len(there) > 1 else there[0]

    def bodies(self, what: str) -> list[Any]:
        return [one.body for one in self.asked if f"{one.method} {one.path}" == what]


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    """A system that the environment of this test's commands leads to, by its first-run.json."""
    there = System()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(there))
    there.url = f"http://127.0.0.1:{server.server_port}"
    serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    for name in ("REDRESS_URL", "REDRESS_KEY", "REDRESS_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REDRESS_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    (tmp_path / "first-run.json").write_text(json.dumps({"url": there.url, "operator_key": KEY}))
    yield there
    server.shutdown()
    serving.join()
    server.server_close()
    monkeypatch.undo()
    time.tzset()


def _handler(system: System) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.respond()

        def do_POST(self) -> None:
            self.respond()

        def do_PUT(self) -> None:
            self.respond()

        def respond(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            is_json = "json" in self.headers.get("Content-Type", "")
            body = json.loads(raw) if raw and is_json else raw or None
            system.asked.append(
                Asked(self.command, parts.path, query, dict(self.headers.items()), body)
            )
            status, answer = system.next_answer(f"{self.command} {parts.path}")
            is_text = isinstance(answer, str)
            said = (str(answer) if is_text else json.dumps(answer)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/event-stream" if is_text else "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as it is overridden
            """Say nothing."""

    return Handler


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Redress:
    """The command as a person at a shell has it."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str) -> Ended:
        code = run(arguments)
        told = self._capture.readouterr()
        return Ended(code, told.out, told.err)


@pytest.fixture
def redress(capsys: pytest.CaptureFixture[str]) -> Redress:
    return Redress(capsys)
