"""`redress key`: credentials of machines."""

from typing import Annotated

import typer
from rich.table import Table

from redress.commands.options import AsJson, Key, Url, connect
from redress.commands.screen import console, day_time, print_json

PATH = "/desk/v1/keys"
SHOWN_SCOPES = 3


def keys_app() -> typer.Typer:
    """The commands under `redress key`."""
    app = typer.Typer(no_args_is_help=True)
    app.command("create")(create)
    app.command("list")(list_keys)
    app.command("revoke")(revoke)
    return app


def create(
    *,
    label: Annotated[str, typer.Option(help="What it is for, for people.")],
    scope: Annotated[list[str], typer.Option(help="What it may do, such as intake:write; repeat.")],
    unit: Annotated[str | None, typer.Option(help="It reaches this unit and those below.")] = None,
    channel: Annotated[str | None, typer.Option(help="What it posts came this way.")] = None,
    expires: Annotated[
        str | None, typer.Option(help="Until when, e.g. 2027-01-01T00:00+08:00; else for ever.")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Make a key. It is shown this once: only its hash is kept."""
    given = {"unit": unit, "channel": channel, "expires_at": expires}
    body = {
        "label": label,
        "scopes": scope,
        **{name: value for name, value in given.items() if value},
    }
    with connect(url, key) as client:
        made = client.post(PATH, body)
    if as_json:
        print_json(made)
        return
    out = console()
    out.print(f"[bold]{made['key']}[/]")
    out.print(f"  id      {made['id']}")
    out.print(f"  scopes  {', '.join(made['scopes'])}")
    out.print(f"  unit    {made['unit']}")
    out.print("Keep it now: it is not shown again.")


def list_keys(*, as_json: AsJson = False, url: Url = None, key: Key = None) -> None:
    """List keys, without their secrets."""
    with connect(url, key) as client:
        found = list(client.pages(PATH, limit=200))
    if as_json:
        for one in found:
            print_json(one)
        return
    table = Table("id", "label", "scopes", "unit", "channel", "state")
    for one in found:
        scopes = (
            ", ".join(one["scopes"])
            if len(one["scopes"]) <= SHOWN_SCOPES
            else f"{len(one['scopes'])} scopes"
        )
        table.add_row(
            one["id"], one["label"], scopes, one["unit"], one["channel"] or "-", _state(one)
        )
    console().print(table)


def revoke(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `key list` shows it.")],
    *,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Revoke a key; within five seconds nothing takes it any more. Again is harmless."""
    with connect(url, key) as client:
        one = client.post(f"{PATH}/{id_}/revoke", {})
    if as_json:
        print_json(one)
    else:
        console().print(f"{one['id']} ({one['label']}) is revoked.")


def _state(one: dict[str, str | None]) -> str:
    if one["revoked_at"]:
        return f"[red]revoked {day_time(one['revoked_at'])}[/]"
    return f"until {day_time(one['expires_at'])}" if one["expires_at"] else "[green]good[/]"
