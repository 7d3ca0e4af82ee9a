"""The embedded engine: the log of one process, in one file of its data folder."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from shared.bus.embedded import log
from shared.bus.embedded.folder import FolderLock, refuse_remote
from shared.bus.embedded.group import Group, Member
from shared.bus.embedded.subscription import EmbeddedReader, EmbeddedSubscription
from shared.bus.embedded.threads import ReadThread, Writer
from shared.bus.partition import first_oversize
from shared.bus.port import (
    MESSAGE_CAP,
    BusFull,
    BusMisconfigured,
    BusUnavailable,
    Features,
    Message,
    MessageRefused,
    PublishFailed,
    Reader,
    Slot,
    Subscription,
    Topic,
)
from shared.clock import Clock, SystemClock

FILE = "bus.sqlite3"
SIZE_CAP = 8 << 30
POLL = timedelta(seconds=1)  # the wake-up is a hint; this is the truth
HAND_OVER = timedelta(seconds=5)  # how long something in flight may hold a partition back
PRUNE_EVERY = timedelta(hours=1)


@asynccontextmanager
async def open_embedded(
    folder: Path,
    *,
    clock: Clock | None = None,
    size_cap: int = SIZE_CAP,
    message_cap: int = MESSAGE_CAP,
) -> AsyncIterator["EmbeddedBus"]:
    """Open the log in `folder`, which must exist, and hold the folder's lock until closed.

    `size_cap` is in bytes: publishing raises BusFull beyond it. Raises FolderRefused or BusMisconfigured.
    """
    refuse_remote(folder)
    with FolderLock(folder):
        writing, reading = await asyncio.to_thread(_connect, folder / FILE, size_cap)
        bus = EmbeddedBus(writing, reading, clock=clock or SystemClock(), message_cap=message_cap)
        try:
            await bus.start()
            yield bus
        finally:
            await bus.close()


def _connect(path: Path, size_cap: int) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    writing = log.connect(path)
    try:
        log.prepare(writing, path, size_cap=size_cap)
        return writing, log.connect(path)
    except BaseException:
        writing.close()
        raise


class EmbeddedBus:
    """The port's Bus over one SQLite file. What publish returned is on disk (WAL, synchronous=FULL)."""

    features = Features(many_processes=False)

    def __init__(
        self,
        writing: sqlite3.Connection,
        reading: sqlite3.Connection,
        *,
        clock: Clock,
        message_cap: int,
    ) -> None:
        self.writer = Writer(writing)
        self.reader = ReadThread(reading)
        self.ends: dict[Slot, int] = {}
        self._clock = clock
        self._cap = message_cap
        self._groups: dict[str, Group] = {}
        self._forcing: dict[Group, asyncio.TimerHandle] = {}
        self._change = asyncio.Event()
        self._pruning: asyncio.Task[None] | None = None
        self._closed = False

    async def start(self) -> None:
        """Learn where the partitions end and begin to prune."""
        await self._learn_ends()
        self._pruning = asyncio.create_task(self._prune_now_and_then(), name="bus-prune")

    async def create_topics(self, topics: Sequence[Topic]) -> None:
        try:
            await self.writer.run(partial(log.create, topics=topics))
            await self._learn_ends()
        except sqlite3.Error as error:
            raise BusUnavailable(f"the embedded log cannot create topics: {error}") from error

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        self._require(topic)
        refused = first_oversize(messages, self._cap)
        accepted = messages if refused is None else messages[:refused]
        if accepted:
            await self._append(topic, accepted)
        if refused is not None:
            raise MessageRefused(
                f"a message for {topic} is larger than {self._cap} bytes: carry large content by reference",
                acknowledged=refused,
            )

    async def skip_to_end(self, group: str, topics: Sequence[str]) -> None:
        for topic in topics:
            self._require(topic)
        try:
            await self.writer.run(partial(log.skip_to_end, group=group, topics=topics))
        except sqlite3.Error as error:
            raise BusUnavailable(f"the embedded log cannot record offsets: {error}") from error

    async def _append(self, topic: str, messages: Sequence[Message]) -> None:
        at = int(self._clock.now().timestamp())
        try:
            ends = await self.writer.run(partial(log.append, topic=topic, messages=messages, at=at))
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise BusFull(
                    "the embedded log has no room: free disk space or raise its size cap",
                    acknowledged=0,
                ) from error
            raise PublishFailed(
                f"the embedded log cannot write: {error}", acknowledged=0
            ) from error
        for slot, end in ends.items():
            self.ends[slot] = max(self.ends[slot], end)
        self._wake()

    @asynccontextmanager
    async def _join(
        self, group: str, topics: Sequence[str], *, in_order: bool
    ) -> AsyncIterator[Subscription]:
        for topic in topics:
            self._require(topic)
        try:
            stand = await self.writer.run(partial(log.register, group=group, topics=topics))
        except sqlite3.Error as error:
            raise BusUnavailable(
                f"the embedded log cannot register group {group}: {error}"
            ) from error
        state = self._groups.setdefault(group, Group())
        member = Member(frozenset(topics))
        state.join(member, stand)
        self.move(state)
        try:
            yield EmbeddedSubscription(group, topics if in_order else (), state, member, self)
        finally:
            state.leave(member)
            self.move(state)

    def subscribe(
        self, group: str, topics: Sequence[str], *, in_order: bool = False
    ) -> AbstractAsyncContextManager[Subscription]:
        return self._join(group, topics, in_order=in_order)

    @asynccontextmanager
    async def _open_reader(self, topic: str) -> AsyncIterator[Reader]:
        self._require(topic)
        yield EmbeddedReader([slot for slot in self.ends if slot.topic == topic], self)

    def read(self, topic: str) -> AbstractAsyncContextManager[Reader]:
        return self._open_reader(topic)

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[Slot, int]:
        for topic in topics:
            self._require(topic)
        try:
            return await self.reader.run(partial(log.lag, group=group, topics=topics))
        except sqlite3.Error as error:
            raise BusUnavailable(f"the embedded log cannot be read: {error}") from error

    async def prune(self) -> int:
        """Delete what is past its retention and read by every group that ever registered; how many records."""
        deleted = 0
        while step := await self.writer.run(
            partial(log.prune, now=int(self._clock.now().timestamp()))
        ):
            deleted += step
        return deleted

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for handle in self._forcing.values():
            handle.cancel()
        if self._pruning is not None:
            self._pruning.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pruning
        await self.writer.close()
        await self.reader.close()

    async def changed(self, wait: float) -> None:
        """Wait until something was published or a group moved, at most `wait` seconds."""
        change = self._change
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(wait, POLL.total_seconds())):
                await change.wait()

    def move(self, group: Group, *, force: bool = False) -> None:
        """Let the group's partitions change hands: now, or by force in a while."""
        if force:
            del self._forcing[group]
        if not group.settle(force=force) and group not in self._forcing:
            self._forcing[group] = asyncio.get_running_loop().call_later(
                HAND_OVER.total_seconds(), partial(self.move, group, force=True)
            )
        self._wake()

    def _wake(self) -> None:
        self._change.set()
        self._change = asyncio.Event()

    def _require(self, topic: str) -> None:
        if Slot(topic, 0) not in self.ends:
            raise BusMisconfigured(f"the log has no topic {topic}: run `redress migrate`")

    async def _learn_ends(self) -> None:
        for slot, end in (await self.reader.run(log.ends)).items():
            self.ends[slot] = max(self.ends.get(slot, 0), end)

    async def _prune_now_and_then(self) -> None:
        while True:
            with contextlib.suppress(sqlite3.Error):  # a full disk: the next round tries again
                await self.prune()
            await asyncio.sleep(PRUNE_EVERY.total_seconds())
