"""Named points at which a test may stop the world.

Nothing here reads a setting: only code outside the shipped packages (`chaos`) can install a hook, so a
production build has none.
"""

from collections.abc import Callable

_hook: Callable[[str], None] | None = None


def reach(point: str) -> None:
    """Say that `point` was reached. Does nothing unless a test installed a hook."""
    if _hook is not None:
        _hook(point)


def install(hook: Callable[[str], None] | None) -> None:
    """Set the hook of this process (tests only)."""
    global _hook  # noqa: PLW0603 - one process, one hook
    _hook = hook
