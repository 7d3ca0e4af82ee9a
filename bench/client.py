"""A small HTTP/1.1 client for load: keep-alive connections to loopback, one request at a time on each.

A ready-made client would cost more than what is measured.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from bench.complaints import Requests
from dev.process import LOOPBACK

TAKEN = (200, 202)
STALLED_SECONDS = 30.0


class LoadFailed(Exception):
    """The program under load answered something else than 200 or 202, or not at all."""


@dataclass(slots=True)
class Load:
    """What a time of load brought: answers, how long it took, and each answer's time in seconds."""

    seconds: float
    latencies: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds


class Connection(asyncio.Protocol):
    """One connection. `ask` sends a request and calls back with its answer's body."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._answered: Callable[[bytes | Exception], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes, answered: Callable[[bytes | Exception], None]) -> None:
        assert self._transport is not None  # noqa: S101 - opened before it is used
        self._answered = answered
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        status = int(head[9:12])
        self._tell(
            rest[:length]
            if status in TAKEN
            else LoadFailed(f"a complaint was answered {status}: {rest[:300].decode()}")
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._tell(LoadFailed(f"the connection was closed: {exc or 'by the other side'}"))

    def close(self) -> None:
        self._answered = None
        if self._transport is not None:
            self._transport.close()

    def _tell(self, answer: bytes | Exception) -> None:
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(answer)


@asynccontextmanager
async def connected(port: int, count: int) -> AsyncIterator[list[Connection]]:
    """Open connections to loopback, and close them at the end."""
    loop, made = asyncio.get_running_loop(), [Connection() for _ in range(count)]
    try:
        for one in made:
            await loop.create_connection(lambda one=one: one, LOOPBACK, port)  # type: ignore[misc] # mypy cannot see the default
        yield made
    finally:
        for one in made:
            one.close()


async def saturate(port: int, requests: Requests, *, connections: int, seconds: float) -> Load:
    """Keep every connection busy for so long. Raises LoadFailed."""
    end = time.perf_counter() + seconds
    return await _keep_busy(
        port, requests, connections=connections, enough=lambda _: time.perf_counter() >= end
    )


async def post(port: int, requests: Requests, *, connections: int, count: int) -> Load:
    """Post so many (a few more: those under way), as fast as they are answered. Raises LoadFailed."""
    return await _keep_busy(
        port, requests, connections=connections, enough=lambda done: done >= count
    )


async def _keep_busy(
    port: int, requests: Requests, *, connections: int, enough: Callable[[int], bool]
) -> Load:
    load = Load(0.0)
    async with connected(port, connections) as opened:
        started = time.perf_counter()
        await asyncio.gather(*(_busy(one, requests, load, enough) for one in opened))
        load.seconds = time.perf_counter() - started
    return load


def _busy(
    connection: Connection, requests: Requests, load: Load, enough: Callable[[int], bool]
) -> "asyncio.Future[None]":
    """Ask again at each answer, without a task in between; done when it is enough."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asked_at = 0.0

    def ask() -> None:
        nonlocal asked_at
        asked_at = time.perf_counter()
        connection.ask(next(requests), answered)

    def answered(answer: bytes | Exception) -> None:
        if done.done():
            return
        if isinstance(answer, Exception):
            done.set_exception(answer)
            return
        load.latencies.append(time.perf_counter() - asked_at)
        if enough(len(load.latencies)):
            done.set_result(None)
        else:
            ask()

    def stalled() -> None:
        if not done.done():
            done.set_exception(LoadFailed("the load did not come to its end in time"))

    ask()
    asyncio.get_running_loop().call_later(STALLED_SECONDS * 20, stalled)
    return done


async def ask(connection: Connection, request: bytes) -> bytes:
    """One request and its answer's body. Raises LoadFailed."""
    answer: asyncio.Future[bytes | Exception] = asyncio.get_running_loop().create_future()
    connection.ask(request, lambda found: None if answer.done() else answer.set_result(found))
    found = await asyncio.wait_for(answer, STALLED_SECONDS)
    if isinstance(found, Exception):
        raise found
    return found
