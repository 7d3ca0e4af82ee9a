"""The frame around each service's routes, and the one HTTP application of a process."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from shared import telemetry
from shared.errors import Rejected, Transient
from shared.service import AnyService
from shared.telemetry import Metrics
from shared.web.json import dump
from shared.web.operations import OPERATIONS
from shared.web.problems import PROBLEMS, answer_errors, passing, problem, rejected

BODY_SECONDS: Final = 30.0
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
Readiness = Callable[[], Awaitable[Mapping[str, str | None]]]
"""Tells what is not ready: a name and what is wrong with it, None where nothing is."""
PACKS: Final = "packs"
"""The check that never takes a service out of service: it goes on by the last good pack."""

log = telemetry.logger("web")


def service_app(service: AnyService) -> FastAPI:
    """One service's HTTP application, under `/{service}`."""
    app = FastAPI(
        title=f"Redress {service.name}", description=service.title, docs_url=None, redoc_url=None
    )
    app.include_router(service.router)
    if service.pages is not None:
        app.include_router(service.pages)
    answer_errors(app)
    return app


class Gateway:
    """All services of a process behind one port: `/{service}/…`, each with health, readiness and metrics.

    `readiness` may also name services of other processes: `/readyz` speaks for them too.
    """

    def __init__(
        self,
        services: Sequence[AnyService],
        *,
        metrics: Metrics,
        readiness: Mapping[str, Readiness],
    ) -> None:
        self._apps: dict[str, FastAPI] = {
            service.name: service_app(service) for service in services
        }
        self._roots = {root: one.name for one in services for root in one.roots}
        self._databases = {service.name: service.database for service in services}
        self._direct = {at: answer for one in services for at, answer in one.direct.items()}
        self._metrics = metrics
        self._readiness = readiness
        self.is_stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _no_lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        first = scope["path"].split("/", 2)[1]
        name = self._roots.get(first, first if scope["path"].count("/") > 1 else "")
        trace = telemetry.trace_of(request.headers.get("traceparent"))
        started, status = time.perf_counter(), 500

        async def counting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with telemetry.tracing(trace):
            try:
                await self._answer(request, name, _timed(receive), counting)
            finally:
                self._metrics.requests.labels(name or "root", scope["method"], str(status)).inc()
                self._metrics.request_seconds.labels(name or "root").observe(
                    time.perf_counter() - started
                )

    async def _answer(self, request: Request, name: str, receive: Receive, send: Send) -> None:
        scope = request.scope
        try:
            response = await self._own(request, name)
            direct = self._direct.get((request.method, scope["path"]))
            if response is None and direct is not None:
                response = await direct(Request(scope, receive))
            if response is None:
                await self._apps[name]({**scope, "root_path": ""}, receive, send)
                return
        except Rejected as error:
            response = rejected(request, error)
        except Transient as error:
            response = passing(request, error)
        except TimeoutError:
            response = problem(
                request, "malformed", detail="The body came too slowly.", zh="请求正文发送过慢。"
            )
        except Exception as error:
            log.exception("request failed", path=scope["path"], error=type(error).__name__)
            response = problem(request, "internal")
        await response(scope, receive, send)

    async def _own(self, request: Request, name: str) -> Response | None:  # noqa: PLR0911 - a table of paths
        path: str = request.scope["path"]
        if path == "/readyz":
            return await self._ready(list(self._readiness))
        if path.startswith("/problems/"):
            return _explain(path.removeprefix("/problems/"))
        if name not in self._apps:
            return problem(request, "not-found")
        match path.removeprefix(f"/{name}"):
            case "/healthz":
                return _plain({"status": "ok"})
            case "/readyz":
                return await self._ready([name])
            case "/metrics":
                return Response(
                    generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_LATEST
                )
            case "/openapi.json":
                return _plain(self._apps[name].openapi())
            case rest:
                is_held = self._databases[name].is_paused and request.method not in READING
                # Operators are let in: what holds the service is theirs.
                return (
                    problem(request, "paused")
                    if is_held and not rest.startswith(OPERATIONS)
                    else None
                )

    async def _ready(self, names: Sequence[str]) -> Response:
        found = await asyncio.gather(*(self._readiness[name]() for name in names))
        checks = dict(zip(names, map(dict, found), strict=True))
        status = "stopping" if self.is_stopping else _status(checks.values())
        return _plain(
            {"status": status, "checks": checks}, 200 if status in ("ready", "degraded") else 503
        )


def is_down(checks: Mapping[str, str | None]) -> bool:
    """Whether a service with these checks cannot work."""
    return any(text for name, text in checks.items() if name != PACKS)


def _status(checks: Iterable[Mapping[str, str | None]]) -> str:
    found = list(checks)
    if any(map(is_down, found)):
        return "waiting"
    return "degraded" if any(one.get(PACKS) for one in found) else "ready"


def _timed(receive: Receive) -> Receive:
    """A body must arrive within its time; what comes after it (a disconnect) may take for ever."""
    deadline = time.monotonic() + BODY_SECONDS
    is_whole = False

    async def timed() -> Message:
        nonlocal is_whole
        if is_whole:
            return await receive()
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            message = await receive()
        is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return timed


def _plain(document: object, status: int = 200) -> Response:
    return Response(dump(document), status, media_type="application/json")


def _explain(slug: str) -> Response:
    """What a problem type means, for the `type` of every problem document."""
    found = PROBLEMS.get(slug)
    if found is None:
        return _plain(
            {"type": "/problems/not-found", "title": PROBLEMS["not-found"].en, "status": 404}, 404
        )
    return _plain(
        {
            "slug": found.slug,
            "status": found.status,
            "title": {"en": found.en, "zh": found.zh},
            "advice": {"en": found.advice_en, "zh": found.advice_zh},
        }
    )


async def _no_lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
