"""`redress export`: everything a company owns, as files that anybody can read."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from redress.commands.options import AsJson, Key, Url, connect
from redress.commands.progress import telling
from redress.commands.screen import console, print_json
from redress.failure import PROBLEM


def export(
    folder: Annotated[Path, typer.Argument(help="An empty folder, or one to go on with.")],
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only hold the folder against its checksums.")
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Write complaints with their words and people, cases, events and files into a folder, in clear.

    What was broken off goes on where it was. Every look into the vault is recorded. Keep the folder safe.
    """
    from redress.export import Export, faults_of

    if not check:
        with connect(url, key) as client, telling(quiet=as_json) as tell:
            counts = Export(client, folder, tell=tell).run()
        if as_json:
            print_json({"folder": str(folder)} | counts)
        else:
            said = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
            console().print(f"[green]Exported[/] to [bold]{escape(str(folder))}[/]: {said}")
    faults = list(faults_of(folder))
    for one in faults:
        if as_json:
            print_json({"fault": one})
        else:
            console().print(f"[red]✗[/] {escape(one)}")
    if faults:
        raise typer.Exit(PROBLEM)
