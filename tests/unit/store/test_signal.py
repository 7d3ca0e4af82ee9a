from __future__ import annotations

import asyncio

import pytest

from shared.store.signal import Signal


async def test_a_cancellation_that_comes_as_the_signal_is_set_is_not_lost() -> None:
    signal = Signal()
    waiting = asyncio.create_task(signal.wait(60))
    await asyncio.sleep(0)
    signal.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_what_is_set_before_the_wait_ends_it_and_the_next_waits_again() -> None:
    signal = Signal()
    signal.set()
    assert await signal.wait(60)
    assert not await signal.wait(0.001)
