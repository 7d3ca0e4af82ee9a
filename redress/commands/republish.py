"""`redress republish`: send again what the log should have."""

import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from redress.commands.options import AsJson, Key, Url, connect
from redress.commands.screen import console, print_json
from redress.commands.services import path_of, services_of
from redress.failure import NotReachable, WrongUsage

if TYPE_CHECKING:
    from redress.client import Client

PAUSE = 0.2
STEP_TRIES = 20


def republish(
    *,
    since: Annotated[
        str | None, typer.Option(help="What was said since then, e.g. 2026-03-01T00:00+08:00.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Everything that is kept: the last 7 days.")
    ] = False,
    service: Annotated[str | None, typer.Option(help="Of one service; else of all.")] = None,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Send published events again, in order, as after the log lost some. Readers drop what they have.

    What is said meanwhile waits its turn. If this command is broken off, run it again.
    """
    asked = _asked(since, every=every)
    with connect(url, key) as client:
        for name in services_of(client, service):
            rows = _republish(client, name, asked)
            if as_json:
                print_json({"service": name, "events": rows})
            else:
                console().print(f"{name}: {rows} events sent again")


def _asked(since: str | None, *, every: bool) -> dict[str, object]:
    if (since is None) != every:
        raise WrongUsage("say what: --since TIME, or --all.")
    if since is None:
        return {"all": True}
    try:
        at = datetime.fromisoformat(since)
    except ValueError as error:
        raise WrongUsage(f"{since!r} is no time: write it as 2026-03-01T00:00+08:00.") from error
    return {"since": at.astimezone().isoformat()}


def _republish(client: "Client", service: str, asked: dict[str, object]) -> int:
    from shared.ids import new_id

    rows, failures = 0, 0
    after: int | None = 0
    body = asked | {"owner": f"republish-{new_id()}"}
    while after is not None:
        try:
            step = client.post(path_of(service, "republish"), body | {"after": after})
        except NotReachable:
            failures += 1
            if failures == STEP_TRIES:
                raise
            time.sleep(1)
            continue
        rows, after, failures = rows + step["rows"], step["after"], 0
        if step["waiting"]:
            time.sleep(PAUSE)
    return rows
