"""`redress watch`: what happens, live."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from redress.commands.options import AsJson, Key, Url, checked_number, connect, language
from redress.commands.screen import clock_time, console, print_json
from redress.failure import NotReachable

if TYPE_CHECKING:
    from redress.client import Answer, Client, Said

PATH = "/notify/v1/events"
PAUSES = (0.5, 1.0, 2.0, 5.0)


def watch(
    number: Annotated[
        str | None, typer.Argument(help="Only this complaint, from its beginning.")
    ] = None,
    *,
    after: Annotated[
        str | None, typer.Option(help="now, beginning or a cursor; a number's default: beginning.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Go on until Ctrl-C, or stop at the end.")
    ] = True,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Follow what happens, a line an event, until Ctrl-C. It waits while the system is away."""
    wanted = checked_number(number) if number else None
    start = after or ("beginning" if wanted or not follow else "now")
    with connect(url, key) as client:
        events = _follow(client, start, wanted) if follow else stored(client, start, wanted)
        if as_json:
            for event in events:
                print_json(event)
            return
        if follow:
            console(stderr=True).print(f"[dim]watching {client.url}; Ctrl-C ends it[/]")
        _print(client, events)


def _print(client: "Client", events: Iterator["Answer"]) -> None:
    from rich.markup import escape

    from redress.commands.telling import Teller

    out, teller = console(), Teller(language(), names_of(client))
    for event in events:
        number = (event.get("data") or {}).get("number") or event["subject"]
        line = teller.tell(event)
        text = f"[{line.style}]{escape(line.text)}[/]" if line.style else escape(line.text)
        out.print(f"[dim]{clock_time(event['time'])}[/]  [bold blue]{number}[/]  {text}")


def stored(client: "Client", start: str, number: str | None) -> Iterator["Answer"]:
    """The events that are there, from `start` to the end."""
    while True:
        page = client.get(PATH, after=start, number=number, limit=200)
        if not page["items"]:
            return
        yield from page["items"]
        start = page["next"]


def names_of(client: "Client") -> dict[str, str]:
    """What accounts are called, by id; none where the key may not read them."""
    from redress.failure import Problem

    try:
        return {one["id"]: one["display"] for one in client.pages("/desk/v1/accounts", limit=200)}
    except Problem:
        return {}


def _follow(client: "Client", start: str, number: str | None) -> Iterator["Answer"]:
    """Events for ever: a stream that ends is opened again after the last event that came.

    Raises NotReachable only where nothing answers at the beginning.
    """
    if start == "now":
        # A cursor, so that nothing is missed when the stream is opened again.
        start = client.get(PATH, after="now", number=number, limit=1)["next"]
    else:
        client.get(PATH, after=start, number=number, limit=1)
    failures, is_away = 0, False
    while True:
        try:
            said: Said
            for said in client.stream(PATH, after=start, number=number):
                start, failures = said.cursor or start, 0
                yield said.event
            is_away = False
        except NotReachable as error:
            if not is_away:
                console(stderr=True).print(f"[yellow]away ({error.reason}); waiting[/]")
            is_away = True
        # A stream also ends when a rights change or a restart asks readers to come again.
        time.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
        failures += 1
