"""`redress templates`: whether messages can be written, and how they sound."""

import json
from typing import Annotated

import typer

from redress.commands.packs.check import Folder, folder_of, packs_in
from redress.failure import PROBLEM
from shared.packs.lints import Remark, remarks
from shared.packs.load import check as check_folder


def templates_app() -> typer.Typer:
    """The commands under `redress templates`."""
    app = typer.Typer(
        help="Messages: whether they can be written, and how they sound.", no_args_is_help=True
    )
    app.callback()(_templates)
    app.command("check")(check)
    return app


def _templates() -> None:
    """Messages."""


def check(
    folder: Folder = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Check every message: its variables, cold or blaming words, jargon, length; with template, line and what to do."""
    path = folder_of(folder, command="templates check")
    if errors := check_folder(path):
        for error in errors:
            typer.echo(str(error), err=True)
        raise typer.Exit(PROBLEM)
    packs = packs_in(path)
    # What a pack inherits is said once.
    found = dict.fromkeys(one for pack in packs for one in remarks(pack))
    for one in found:
        typer.echo(json.dumps(one._asdict(), ensure_ascii=False) if as_json else in_words(one))
    if found:
        raise typer.Exit(PROBLEM)
    if not as_json:
        count = len({template.id for pack in packs for template in pack.templates})
        typer.echo(f"{count} templates in {len(packs)} packs, nothing to remark")


def in_words(remark: Remark) -> str:
    """A remark as a line."""
    place = f"{remark.template}, {remark.language}, {remark.part}"
    line = f", line {remark.line}" if remark.line else ""
    return f"{place}{line}: {remark.message}. {remark.advice}"
