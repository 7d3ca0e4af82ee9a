"""`redress packs new`: begin a pack of one's own."""

import re
from pathlib import Path
from typing import Annotated

import typer

from redress.commands.options import AsJson, Key, Url
from redress.commands.packs.named import named_pack
from redress.commands.screen import console, print_json
from redress.failure import WrongUsage

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def new(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Small letters, digits, - and _.")],
    *,
    inherits: Annotated[
        str, typer.Option(help="What it is laid over: generic, power, … or P@V.")
    ] = "generic",
    into: Annotated[Path, typer.Option(help="The folder to make it in.")] = Path(),
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Make the folder of a pack that loads as it is and says what to fill in, with an example of each part."""
    from shared.clock import SystemClock
    from shared.packs.scaffold import scaffold

    if not _ID.fullmatch(id_):
        raise WrongUsage(f"{id_!r} is no id: small letters, digits, - and _, 40 at most.")
    folder = into / id_
    if folder.exists():
        raise WrongUsage(f"{folder} exists: choose another id, or --into another folder.")
    parent = named_pack(inherits, url=url, key=key)
    files = scaffold(id_, parent=parent, day=SystemClock().now().date())
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    if as_json:
        print_json({"folder": str(folder), "inherits": parent.ref, "files": list(files)})
        return
    out = console()
    out.print(f"[bold]{folder}[/] is laid over {parent.ref}: {', '.join(files)}")
    out.print(f"Fill it in, then: redress packs check {folder}")
    out.print(f"                  redress packs diff {inherits} {folder}")
