"""Speaks to a running system over HTTP, with the address and key that the command line found."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode

import httpx

from redress import __version__
from redress.failure import NotReachable, Problem, WrongUsage

DEFAULT_URL: Final = "http://127.0.0.1:8000"
PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between tries of a request that is safe to repeat."""
QUIET_SECONDS: Final = 60.0
"""A stream that says nothing for so long, not even that it lives, is opened again."""
LINE_SECONDS: Final = 300.0
"""How long a line of an answer may take: learning a pack's examples takes a minute or two on a busy machine."""
_LOCAL: Final = re.compile(r"\Ahttps?://(127\.0\.0\.1|localhost|\[::1\])([:/]|\Z)")

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Address:
    """Where the system answers and the credential for it; `key` None where none was found."""

    url: str
    key: str | None


def data_folder(environ: Mapping[str, str]) -> Path:
    """Where `redress up` keeps everything on this machine."""
    return Path(environ.get("REDRESS_DATA") or "data")


def find_address(url: str | None, key: str | None, environ: Mapping[str, str]) -> Address:
    """The address and key: given, else from the environment, else from `first-run.json`.

    A key from the last goes to the address in that file or to this machine, nowhere else. Raises
    WrongUsage when a file cannot be read.
    """
    url = url or environ.get("REDRESS_URL")
    key = key or environ.get("REDRESS_KEY") or _key_file(environ.get("REDRESS_KEY_FILE"))
    known = _first_run(data_folder(environ) / "first-run.json")
    if key is None and (url is None or url.rstrip("/") == known.get("url") or _LOCAL.match(url)):
        key = known.get("operator_key")
    return Address((url or known.get("url") or DEFAULT_URL).rstrip("/"), key)


def _key_file(name: str | None) -> str | None:
    try:
        return (Path(name).read_text().strip() or None) if name else None
    except OSError as error:
        raise WrongUsage(
            f"{name}, which REDRESS_KEY_FILE names, cannot be read: {error.strerror}."
        ) from error


def _first_run(path: Path) -> Mapping[str, str]:
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WrongUsage(
            f"{path} cannot be read ({type(error).__name__}): "
            "name the system with --url and --key, or REDRESS_URL and REDRESS_KEY."
        ) from error
    return document if isinstance(document, dict) else {}


@dataclass(frozen=True, slots=True)
class Said:
    """One event of a stream, with the cursor to go on after it."""

    cursor: str
    event: Answer


class Client:
    """Requests with the operator's key. Every failure is a NotReachable or a Problem."""

    def __init__(
        self,
        address: Address,
        *,
        language: str = "en",
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"Accept-Language": language, "User-Agent": f"redress/{__version__}"}
        if address.key:
            headers["Authorization"] = f"Bearer {address.key}"
        self.url = checked_url(address.url)
        self._sleep = sleep
        self._has_key = address.key is not None
        self._http = httpx.Client(
            base_url=address.url, headers=headers, timeout=30.0, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: str | int | None) -> Answer:
        """The document at `path`. Raises NotReachable or Problem."""
        return self._document(self._send("GET", _with_query(path, query)))

    def find(self, path: str, **query: str | int | None) -> Answer | None:
        """The document at `path`, or None where there is none (yet)."""
        try:
            return self.get(path, **query)
        except Problem as problem:
            if problem.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def pages(self, path: str, **query: str | int | None) -> Iterator[Answer]:
        """Every item of a list, page by page."""
        after: str | None = None
        while True:
            page = self.get(path, **query, after=after)
            yield from page["items"]
            after = page.get("next")
            if after is None:
                return

    def post(self, path: str, body: object, *, headers: Mapping[str, str] | None = None) -> Answer:
        """What the system answers to `body`. Raises NotReachable or Problem."""
        return self._document(self._send("POST", path, body=body, headers=headers))

    def post_file(self, path: str, raw: bytes, **query: str | int | None) -> Answer:
        """What the system answers to a file. Raises NotReachable or Problem."""
        self._must_have_key()
        with self._reaching():
            answer = self._http.post(_with_query(path, query), content=raw, timeout=300.0)
        if not answer.is_success:
            raise self._failure(answer)
        return self._document(answer)

    def text(self, path: str, **query: str | int | None) -> str:
        """The text at `path`. Raises NotReachable or Problem."""
        return self._send("GET", _with_query(path, query)).text

    def raw(self, path: str) -> bytes:
        """The bytes at `path`. Raises NotReachable or Problem."""
        return self._send("GET", path).content

    def put(self, path: str, body: object) -> Answer:
        """What the system answers to `body` being put there. Raises NotReachable or Problem."""
        return self._document(self._send("PUT", path, body=body))

    def order(self, path: str, body: object) -> None:
        """Post what is answered with nothing. Raises NotReachable or Problem."""
        self._send("POST", path, body=body)

    def post_once(
        self, path: str, body: object, *, key: str, on_wait: Callable[[float, str], None]
    ) -> Answer:
        """Post under an Idempotency-Key, again and again with the same key until it is answered.

        `on_wait` gets the seconds until the next try and the reason. Raises NotReachable after
        the last try, or Problem.
        """
        headers = {"Idempotency-Key": key}
        for pause in PAUSES:
            try:
                return self.post(path, body, headers=headers)
            except NotReachable as error:
                on_wait(pause, error.reason)
                self._sleep(pause)
        return self.post(path, body, headers=headers)

    def plain(self, path: str) -> tuple[int, str]:
        """Status and text of a page that needs no key, whatever the status is."""
        answer = self._exchange("GET", path)
        return answer.status_code, answer.text

    def stream(self, path: str, **query: str | int | None) -> Iterator[Said]:
        """The events of a server-sent stream, until it ends. Raises NotReachable or Problem."""
        self._must_have_key()
        headers = {"Accept": "text/event-stream"}
        timeout = httpx.Timeout(30.0, read=QUIET_SECONDS)
        with self._reaching():
            request = self._http.stream(
                "GET", _with_query(path, query), headers=headers, timeout=timeout
            )
            with request as answer:
                if answer.status_code != httpx.codes.OK:
                    answer.read()
                    raise self._failure(answer)
                yield from read_stream(answer.iter_lines())

    def lines(self, path: str, body: object) -> Iterator[Answer]:
        """What the system answers to `body`, line by line, as it comes. Raises NotReachable or Problem."""
        self._must_have_key()
        timeout = httpx.Timeout(30.0, read=LINE_SECONDS)
        with self._reaching():
            request = self._http.stream("POST", path, json=body, timeout=timeout)
            with request as answer:
                if answer.status_code != httpx.codes.OK:
                    answer.read()
                    raise self._failure(answer)
                yield from (json.loads(line) for line in answer.iter_lines() if line)

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        self._must_have_key()
        answer = self._exchange(method, path, body=body, headers=headers)
        if answer.is_success:
            return answer
        raise self._failure(answer)

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        with self._reaching():
            return self._http.request(method, path, json=body, headers=headers)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            reason = str(error)
            if isinstance(error, httpx.TimeoutException):
                reason = "no answer in time"
            elif isinstance(error, httpx.RemoteProtocolError):
                reason = "the connection was broken off"
            raise NotReachable(self.url, reason or type(error).__name__) from error

    def _failure(self, answer: httpx.Response) -> NotReachable | Problem:
        if answer.status_code in {502, 503, 504}:
            return NotReachable(
                self.url, f"it answers {answer.status_code}, not possible right now"
            )
        return Problem(answer.status_code, _problem_document(answer))

    def _document(self, answer: httpx.Response) -> Answer:
        try:
            document = answer.json()
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise Problem(
                answer.status_code, {"detail": f"{self.url} does not answer like Redress."}
            )
        return document

    def _must_have_key(self) -> None:
        if not self._has_key:
            raise WrongUsage(
                f"no key for {self.url}: start the system here with `redress up`, which writes "
                f"{data_folder(os.environ) / 'first-run.json'}, or give --key or REDRESS_KEY."
            )


def checked_url(url: str) -> str:
    """The address, if it is one. Raises WrongUsage."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise WrongUsage(f"{url!r} is no address: {error}.") from error
    if parts.scheme not in {"http", "https"} or not parts.host:
        raise WrongUsage(f"{url!r} is no address: write it as http://host:port.")
    return url


def read_stream(lines: Iterator[str]) -> Iterator[Said]:
    """The events in the lines of a server-sent stream (HTML standard, section 9.2.6)."""
    cursor, data = "", list[str]()
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "id":
            cursor = value
        elif field == "data":
            data.append(value)
        elif not line and data:
            yield Said(cursor, json.loads("\n".join(data)))
            data = []


def _with_query(path: str, query: Mapping[str, str | int | None]) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _problem_document(answer: httpx.Response) -> Mapping[str, object]:
    try:
        document = answer.json()
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {"title": answer.reason_phrase}
