"""What stands before each provider: so many at once, so many a second, and none while it fails.

A provider that hangs fills its own places; whoever comes then is sent away at once, so that no other channel waits.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from services.notify.model import Result, Traits
from services.notify.policy.breaker import Breaker
from shared.errors import Transient

SLOW: Final = timedelta(seconds=2)
"""A place that is taken for so long says that the provider hangs."""
BUSY: Final = timedelta(seconds=2)


class Busy(Transient):
    """Not now: the attempt was not made, and does not count."""

    def __init__(self, why: str, wait: timedelta) -> None:
        super().__init__(why)
        self.wait = wait


class Gate:
    """One provider's."""

    def __init__(self, traits: Traits, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._free = asyncio.Semaphore(traits.at_once)
        self._step = timedelta(seconds=1 / traits.rate) if traits.rate else None
        self._next: datetime | None = None
        self._since: list[float] = []
        self.breaker = Breaker()
        self.is_closed = False
        """Set by a stop: who holds a place may end, nobody gets one."""

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """Hold a place. Raises Busy where there is none within a moment."""
        self._must_work()
        now = asyncio.get_running_loop().time()
        if self._free.locked() and self._since and now - self._since[0] > SLOW.total_seconds():
            raise Busy("the provider hangs", BUSY)
        async with self._free:
            self._must_work()
            self._must_be_slow_enough()
            began = asyncio.get_running_loop().time()
            self._since.append(began)
            try:
                yield
            finally:
                self._since.remove(began)

    def _must_work(self) -> None:
        if self.is_closed:
            raise Busy("the process stops", timedelta())
        wait = self.breaker.waits_for(self._clock())
        if wait is not None:
            raise Busy("the provider fails", wait)
        if self.breaker.is_open and self._since:
            raise Busy("one attempt shows first whether the provider works again", BUSY)

    def _must_be_slow_enough(self) -> None:
        if self._step is None:
            return
        now = self._clock()
        if self._next is not None and now < self._next:
            raise Busy("the provider takes no more within a second", self._next - now)
        self._next = now + self._step

    def ended(self, result: Result) -> None:
        """Tell what came of an attempt."""
        self.breaker = self.breaker.after(result, now=self._clock())
