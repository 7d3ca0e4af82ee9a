"""`redress backup` and `redress restore`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from redress.commands.options import AsJson, Key, Url, connect
from redress.commands.progress import telling
from redress.commands.screen import console, print_json
from redress.commands.up import refuse_test_clock
from redress.failure import Failure, WrongUsage

SECRETS = "Not in it: the three secrets and first-run.json. Keep them apart; without the vault key it is of no use."


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    *,
    wait: Annotated[
        float, typer.Option(min=1, help="Seconds the system may take to come to rest.")
    ] = 120.0,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Write all services' databases, files and topics, as of one moment, into one file.

    The system runs on; for some seconds requests that write get 503 with Retry-After. Run it where
    REDRESS_DATA, REDRESS_DATABASE and REDRESS_BUS are those of the system.
    """
    refuse_test_clock()
    from redress.backup import back_up
    from redress.commands.settings import naming, read_settings

    if file.exists() and not force:
        raise WrongUsage(f"{file} is there already: name another, or say --force.")
    settings = read_settings()
    with naming(), connect(url, key) as client, telling(quiet=as_json) as tell:
        taken = asyncio.run(back_up(settings, client, file, wait=wait, tell=tell))
    told = {"file": str(file), "bytes": taken.size, "held_seconds": round(taken.held_seconds, 2)}
    if as_json:
        print_json(told | {"lines": dict(taken.lines)})
        return
    out = console()
    out.print(f"[green]Backed up[/] to [bold]{file}[/], {taken.size / 1e6:.1f} MB")
    out.print(f"  lines  {sum(taken.lines.values())} in {len(taken.lines)} tables and topics")
    out.print(f"  held   {taken.held_seconds:.1f} s")
    out.print(SECRETS)


def restore(
    file: Annotated[Path, typer.Argument(help="The backup.", exists=True, dir_okay=False)],
    *,
    as_json: AsJson = False,
) -> None:
    """Put a backup into an empty system, on the same engines as it came from or on others.

    No service may run. Databases and topics must be new; the secrets must be those of the system
    that was backed up. Afterwards start it as always.
    """
    refuse_test_clock()
    from redress.archive import Archive, BadArchive
    from redress.commands.settings import naming, read_settings
    from redress.restore import restore as put_back
    from shared.store.copy import NotEmpty

    settings = read_settings()
    try:
        with naming(), telling(quiet=as_json) as tell, Archive(file) as archive:
            put = asyncio.run(put_back(settings, archive, tell=tell))
    except (BadArchive, NotEmpty) as error:
        raise Failure(str(error)) from error
    if as_json:
        print_json({"file": str(file), "rows": put.rows, "events": put.events, "files": put.files})
        return
    out = console()
    out.print(f"[green]Restored[/] {put.rows} rows, {put.events} events, {put.files} files.")
    out.print("Start it with the keys and accounts it had: redress up")
