"""A TCP proxy on loopback whose link can be cut, or left half-open: connected, and nothing comes through."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

from dev.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 1 << 16


class Proxy:
    """Forwards from `port` to `target`, in a thread of its own."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._flows = threading.Event()
        self._flows.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()

    def hang(self) -> None:
        """Let nothing through from now on, but close nothing."""
        self._flows.clear()

    def heal(self) -> None:
        """Drop what hung, as a network does in the end, and forward again."""
        self._loop.call_soon_threadsafe(self._drop)

    def _drop(self) -> None:
        for writer in self._open:
            writer.transport.abort()
        self._flows.set()

    async def _serve(self, started: threading.Event) -> None:
        server = await asyncio.start_server(self._link, LOOPBACK, self.port)
        started.set()
        with contextlib.suppress(asyncio.CancelledError):
            await server.serve_forever()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            writer.close()
            return
        self._open |= {writer, far_writer}
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        self._open -= {writer, far_writer}

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(CHUNK):
                while not self._flows.is_set():
                    await asyncio.sleep(0.02)
                sink.write(chunk)
                await sink.drain()
        sink.close()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Forward while the block runs."""
        started = threading.Event()

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            task = self._loop.create_task(self._serve(started))
            self._loop.run_forever()
            for each in asyncio.all_tasks(self._loop):
                each.cancel()
            self._loop.run_until_complete(asyncio.gather(task, return_exceptions=True))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        started.wait(10)
        try:
            yield
        finally:
            self._flows.set()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)
