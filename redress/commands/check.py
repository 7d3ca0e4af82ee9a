"""`redress check`: whether all is well."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import typer
from rich.table import Table

from redress.commands.options import AsJson, Key, Url, connect
from redress.commands.screen import console, print_json
from redress.commands.services import readiness
from redress.failure import PROBLEM

if TYPE_CHECKING:
    from redress.client import Client

WAITING, PARKED = "redress_outbox_waiting", "redress_parked_keys"
OK = 200
LONG_QUEUE = 1_000
"""More events than this waiting to be published mean that the log does not keep up or is away."""


class Finding(NamedTuple):
    """How one service is; figures are None where they are not told from here."""

    service: str
    wrong: tuple[str, ...]
    waiting: int | None
    parked: int | None

    @property
    def is_well(self) -> bool:
        return not self.wrong


def check(*, as_json: AsJson = False, url: Url = None, key: Key = None) -> None:
    """Ask every service whether it is ready, what waits and what is parked. Exit 1 if anything is wrong."""
    with connect(url, key) as client:
        findings = look(client)
    if as_json:
        for one in findings:
            print_json(one._asdict() | {"is_well": one.is_well})
    else:
        _print(client.url, findings)
    if not all(one.is_well for one in findings):
        raise typer.Exit(PROBLEM)


def look(client: "Client") -> list[Finding]:
    """How each service is. Raises NotReachable, or Failure when it is no Redress."""
    return [_finding(client, service, found) for service, found in readiness(client).items()]


def _finding(client: "Client", service: str, found: Mapping[str, str | None]) -> Finding:
    status, text = client.plain(f"/{service}/metrics")
    samples = figures(text, service) if status == OK else {}
    waiting, parked = samples.get(WAITING), samples.get(PARKED)
    wrong = [f"{name}: {what}" for name, what in found.items() if what]
    if waiting is not None and waiting > LONG_QUEUE:
        wrong.append(f"{waiting} events wait to be published: is the log away?")
    if parked:
        wrong.append(f"{parked} keys are parked: see `redress parked list`")
    return Finding(service, tuple(wrong), waiting, parked)


def figures(text: str, service: str) -> dict[str, int]:
    """Each gauge of one service, added up over its other labels."""
    from prometheus_client.parser import text_string_to_metric_families

    found: dict[str, int] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.labels.get("service") == service:
                found[sample.name] = found.get(sample.name, 0) + int(sample.value)
    return found


def _print(url: str, findings: list[Finding]) -> None:
    table = Table("service", "state", "waiting", "parked", title=url, title_justify="left")
    for one in findings:
        state = "[green]ready[/]" if one.is_well else "[red]" + "\n".join(one.wrong) + "[/]"
        table.add_row(one.service, state, _shown(one.waiting), _shown(one.parked))
    console().print(table)
    wrong: list[Any] = [one.service for one in findings if not one.is_well]
    console().print(f"[red]Not well: {', '.join(wrong)}.[/]" if wrong else "[green]All is well.[/]")


def _shown(figure: int | None) -> str:
    return "-" if figure is None else str(figure)
