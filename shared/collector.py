"""Python's collector of cycles, as services need it: a batch makes many objects, hardly any of them in cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

YOUNG: Final = 50_000
"""New objects between two looks for cycles. Python's own 700 looks again and again at what a batch needs to its end."""


def calm_collector() -> None:
    """Leave everything that is there now out of later collections, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)


@contextmanager
def uncollected() -> Iterator[None]:
    """Import without looking for cycles, a fifth of the time: what modules make stays to the end."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
