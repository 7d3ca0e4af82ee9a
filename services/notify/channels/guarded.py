"""Posting to addresses that other people gave us: looked up once, judged, and connected to as judged.

At every attempt the name is resolved anew, each of its addresses is judged, and the connection goes to the very one
that was: a name that means another address a moment later changes nothing. No redirects, no proxies of the environment.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from services.notify.channels.addresses import (
    Allowed,
    NotAllowed,
    Target,
    choose_address,
    target_of,
)
from shared.web.trust import client

SECONDS: Final = 15.0
MOST_BYTES: Final = 64 * 1024
AT_ONCE: Final = 16
"""Posts under way to one name. As many connections are kept: one too many would be opened anew for each post."""
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a receiver answered (`status`), or why there is none (`problem`). `is_ours`: we refused to connect."""

    status: int | None = None
    problem: str | None = None
    retry_after: float | None = None
    is_ours: bool = False

    @property
    def is_taken(self) -> bool:
        return self.status is not None and httpx.codes.is_success(self.status)

    @property
    def code(self) -> str:
        return str(self.status) if self.status is not None else self.problem or "unknown"


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, by the system's resolver; none where it knows none."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Poster:
    """Posts to other people's addresses. One for a process: connections are kept for a while."""

    def __init__(
        self,
        allowed: Sequence[Allowed],
        *,
        resolver: Resolve = resolve,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolver
        self._transport = transport
        # A client a name: a connection is kept by address, and one whose certificate was A's must not serve B.
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def check(self, url: str) -> tuple[Target, str]:
        """Whom a URL means, and the address to connect to. Raises NotAllowed."""
        target = target_of(url)
        return target, choose_address(
            target, await self._resolve(target.host, target.port), self._allowed
        )

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Post once. Never raises for what a receiver does."""
        try:
            async with asyncio.timeout(SECONDS):
                target, address = await self.check(url)
                return await self._send(target, address, body, headers)
        except NotAllowed as error:
            return Outcome(problem=str(error), is_ours=True)
        except TimeoutError:
            return Outcome(problem="no answer in 15 s")
        except httpx.HTTPError as error:
            return Outcome(problem=type(error).__name__)

    async def _send(
        self, target: Target, address: str, body: bytes, headers: Mapping[str, str]
    ) -> Outcome:
        literal = f"[{address}]" if ":" in address else address
        client = self._client(target.host)
        request = client.build_request(
            "POST",
            f"{target.scheme}://{literal}:{target.port}{target.path}",
            content=body,
            headers={"Host": host_header(target), "Content-Type": "application/json"}
            | dict(headers),
            # The certificate must be the name's, though the connection goes to its address.
            extensions={"sni_hostname": target.host},
        )
        response = await client.send(request, stream=True)
        try:
            size = 0
            # Read, so that the connection can be used again; what floods us is cut off.
            async for part in response.aiter_raw():
                size += len(part)
                if size > MOST_BYTES:
                    break
        finally:
            await response.aclose()
        after = response.headers.get("retry-after", "")
        return Outcome(response.status_code, retry_after=float(after) if after.isdigit() else None)

    def _client(self, host: str) -> httpx.AsyncClient:
        if host not in self._clients:
            self._clients[host] = client(
                timeout=httpx.Timeout(SECONDS, connect=5.0),
                follow_redirects=False,
                transport=self._transport,
                limits=httpx.Limits(
                    max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE, keepalive_expiry=15
                ),
            )
        return self._clients[host]

    async def close(self) -> None:
        for one in self._clients.values():
            await one.aclose()


def host_header(target: Target) -> str:
    """The Host header: the port only where it is not the usual one."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = 443 if target.scheme == "https" else 80
    return host if target.port == usual else f"{host}:{target.port}"
