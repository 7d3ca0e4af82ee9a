"""`redress doctor`: what is wrong, and which command mends it."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import typer
from rich.markup import escape

from redress.commands.options import AsJson, Key, Url, connect
from redress.commands.screen import console, print_json
from redress.commands.services import path_of, readiness
from redress.failure import PROBLEM, UNREACHABLE, Failure, NotReachable, Problem

if TYPE_CHECKING:
    from redress.client import Answer, Client
    from shared.service import AnyService
    from shared.settings import Settings

LONG_QUEUE = 1_000
LEAST_FREE = 0.05


class Finding(NamedTuple):
    """One thing that is wrong: where, what, and what to do."""

    where: str
    what: str
    mend: str


def doctor(*, as_json: AsJson = False, url: Url = None, key: Key = None) -> None:
    """Look at everything there is to see and say what is wrong, and what mends it.

    Where nothing answers it looks at what this machine has: settings, data folder, databases, log.
    Exit 0 if all is well, 1 if something is wrong, 3 if nothing answers.
    """
    code = 0
    with connect(url, key) as client:
        try:
            found = list(_of_system(client))
        except NotReachable as error:
            code = UNREACHABLE
            found = [Finding(client.url, error.reason, "redress up"), *_of_machine()]
    _print(found, as_json=as_json)
    if found:
        raise typer.Exit(code or PROBLEM)


def _of_system(client: "Client") -> Iterator[Finding]:
    for service, checks in readiness(client).items():
        for name, wrong in checks.items():
            if wrong:
                yield Finding(service, f"{name}: {wrong}", _mend_of(name))
        try:
            figures = client.get(path_of(service, "lag"))
        except Problem as problem:
            yield Finding(service, str(problem), "use the operator's key: --key or REDRESS_KEY")
        except NotReachable as error:
            yield Finding(service, error.reason, "look at its log, start what it names")
        else:
            yield from _of_figures(service, figures)


def _mend_of(check: str) -> str:
    return {
        "database": "start the database, or correct REDRESS_DATABASE",
        "policy": "redress migrate; if the log is away, start it",
        "progress": "start the database or the log; see redress lag",
        "packs": "upgrade this service, or redress packs use another version; redress packs list shows them",
    }.get(check, "look at the log of the service")


def _of_figures(service: str, figures: "Answer") -> Iterator[Finding]:
    """What the figures of one service say is wrong."""
    behind = sum((figures["lag"] or {}).values())
    parked = figures["parked"] + figures["timers_parked"]
    rules = (
        (figures["lag"] is None, "the log is away", "start it, or correct REDRESS_BUS"),
        (parked, f"{parked} keys or timers are parked", f"redress parked list {service}"),
        (figures["outbox_refused"], f"the log refuses {figures['outbox_refused']} events: their subjects wait",
         "raise the topic's max.message.bytes; the error stands in the service's log"),
        (figures["outbox_waiting"] > LONG_QUEUE, f"{figures['outbox_waiting']} events wait to be published",
         "start the log; redress lag"),
        (behind > LONG_QUEUE, f"{behind} events wait to be applied", f"redress lag; more replicas of {service}"),
        (figures["timers_overdue"] > LONG_QUEUE, f"{figures['timers_overdue']} timers are overdue",
         f"redress lag; more replicas of {service}"),
        (figures["is_paused"], "it is paused: requests that write get 503",
         "nothing: a backup runs, or it ends by itself within 15 s"),
        (figures["is_rebuilding"], "a read model is being rebuilt: nothing is applied meanwhile",
         f"nothing: it ends by itself; redress rebuild {service} shows how far it is"),
    )  # fmt: skip
    return (Finding(service, what, mend) for is_so, what, mend in rules if is_so)


def _of_machine() -> Iterator[Finding]:
    """What this machine shows while nothing answers."""
    from redress.commands.settings import read_settings

    try:
        settings = read_settings()
    except Failure as failure:
        yield Finding("settings", str(failure), "correct it")
        return
    yield from _of_folder(settings)
    if not settings.data.exists() and settings.database == "sqlite":
        return
    for name, check in (("databases", _of_databases), ("log", _of_log)):
        try:
            yield from asyncio.run(check(settings))
        except Failure as failure:
            yield Finding(name, str(failure), "start it, or correct the setting")


def _of_folder(settings: "Settings") -> Iterator[Finding]:
    data = settings.data
    if not data.exists():
        yield Finding("data", f"there is no folder {data}", "redress migrate, or set REDRESS_DATA")
        return
    if not os.access(data, os.R_OK | os.W_OK):
        yield Finding("data", f"{data} cannot be read and written", "run as its owner")
        return
    usage = shutil.disk_usage(data)
    if usage.free / usage.total < LEAST_FREE:
        yield Finding("data", f"the disk has {usage.free / usage.total:.1%} left", "make room")


async def _of_databases(settings: "Settings") -> list[Finding]:
    from redress import host
    from redress.commands.settings import naming
    from shared.clock import SystemClock
    from shared.store.migrate import is_current

    found = []
    with naming():
        environment = host.make_environment(settings, clock=SystemClock(), is_whole=False)
        for name, build in host.BUILDERS.items():
            service = build(environment)
            if settings.database == "sqlite" and not (settings.data / name / "state.db").exists():
                found.append(Finding(name, "it has no database yet", "redress migrate"))
            elif not await is_current(settings.database_url(name), service.migrations):
                found.append(Finding(name, "its database lacks a migration", "redress migrate"))
            elif await _is_half_restored(service):
                mend = "empty databases, topics and data folder (not the secrets), then redress restore"
                found.append(Finding(name, "a restore into it did not end", mend))
            await service.database.close()
    return found


async def _is_half_restored(service: "AnyService") -> bool:
    from shared.store.copy import is_half_restored

    async with service.database.reading() as connection:
        return await is_half_restored(connection, service.database.frame)


async def _of_log(settings: "Settings") -> list[Finding]:
    from redress.commands.settings import naming
    from shared.bus.open import open_view
    from shared.contracts.catalogue import TOPICS

    with naming():
        async with open_view(settings.bus_address, folder=settings.data) as log:
            await log.lag("redress-notify", [TOPICS["intake"]])
    return []


def _print(found: list[Finding], *, as_json: bool) -> None:
    if as_json:
        for one in found:
            print_json(one._asdict())
        return
    out = console()
    for one in found:
        out.print(f"[red]{escape(one.where)}[/]  {escape(one.what)}")
        out.print(f"    [dim]mend:[/] {escape(one.mend)}")
    out.print(f"[red]{len(found)} things are wrong.[/]" if found else "[green]All is well.[/]")
