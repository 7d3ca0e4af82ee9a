"""How often and after how long a request is sent again."""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """Waits double from `first` seconds to `longest`, each drawn between half of it and the whole, `times` times.

    What the server asks for in Retry-After is waited at least. `times` of 0 sends once.
    """

    times: int = 8
    first: float = 0.5
    longest: float = 30.0
    draw: Callable[[], float] = random.random

    def pause(self, failures: int, retry_after: float | None) -> float:
        """Seconds to wait after that many failures."""
        whole = min(self.longest, self.first * 2.0 ** (failures - 1))
        drawn: float = whole * (0.5 + self.draw() / 2)
        return drawn if retry_after is None else retry_after + drawn - whole / 2
