"""What a long command is doing now: one changing line on a terminal, nothing elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from redress.commands.screen import console


@contextmanager
def telling(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A function that shows its text in place of what it showed before."""
    screen = console(stderr=True)
    if quiet or not screen.is_terminal:
        yield lambda _: None
        return
    with screen.status("") as status:
        yield lambda text: status.update(f"[dim]{text}[/]")
