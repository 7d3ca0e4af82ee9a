"""`redress packs check`: what is wrong with packs, and what stands in good ones."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from redress.commands.screen import console, print_json
from redress.failure import PROBLEM, USAGE
from shared.packs.load import check as check_folder
from shared.packs.load import load_folder, shipped_folder
from shared.packs.located import PackError
from shared.packs.model import Pack

Folder = Annotated[
    Path | None,
    typer.Argument(help="A folder of packs, or one pack; those shipped if not given."),
]


def check(
    folder: Folder = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Check packs and print everything that is wrong, with file, line, field and what to do."""
    path = folder_of(folder, command="packs check")
    errors = check_folder(path)
    if as_json:
        for error in errors:
            typer.echo(json.dumps(asdict(error), ensure_ascii=False))
    elif errors:
        _print_errors(errors)
    if errors:
        raise typer.Exit(PROBLEM)
    packs = packs_in(path)
    if as_json:
        for pack in packs:
            print_json(_in_figures(pack))
    else:
        _print_packs(packs)


def folder_of(folder: Path | None, *, command: str) -> Path:
    """The folder named, or that of the shipped packs. Exits with USAGE where there is none."""
    path = (folder or shipped_folder()).resolve()
    if not path.is_dir():
        typer.echo(f"redress {command}: {path} is no folder: name one that holds packs", err=True)
        raise typer.Exit(USAGE)
    return path


def _print_errors(errors: list[PackError]) -> None:
    for error in errors:
        typer.echo(str(error))
    typer.echo(f"{len(errors)} wrong", err=True)


def packs_in(path: Path) -> list[Pack]:
    """The packs in a folder, or the one that it is."""
    if any(path.glob("*.y*ml")):
        return [load_folder(path.parent, path.name)]
    return [load_folder(path, child.name) for child in sorted(path.iterdir()) if _is_pack(child)]


def _in_figures(pack: Pack) -> dict[str, object]:
    return {
        "pack": pack.ref,
        "in_force_from": pack.pack.in_force_from.isoformat(),
        "categories": len(pack.taxonomy),
        "cues": len(pack.cues),
        "clocks": len(pack.clocks),
        "templates": len(pack.templates),
        "to_verify": to_verify(pack),
    }


def _print_packs(packs: list[Pack]) -> None:
    table = Table("pack", "in force from", "categories", "cues", "clocks", "templates")
    for pack in packs:
        figures = list(_in_figures(pack).values())[:-1]
        table.add_row(*(str(figure) for figure in figures))
    out = console()
    out.print(table)
    for pack in packs:
        if names := to_verify(pack):
            out.print(f"{pack.ref}: check against the present text: {', '.join(names)}")


def to_verify(pack: Pack) -> list[str]:
    """The names of clocks, cues, calendars, hints, remedies and sources whose present text must be
    checked.
    """
    return [
        *(clock.name for clock in pack.clocks if clock.verify),
        *(cue.id for cue in pack.cues if cue.verify),
        *(calendar.id for calendar in pack.calendars if calendar.verify),
        *(hint.id for hint in pack.hints if hint.verify),
        *(remedy.code for remedy in pack.remedies if remedy.verify),
        *(source.id for source in pack.sources if source.verify),
    ]


def _is_pack(folder: Path) -> bool:
    return folder.is_dir() and not folder.name.startswith(".")
