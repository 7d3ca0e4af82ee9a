"""Calls to providers over HTTP: bounded in time and size, no redirects, and told apart by what may have happened."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import orjson

from services.notify.model import Sent
from shared.web import trust

SECONDS: Final = 15.0
MOST_BYTES: Final = 64 * 1024
_LATER: Final = frozenset({408, 425, 429, 500, 503})
_UNSURE: Final = frozenset({502, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered: the status, and its JSON object (empty where it is none)."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)
    retry_after: float | None = None

    @property
    def is_success(self) -> bool:
        return httpx.codes.is_success(self.status)

    def by_status(self) -> Sent:
        """What an HTTP status other than success means for a message."""
        code = f"HTTP {self.status}"
        if self.status in _UNSURE:
            return Sent("unknown", code=code)
        if self.status in _LATER:
            return Sent("retry", code=code, retry_after=self.retry_after)
        return Sent("refused", code=code)


def client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """A client for providers: no proxies of the environment, no redirects, few connections."""
    return trust.client(
        timeout=httpx.Timeout(SECONDS, connect=5.0),
        follow_redirects=False,
        transport=transport,
        limits=httpx.Limits(max_connections=32, max_keepalive_connections=8),
    )


async def ask(client: httpx.AsyncClient, request: httpx.Request) -> Answer | Sent:
    """Send a request once. A Sent says why there is no answer: it never left (`retry`), or nobody knows (`unknown`)."""
    try:
        async with asyncio.timeout(SECONDS):
            response = await client.send(request, stream=True)
            try:
                raw = await _read(response)
            finally:
                await response.aclose()
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        return Sent("retry", code=type(error).__name__)
    except (httpx.HTTPError, TimeoutError) as error:
        return Sent("unknown", code=type(error).__name__)
    return Answer(response.status_code, _object(raw), _seconds(response.headers.get("retry-after")))


async def _read(response: httpx.Response) -> bytes:
    found = b""
    async for part in response.aiter_bytes(MOST_BYTES):
        found += part
        if len(found) > MOST_BYTES:
            return b""
    return found


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {"": found}


def _seconds(text: str | None) -> float | None:
    return min(float(text), 86_400.0) if text and text.isdigit() else None
