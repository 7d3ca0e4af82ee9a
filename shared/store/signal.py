"""A wake-up between tasks of one process. Only a hint: whoever waits also polls."""

import asyncio


class Signal:
    """Set by many, waited for by one."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the waiter, now or at its next wait."""
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Wait until set, at most so long; says whether it was."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return False
        self._event.clear()
        return True
