"""A wake-up between tasks of one process. Only a hint: whoever waits also polls."""

import asyncio


class Signal:
    """Set by many; waited for by one (`wait`), or by many at once (`wait_shared`)."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._round = asyncio.Event()

    @property
    def is_set(self) -> bool:
        """Whether it was set and nobody has waited for it since."""
        return self._event.is_set()

    def set(self) -> None:
        """Wake the waiters, now or at the next `wait`."""
        self._event.set()
        finished, self._round = self._round, asyncio.Event()
        finished.set()

    async def wait(self, seconds: float) -> bool:
        """Wait until set, at most so long; says whether it was."""
        # Not wait_for: on Python 3.11 it loses a cancellation that comes as the event is set.
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True

    async def wait_shared(self, seconds: float) -> bool:
        """Wait until it is set from now on, at most so long; says whether it was."""
        try:
            async with asyncio.timeout(seconds):
                await self._round.wait()
        except TimeoutError:
            return False
        return True
