"""How floors serve: one uvicorn worker on loopback, uvloop, httptools, no access log, the start-up heap frozen."""

import asyncio
import gc
from typing import TYPE_CHECKING

import uvicorn
import uvloop

from dev.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fastapi import FastAPI


def serve(
    app: "FastAPI", *, port: int, loops: "Sequence[Callable[[], Awaitable[None]]]" = ()
) -> None:
    """Serve until SIGTERM, with `loops` beside it."""

    @app.get("/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    config = uvicorn.Config(
        app, host=LOOPBACK, port=port, http="httptools", access_log=False, log_level="warning",
        lifespan="off",
    )  # fmt: skip

    async def run() -> None:
        server = uvicorn.Server(config)
        tasks = [asyncio.ensure_future(loop()) for loop in loops]
        serving = asyncio.ensure_future(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        gc.collect()
        gc.freeze()
        await serving
        for task in tasks:
            task.cancel()

    uvloop.run(run())
