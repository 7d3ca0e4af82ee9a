"""`redress packs`: look after the files that say how complaints are handled."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shared.packs.load import check as check_folder
from shared.packs.load import load_folder, shipped_folder
from shared.packs.located import PackError
from shared.packs.model import Pack

USAGE = 2
PROBLEM = 1


def packs_app() -> typer.Typer:
    """The commands under `redress packs`."""
    app = typer.Typer(help="Policy packs: check them.", no_args_is_help=True)
    app.callback()(_packs)
    app.command("check")(check)
    return app


def _packs() -> None:
    """Policy packs."""


def check(
    folder: Annotated[
        Path | None,
        typer.Argument(help="A folder of packs, or one pack; those shipped if not given."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Check packs and print everything that is wrong, with file, line, field and what to do."""
    path = (folder or shipped_folder()).resolve()
    if not path.is_dir():
        typer.echo(f"redress packs check: {path} is no folder: name one that holds packs", err=True)
        raise typer.Exit(USAGE)
    errors = check_folder(path)
    if as_json:
        for error in errors:
            typer.echo(json.dumps(asdict(error), ensure_ascii=False))
    elif errors:
        _print_errors(errors)
    else:
        _print_packs(path)
    if errors:
        raise typer.Exit(PROBLEM)


def _print_errors(errors: list[PackError]) -> None:
    for error in errors:
        typer.echo(str(error))
    typer.echo(f"{len(errors)} wrong", err=True)


def _print_packs(path: Path) -> None:
    one = any(path.glob("*.y*ml"))
    ids = [path.name] if one else sorted(child.name for child in path.iterdir() if _is_pack(child))
    table = Table("pack", "in force from", "categories", "cues", "clocks", "templates", "to verify")
    for name in ids:
        pack = load_folder(path.parent if one else path, name)
        table.add_row(
            pack.ref,
            pack.pack.in_force_from.isoformat(),
            str(len(pack.taxonomy)),
            str(len(pack.cues)),
            str(len(pack.clocks)),
            str(len(pack.templates)),
            ", ".join(to_verify(pack)) or "-",
        )
    Console().print(table)


def to_verify(pack: Pack) -> list[str]:
    """The names of clocks, cues, calendars, remedies and sources whose present text must be
    checked.
    """
    return [
        *(clock.name for clock in pack.clocks if clock.verify),
        *(cue.id for cue in pack.cues if cue.verify),
        *(calendar.id for calendar in pack.calendars if calendar.verify),
        *(remedy.code for remedy in pack.remedies if remedy.verify),
        *(source.id for source in pack.sources if source.verify),
    ]


def _is_pack(folder: Path) -> bool:
    return folder.is_dir() and not folder.name.startswith(".")
