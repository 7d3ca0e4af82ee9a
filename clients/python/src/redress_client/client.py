"""The client: posts complaints, what is added to them, and files; each under an Idempotency-Key of its own."""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from redress_client.errors import RedressError, Unavailable, error_of
from redress_client.retry import Retry

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A complaint that is stored. `code` is None where it was added to a complaint that is known already.

    `replayed`: the same request was answered before; `message_id`: the message that it became.
    """

    id: str
    number: str
    code: str | None
    status_url: str
    received_at: str
    replayed: bool = False
    message_id: str | None = None


class Redress:
    """One system, one key. Use it as a context manager, or call `close`."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        language: str = "zh",
        retry: Retry | None = None,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`language` is that of errors. `transport` and `sleep` are for tests."""
        headers = {"Authorization": f"Bearer {key}", "Accept-Language": language}
        self._http = httpx.Client(
            base_url=url, headers=headers, timeout=timeout, transport=transport
        )
        self._retry = retry or Retry()
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _: type[BaseException] | None,
        __: BaseException | None,
        ___: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def complain(
        self, text: str, *, idempotency_key: str | None = None, **fields: object
    ) -> Accepted:
        """Post a complaint; `fields` are those of the API, such as `complainant`, `references`, `external_id`.

        Give a key of your own where the request must survive a restart of your program. Raises Refused, or
        Unavailable once it was sent in vain as often as `retry` says.
        """
        return self._accepted("/intake/v1/complaints", {"text": text} | fields, idempotency_key)

    def bring(
        self, channel: str, payload: Mapping[str, Any] | bytes, *, media_type: str = "application/json",
        unit: str | None = None, idempotency_key: str | None = None,
    ) -> Document:  # fmt: skip
        """Bring a channel's own payload: a call record, a letter, a mail (`message/rfc822`)."""
        content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        answer = self._send(
            "POST", f"/intake/v1/channels/{quote(channel, safe='')}", content=content,
            headers={"Content-Type": media_type}, query={"unit": unit}, key=idempotency_key or _new_key(),
        )  # fmt: skip
        return _document(answer)

    def validate(self, text: str, **fields: object) -> Document:
        """What would be stored, and what would be asked for; nothing is."""
        body = json.dumps({"text": text} | fields).encode()
        answer = self._send(
            "POST", "/intake/v1/complaints", content=body, query={"validate": "true"},
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        return _document(answer)

    def add(
        self, number: str, text: str, *, idempotency_key: str | None = None, **fields: object
    ) -> Document:
        """Add to a complaint."""
        answer = self._send(
            "POST", f"/intake/v1/complaints/{quote(number, safe='')}/messages",
            content=json.dumps({"text": text} | fields).encode(), headers={"Content-Type": "application/json"},
            key=idempotency_key or _new_key(),
        )  # fmt: skip
        return _document(answer)

    def attach(self, content: bytes | Path, *, media_type: str, name: str | None = None) -> str:
        """Send a file; returns its id, for `attachments=[{"id": …}]` of a complaint or message.

        Sent again after a failure it may be kept twice; what no complaint takes is forgotten.
        """
        raw = content.read_bytes() if isinstance(content, Path) else content
        called = name or (content.name if isinstance(content, Path) else None)
        answer = self._send(
            "POST", "/intake/v1/attachments", content=raw, headers={"Content-Type": media_type},
            query={"name": called},
        )  # fmt: skip
        return str(_document(answer)["id"])

    def get(self, number: str) -> Document:
        """A complaint, masked. Needs the scope intake:read."""
        return _document(self._send("GET", f"/intake/v1/complaints/{quote(number, safe='')}"))

    def _accepted(self, path: str, body: Mapping[str, Any], key: str | None) -> Accepted:
        answer = self._send(
            "POST", path, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"},
            key=key or _new_key(),
        )  # fmt: skip
        found = _document(answer)
        return Accepted(
            id=found["id"],
            number=found["number"],
            code=found["code"],
            status_url=found["status_url"],
            received_at=found["received_at"],
            replayed=answer.headers.get("Idempotent-Replayed") == "true",
            message_id=found.get("message_id"),
        )

    def _send(
        self, method: str, path: str, *, content: bytes | None = None,
        headers: Mapping[str, str] | None = None, query: Mapping[str, str | None] | None = None,
        key: str | None = None,
    ) -> httpx.Response:  # fmt: skip
        """Send a request until it is answered; each time the same bytes under the same key."""
        more = dict(headers or {}) | ({"Idempotency-Key": key} if key else {})
        given = {name: value for name, value in (query or {}).items() if value is not None}
        failures = 0
        while True:
            error: RedressError
            try:
                answer = self._http.request(
                    method, path, content=content, headers=more, params=given
                )
            except httpx.TransportError as lost:
                error = Unavailable(f"no answer: {type(lost).__name__}")
                error.__cause__ = lost
            else:
                if answer.is_success:
                    return answer
                error = error_of(answer)
            if not isinstance(error, Unavailable) or failures >= self._retry.times:
                raise error
            failures += 1
            self._sleep(self._retry.pause(failures, error.retry_after))


def _new_key() -> str:
    return str(uuid.uuid4())  # noqa: TID251 - a program of its own, without Redress's code


def _document(answer: httpx.Response) -> Document:
    found: Document = answer.json()
    return found
