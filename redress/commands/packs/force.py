"""`redress packs add|use|back|list|history`: the packs of a running system."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from redress.commands.options import AsJson, Key, Url, connect
from redress.commands.packs.named import PATH
from redress.commands.screen import console, day_time, print_json
from redress.failure import PROBLEM, Failure, Problem, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_FORCE = "/desk/v1/in-force"
CHANGES = "/desk/v1/pack-changes"
ROOT = "root"

Reason = Annotated[str, typer.Option(help="Why; it is kept with your name.")]
Unit = Annotated[str, typer.Option(help="The unit, and those below it; else the root.")]


def add(
    folder: Annotated[Path, typer.Argument(help="The folder of the pack.")],
    *,
    reason: Reason = "",
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Give a version of a pack to the running system, which checks it. It judges nobody yet: see `use`."""
    body = {"folder": folder.resolve().name, "files": files_of(folder), "reason": reason}
    with connect(url, key) as client:
        try:
            made = client.post(PATH, body)
        except Problem as problem:
            _tell(problem, as_json=as_json)
            raise typer.Exit(PROBLEM) from problem
    if as_json:
        print_json(made)
        return
    ref, out = f"{made['pack']}@{made['version']}", console()
    out.print(
        f"Added: {', '.join(made['added'])}." if made["added"] else f"{ref} was there already."
    )
    out.print(f'It judges nobody yet: redress packs use {ref} --reason "…"')


def files_of(folder: Path) -> "Mapping[str, str]":
    """The files of a pack, to be sent. Raises WrongUsage or Failure."""
    from shared.packs.load import files_in
    from shared.packs.located import PackInvalid

    try:
        return {name: text.decode() for name, text in files_in(folder).items()}
    except PackInvalid as error:
        raise WrongUsage(str(error)) from error
    except UnicodeDecodeError as error:
        raise Failure(
            f"a file of {folder} is not UTF-8: see redress packs check {folder}"
        ) from error


def _tell(problem: Problem, *, as_json: bool) -> None:
    found = problem.document.get("pack_errors")
    if not isinstance(found, list):
        raise problem
    for one in found:
        if as_json:
            print_json(one)
        else:
            typer.echo(
                f"{one['file']}:{one['line']}: {one['field']}: {one['message']}. {one['advice']}"
            )
    typer.echo(f"{len(found)} wrong; nothing was changed", err=True)


def use(
    ref: Annotated[str, typer.Argument(metavar="P@V", help="The version, such as power@1.0.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; it is kept with your name.")],
    unit: Unit = ROOT,
    since: Annotated[
        str | None, typer.Option(help="From when, e.g. 2027-01-01T00:00+08:00; else now.")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Judge a unit by a version, from now on or later. Open cases keep the version they were opened by."""
    pack, _, version = ref.partition("@")
    if not version:
        raise WrongUsage(
            f"{ref!r} names no version: write it as P@V; redress packs list shows them."
        )
    body = {"pack": pack, "version": version, "since": since, "reason": reason}
    with connect(url, key) as client:
        said = client.put(f"{IN_FORCE}/{unit}", body)
    _print_said(said, as_json=as_json)


def back(
    *,
    reason: Annotated[str, typer.Option(help="Why; it is kept with your name.")],
    unit: Unit = ROOT,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Put back the version that judged a unit before the present one."""
    with connect(url, key) as client:
        said = client.post(f"{IN_FORCE}/{unit}/back", {"reason": reason})
    _print_said(said, as_json=as_json)


def _print_said(said: "Mapping[str, Any]", *, as_json: bool) -> None:
    if as_json:
        print_json(said)
        return
    ref = f"{said['pack']}@{said['version']}"
    console().print(
        f"[bold]{said['unit']}[/] is judged by [bold]{ref}[/] from {day_time(said['since'])} on."
    )


def list_(*, as_json: AsJson = False, url: Url = None, key: Key = None) -> None:
    """List versions, and what is in force where."""
    with connect(url, key) as client:
        versions = list(client.pages(PATH, limit=200))
        in_force = list(client.pages(IN_FORCE, limit=200))
    if as_json:
        for one in versions:
            print_json(one)
        return
    table = Table("pack", "inherits", "added", "judges")
    for one in versions:
        ref = f"{one['pack']}@{one['version']}"
        table.add_row(ref, one["inherits"] or "-", day_time(one["added_at"]), _where(ref, in_force))
    console().print(table)


def _where(ref: str, in_force: "list[dict[str, Any]]") -> str:
    told = []
    for one in in_force:
        if f"{one['pack']}@{one['version']}" == ref:
            later = f" from {day_time(one['since'])}" if one["state"] == "later" else ""
            told.append(f"[bold]{one['unit']}[/]{later}")
    return ", ".join(told) or "-"


def history(
    pack: Annotated[str | None, typer.Argument(help="Of this pack alone.")] = None,
    *,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Tell who changed packs, when, and why; the newest first."""
    with connect(url, key) as client:
        found = list(client.pages(CHANGES, pack=pack, limit=200))
    if as_json:
        for one in found:
            print_json(one)
        return
    table = Table("when", "who", "what", "unit", "pack", "before", "why")
    for one in found:
        what, ref = one["action"].replace("_", " "), f"{one['pack']}@{one['version']}"
        table.add_row(
            day_time(one["at"]),
            one["by"],
            what,
            one["unit"],
            ref,
            one["was"] or "-",
            escape(one["reason"]),
        )
    console().print(table)
