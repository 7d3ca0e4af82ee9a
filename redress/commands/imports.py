"""`redress import`: a file of complaints, of complaints of the past, or of customers; what was refused, by row."""

import json
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape

from redress.commands.options import AsJson, Key, Url, connect, language
from redress.commands.screen import console, print_json
from redress.failure import PROBLEM, Failure, NotReachable, WrongUsage

if TYPE_CHECKING:
    from redress.client import Client

PATH: Final = "/intake/v1/imports"
POLL_SECONDS: Final = 0.5
MOST_SHOWN: Final = 20


class Kind(StrEnum):
    """What a file holds."""

    complaints = "complaints"
    history = "history"
    customers = "customers"


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8 or GB18030), XLSX or JSON Lines.")],
    *,
    kind: Annotated[Kind, typer.Option(help="What it holds.")] = Kind.complaints,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", help="COLUMN=FIELD where names differ; COLUMN=- leaves it out."),
    ] = None,
    mapping: Annotated[str | None, typer.Option(help="A mapping kept by that name.")] = None,
    unit: Annotated[str | None, typer.Option(help="The part of the business it is for.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Only tell what would be refused.")] = False,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Bring a file in and follow it to its end. Again is safe: the same file is the same import.

    Exit 1 where rows were refused.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise WrongUsage(f"{file} cannot be read: {error.strerror}.") from error
    named = dict(_pair(one) for one in columns or [])
    with connect(url, key) as client:
        begun = client.post_file(
            PATH, raw, kind=kind.value, unit=unit, mapping=mapping,
            columns=json.dumps(named) if named else None, dry_run="true" if dry_run else None,
        )  # fmt: skip
        done = _followed(client, begun, quiet=as_json)
        refused = list(client.pages(f"{PATH}/{done['id']}/rows", limit=200))
    _show(done, refused, as_json=as_json)
    if done["state"] == "failed":
        raise Failure((done["detail"] or {}).get(language(), "The import failed."))
    if refused:
        raise typer.Exit(PROBLEM)


def _pair(text: str) -> tuple[str, str]:
    column, equals, field = text.rpartition("=")
    if not equals or not column:
        raise WrongUsage(f"--map {text!r}: write COLUMN=FIELD.")
    return column, field.strip() or "-"


def _followed(client: "Client", begun: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """The import once it is done; while the system is away, asked again."""
    shown, told = begun, -1
    out = console(stderr=True)
    while shown["state"] == "waiting":
        if not quiet and shown["done"] != told:
            told = shown["done"]
            out.print(f"{told} rows: {shown['taken']} taken, {shown['refused']} refused")
        time.sleep(POLL_SECONDS)
        try:
            shown = client.get(f"{PATH}/{begun['id']}")
        except NotReachable as error:
            out.print(f"[yellow]asked again: {escape(error.reason)}[/]")
    return shown


def _show(done: dict[str, Any], refused: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        for one in refused:
            print_json(one)
        print_json(done)
        return
    out = console()
    what = "would be taken" if done["is_dry"] else "taken"
    out.print(
        f"[bold]{done['done']}[/] rows: {done['taken']} {what}, {done['known']} known already, {done['refused']} refused"
    )
    name = "message_zh" if language() == "zh" else "message"
    for row in refused[:MOST_SHOWN]:
        said = "; ".join(
            f"{one['field']} {one.get(name) or one['message']}" for one in row["errors"]
        )
        out.print(f"  row {row['row']}: {escape(said)}")
    if len(refused) > MOST_SHOWN:
        out.print(f"  … and {len(refused) - MOST_SHOWN} more: --json has them all")
