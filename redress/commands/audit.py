"""`redress audit`: whether the record of cases is as it was sealed."""

from typing import TYPE_CHECKING, Any

import typer

from redress.commands.options import AsJson, Key, Url, connect
from redress.commands.screen import console, print_json
from redress.failure import PROBLEM

if TYPE_CHECKING:
    from redress.client import Answer, Client

CASES = "/followup/v1/audit/cases"
DAYS = "/followup/v1/audit/days"


def audit_app() -> typer.Typer:
    """The commands under `redress audit`."""
    app = typer.Typer(no_args_is_help=True)
    app.callback()(lambda: None)
    app.command("verify")(verify)
    return app


def verify(*, as_json: AsJson = False, url: Url = None, key: Key = None) -> None:
    """Hold every case's record, and the days, against their seals.

    Exit 1 names the first entry that was altered, removed or slipped in.
    """
    with connect(url, key) as client:
        found = check(client)
    if as_json:
        print_json(found)
    else:
        _print(found)
    if found["broken"] or found["broken_day"]:
        raise typer.Exit(PROBLEM)


def check(client: "Client") -> "Answer":
    """Ask for page after page until all were checked, or one is broken."""
    cases = links = 0
    query: dict[str, Any] = {}
    while True:
        page = client.get(CASES, **query)
        cases, links = cases + page["checked"], links + page["links"]
        if page["broken"] or page["next"] is None:
            break
        query = {"after": page["next"]}
    days = client.get(DAYS)
    return {
        "cases": cases,
        "entries": links,
        "broken": page["broken"],
        "days": days["days"],
        "until": days["until"],
        "broken_day": days["broken"],
    }


def _print(found: "Answer") -> None:
    out = console()
    out.print(f"{found['cases']} cases, {found['entries']} entries, {found['days']} days sealed")
    if broken := found["broken"]:
        out.print(
            f"[red]case {broken['number']}: entry {broken['link']} ({broken['what']}): {broken['why']}[/]",
        )
    if day := found["broken_day"]:
        out.print(f"[red]{day}: the records of that day are not those that were sealed[/]")
    if not (found["broken"] or found["broken_day"]):
        out.print("[green]Every record is as it was sealed.[/]")
