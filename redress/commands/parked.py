"""`redress parked`: what could not be applied, and what to do about it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from redress.commands.options import AsJson, Key, Url, connect
from redress.commands.screen import console, day_time, print_json
from redress.commands.services import path_of, services_of
from redress.failure import PROBLEM, Failure, Problem, WrongUsage

if TYPE_CHECKING:
    from redress.client import Answer, Client

Service = Annotated[str, typer.Argument(help="Where it is parked.")]
Subject = Annotated[
    str, typer.Argument(help="Whose event or timer: the subject, or the complaint's number.")
]
Source = Annotated[
    str | None, typer.Option(help="Whose events, where several services' are parked of it.")
]
ERROR_SHOWN = 80


def parked_app() -> typer.Typer:
    """The commands under `redress parked`."""
    app = typer.Typer(no_args_is_help=True)
    app.command("list")(list_parked)
    app.command("show")(show)
    app.command("replay")(replay)
    app.command("drop")(drop)
    return app


def list_parked(
    service: Annotated[str | None, typer.Argument(help="Of which service; else of all.")] = None,
    *,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """List the keys and timers that wait for a person, by their first event."""
    with connect(url, key) as client:
        found = [
            {"service": name, **one}
            for name in services_of(client, service)
            for one in client.pages(path_of(name, "parked"), limit=200)
        ]
    if as_json:
        for one in found:
            print_json(one)
        return
    _print(found)


def show(
    service: Service,
    subject: Subject,
    *,
    source: Source = None,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Show one parked key: its events in order, as they came, each with its error."""
    with connect(url, key) as client:
        one = _the_one(client, service, subject, source)
        shown = client.get(path_of(service, f"parked/{one['id']}"))
    if as_json:
        print_json({"service": service, **shown})
        return
    _print([{"service": service, **shown}])
    for event in shown["contents"]:
        console().print(f"[bold]{event['sequence']}[/]  {escape(event['error'])}")
        print_json(event["event"])


def replay(
    service: Service,
    subject: Annotated[
        str | None, typer.Argument(help="The subject, or the complaint's number.")
    ] = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="Everything that is parked in the service.")
    ] = False,
    source: Source = None,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Try it again now, as after a fix. Exit 1 if something of it stays parked."""
    if (subject is None) != every:
        raise WrongUsage("say which: redress parked replay SERVICE SUBJECT, or --all.")
    stuck = 0
    with connect(url, key) as client:
        for one in _wanted(client, service, subject, source):
            result = _replay(client, service, one)
            stuck += result["left"]
            told = {
                "service": service,
                "source": one["source"],
                "subject": one["subject"],
                **result,
            }
            _tell(
                as_json,
                told,
                f"{one['subject']}: {result['applied']} applied, {result['left']} left",
            )
    if stuck:
        raise typer.Exit(PROBLEM)


def drop(
    service: Service,
    subject: Subject,
    *,
    sequence: Annotated[
        int, typer.Option(help="Which event: the number that `list` shows; 0 for a timer.")
    ],
    source: Source = None,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Do without one event (or timer) for good, and go on behind it. Again is harmless: it takes no other."""
    with connect(url, key) as client:
        one = _the_one(client, service, subject, source)
        if one["sequence"] != sequence:
            raise Failure(
                f"the first event parked of {subject} is {one['sequence']}, not {sequence}: "
                "it was dropped already, or another must be decided first."
            )
        result = client.post(path_of(service, f"parked/{one['id']}/drop"), {})
    told = {"service": service, "source": one["source"], "subject": one["subject"], **result}
    what = "dropped" if result["dropped"] else "not parked any more"
    _tell(
        as_json,
        told | {"sequence": sequence},
        f"{subject} {sequence}: {what}, {result['left']} left",
    )


def _wanted(
    client: "Client", service: str, subject: str | None, source: str | None
) -> "Iterator[Answer]":
    services_of(client, service)
    if subject is not None:
        return iter([_the_one(client, service, subject, source)])
    return client.pages(path_of(service, "parked"), limit=200)


def _the_one(client: "Client", service: str, subject: str, source: str | None) -> "Answer":
    """What is parked of a subject or number. Raises Failure where nothing is, WrongUsage where several are."""
    services_of(client, service)
    path = path_of(service, "parked")
    found = list(client.pages(path, limit=200, subject=subject)) or [
        one for one in client.pages(path, limit=200) if one["number"] == subject
    ]
    if source is not None:
        found = [one for one in found if one["source"].removeprefix("/redress/") == source]
    if not found:
        raise Failure(f"nothing of {subject} is parked in {service}: see `redress parked list`.")
    if len(found) > 1:
        there = ", ".join(one["source"].removeprefix("/redress/") or "timer" for one in found)
        raise WrongUsage(
            f"several things are parked of {subject}: name one with --source ({there})."
        )
    return found[0]


def _replay(client: "Client", service: str, one: "Answer") -> "Answer":
    try:
        return client.post(path_of(service, f"parked/{one['id']}/replay"), {})
    except Problem as problem:
        if problem.status != 404:  # noqa: PLR2004 - it was applied meanwhile
            raise
        return {"applied": 0, "left": 0}


def _tell(as_json: bool, told: object, text: str) -> None:  # noqa: FBT001 - the option
    if as_json:
        print_json(told)
    else:
        console().print(escape(text))


def _print(found: "list[Answer]") -> None:
    if not found:
        console().print("[green]Nothing is parked.[/]")
        return
    table = Table("service", "from", "subject", "first", "events", "what", "since", "error")
    for one in found:
        source = str(one["source"]).removeprefix("/redress/") or "timer"
        what = str(one["name"]).removeprefix("redress.")
        table.add_row(
            one["service"], escape(source), escape(one["number"] or one["subject"]), str(one["sequence"]),
            str(one["events"]), escape(what), day_time(one["at"]), escape(one["error"][:ERROR_SHOWN]),
        )  # fmt: skip
    console().print(table)
