"""`redress lag`: what waits where."""

from typing import TYPE_CHECKING

from rich.table import Table

from redress.commands.options import AsJson, Key, Url, connect
from redress.commands.screen import console, print_json
from redress.commands.services import path_of, services_of

if TYPE_CHECKING:
    from redress.client import Answer


def lag(*, as_json: AsJson = False, url: Url = None, key: Key = None) -> None:
    """Tell what waits: events to be published and to be applied, parked keys, overdue timers."""
    with connect(url, key) as client:
        found = [client.get(path_of(name, "lag")) for name in services_of(client, None)]
    if as_json:
        for one in found:
            print_json(one)
        return
    table = Table("service", "to publish", "to apply", "parked", "overdue timers", "held")
    for one in found:
        table.add_row(
            one["service"], str(one["outbox_waiting"]), _to_apply(one),
            str(one["parked"] + one["timers_parked"]), str(one["timers_overdue"]), _held(one),
        )  # fmt: skip
    console().print(table)


def _to_apply(one: "Answer") -> str:
    if one["lag"] is None:
        return "[red]the log is away[/]"
    behind = {topic: lag for topic, lag in one["lag"].items() if lag}
    return "\n".join(f"{topic}: {lag}" for topic, lag in behind.items()) or "0"


def _held(one: "Answer") -> str:
    held = [
        name
        for name, is_so in (("paused", one["is_paused"]), ("rebuilding", one["is_rebuilding"]))
        if is_so
    ]
    return ", ".join(held) or "-"
