"""The engines of the log as the contract suite drives them: open, close and open again over the same data."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from shared.bus.open import open_bus
from shared.bus.port import Message, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from shared.bus.port import Bus, Reader, Record, Slot, Subscription

PATIENCE = 30.0  # seconds; a group of a real broker takes a few to form
STEP = timedelta(milliseconds=200)


class Engine(Protocol):
    """One engine with data of its own."""

    async def open(self) -> Bus:
        """Open the bus, after closing the one that was open."""

    async def another(self) -> Bus:
        """Open one more bus on the same data, as another process would."""

    async def close(self) -> None: ...


class UrlEngine:
    """An engine reached by its address; `folder` is for the one that keeps files."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._open = AsyncExitStack()

    async def open(self) -> Bus:
        await self.close()
        return await self.another()

    async def another(self) -> Bus:
        return await self._open.enter_async_context(open_bus(self._url, folder=self._folder))

    async def close(self) -> None:
        await self._open.aclose()
        self._open = AsyncExitStack()


class Names:
    """Names of a test's own: a broker is shared by the whole session."""

    def __init__(self) -> None:
        self._tag = secrets.token_hex(4)

    def topic(self, name: str, *, partitions: int = 3) -> Topic:
        return Topic(f"{name}-{self._tag}", partitions=partitions)

    def group(self, name: str) -> str:
        return f"{name}-{self._tag}"


def numbered(keys: Sequence[str], each: int) -> list[Message]:
    """`each` messages for every key, told apart by number, the keys taking turns."""
    return [Message(key, f"{key}/{number}".encode()) for number in range(each) for key in keys]


async def take_until(
    subscription: Subscription,
    enough: Callable[[list[Record]], bool],
    *,
    commit: bool = True,
) -> list[Record]:
    """Take, and commit, until it is enough."""
    taken: list[Record] = []
    async with asyncio.timeout(PATIENCE):
        while not enough(taken):
            batch = await subscription.take(at_most=100, wait=STEP)
            for records in batch.values():
                taken.extend(records)
            if commit and batch:
                await subscription.commit(after(batch))
    return taken


async def take(subscription: Subscription, count: int, *, commit: bool = True) -> list[Record]:
    """Take, and commit, `count` records or more."""
    return await take_until(subscription, lambda taken: len(taken) >= count, commit=commit)


async def take_batch(
    subscription: Subscription, *, at_most: int = 100
) -> Mapping[Slot, Sequence[Record]]:
    """Take the first batch that is not empty, and commit nothing."""
    async with asyncio.timeout(PATIENCE):
        while not (batch := await subscription.take(at_most=at_most, wait=STEP)):
            pass
    return batch


async def read_until(reader: Reader, enough: Callable[[list[Record]], bool]) -> list[Record]:
    """Read until it is enough."""
    found: list[Record] = []
    async with asyncio.timeout(PATIENCE):
        while not enough(found):
            found.extend(await reader.read(wait=STEP))
    return found


def after(batch: Mapping[Slot, Sequence[Record]]) -> dict[Slot, int]:
    """Return what to commit when all of a batch was applied."""
    return {slot: records[-1].offset + 1 for slot, records in batch.items()}


def values_by_key(records: Sequence[Record]) -> dict[str, list[str]]:
    """Return the values of each key in the order they came."""
    found: dict[str, list[str]] = {}
    for record in records:
        found.setdefault(record.key, []).append(record.value.decode())
    return found
