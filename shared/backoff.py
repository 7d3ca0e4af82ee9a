"""How long to wait while a database or the log is away."""

from typing import Final

PAUSES: Final = (0.1, 0.25, 0.5, 1.0)


def pause_after(failures: int) -> float:
    """Seconds to wait after so many failures in a row (from 0): short, as a complaint's way has several such waits."""
    return PAUSES[min(failures, len(PAUSES) - 1)]
