"""`redress up`: run services."""

import asyncio
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from redress import __version__
from redress.commands.screen import console, own_command
from redress.failure import WrongUsage

TEST_CLOCK = "REDRESS_TEST_CLOCK"


def up(
    services: Annotated[
        list[str] | None, typer.Argument(help="Which to run; all when none is named.")
    ] = None,
    *,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="First bring topics and databases up to date.")
    ] = False,
) -> None:
    """Run all services in one process behind one port, or those named, until Ctrl-C or SIGTERM.

    Settings come from the environment, REDRESS_…: see docs/operate.md.
    """
    refuse_test_clock()
    from shared.collector import uncollected

    with uncollected():
        from redress import host
        from redress.commands.settings import naming, read_settings
        from shared.telemetry import configure_logs

    settings = read_settings()
    configure_logs(level=settings.log_level)

    def tell(url: str) -> None:
        _first_lines(url, data=settings.data)

    with naming(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(host.up(settings, services or [], with_migrations=migrate, on_ready=tell))


def refuse_test_clock() -> None:
    """Raise WrongUsage where the environment asks for a clock that only tests may set."""
    if os.environ.get(TEST_CLOCK):
        raise WrongUsage(
            f"{TEST_CLOCK} is set: it moves every deadline, so only tests may use it. Unset it."
        )


def _first_lines(url: str, *, data: Path) -> None:
    out, again = console(), own_command()
    if data != Path("data"):
        # The person's other terminal does not know what this process was told.
        again = f"REDRESS_DATA={shlex.quote(str(data))} {again}"
    out.print(f"[bold green]Redress {__version__}[/] is ready on [bold]{url}[/]")
    out.print(f"  keys and accounts  {data / 'first-run.json'}")
    out.print(f'  try now            [bold]{again} send "I was charged twice, please refund"[/]')
    out.print(f"  or                 [bold]{again} demo[/], and [bold]{again} watch[/] beside it")
    out.print("  stop               Ctrl-C")
    sys.stdout.flush()


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    try:
        import uvloop
    except ImportError:
        return None
    factory: type[asyncio.AbstractEventLoop] = uvloop.Loop
    return factory
