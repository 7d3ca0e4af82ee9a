"""`redress rebuild`: read models made anew."""

import time
from typing import Annotated

import typer

from redress.commands.options import AsJson, Key, Url, connect
from redress.commands.progress import telling
from redress.commands.screen import console, print_json
from redress.commands.services import path_of, services_of
from redress.failure import NotReachable

POLL_SECONDS = 1.0


def rebuild(
    service: Annotated[
        str,
        typer.Argument(
            help="Whose read models: notify's is the event feed, followup's the search."
        ),
    ],
    *,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Make what a service keeps only to show it anew, from the events in the log.

    It says nothing and sends nothing again. Meanwhile the service applies no new events; readers of
    the feed meet events again, under new cursors. It goes on by itself if this command is broken off.
    """
    with connect(url, key) as client, telling(quiet=as_json) as tell:
        services_of(client, service)
        path = path_of(service, "rebuild")
        at = client.post(path, {})
        while at["is_rebuilding"]:
            tell(f"{service}: {at['done']} of {at['of']} events")
            time.sleep(POLL_SECONDS)
            try:
                at = client.get(path)
            except NotReachable as error:
                tell(f"{service}: {error.reason}; waiting")
    if as_json:
        print_json({"service": service, "events": at["of"]})
    else:
        console().print(f"[green]Rebuilt[/] {service}, of {at['of']} events.")
