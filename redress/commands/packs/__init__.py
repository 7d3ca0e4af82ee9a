"""`redress packs`: look after the files that say how complaints are handled, and put them in force."""

import typer

from redress.commands.packs.check import check
from redress.commands.packs.diff import diff
from redress.commands.packs.force import add, back, history, list_, use
from redress.commands.packs.new import new


def packs_app() -> typer.Typer:
    """The commands under `redress packs`."""
    app = typer.Typer(
        help="Policy packs: make, check, compare, put in force.", no_args_is_help=True
    )
    app.callback()(_packs)
    for command in (new, check, diff, add, use, back, list_, history):
        app.command(command.__name__.rstrip("_"))(command)
    return app


def _packs() -> None:
    """Policy packs."""
