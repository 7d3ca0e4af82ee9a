"""`redress migrate`: topics and databases."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from redress.commands.options import AsJson
from redress.commands.screen import console, print_json
from redress.commands.up import refuse_test_clock

if TYPE_CHECKING:
    from shared.settings import Settings


def migrate(
    services: Annotated[
        list[str] | None, typer.Argument(help="Whose databases; all when none is named.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Create the topics that are missing and bring each service's database to this version.

    Run it before starting a new version. Again is harmless. On an empty system it also makes the
    first accounts and keys, in $REDRESS_DATA/first-run.json.
    """
    refuse_test_clock()
    from redress import host
    from redress.commands.settings import naming, read_settings
    from shared.telemetry import configure_logs

    settings = read_settings()
    configure_logs(level=settings.log_level)
    with naming():
        names = host.chosen(services or [])
        asyncio.run(_migrate(settings, names))
    if as_json:
        print_json({"services": names, "first_run": str(settings.data / "first-run.json")})
        return
    out = console()
    out.print("Topics are there.")
    out.print(f"Databases are up to date: {', '.join(names)}.")
    if (settings.data / "first-run.json").exists():
        out.print(f"Keys and accounts: {settings.data / 'first-run.json'}")


async def _migrate(settings: "Settings", names: Sequence[str]) -> None:
    from redress import host
    from shared.bus.open import open_bus
    from shared.clock import SystemClock

    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    is_whole = set(names) == host.BUILDERS.keys()
    environment = host.make_environment(settings, clock=SystemClock(), is_whole=is_whole)
    async with open_bus(settings.bus_address, folder=settings.data) as bus:
        services = [one.service for one in host.build(environment, names, bus)]
        try:
            await host.migrate(environment, services, bus)
        finally:
            for service in services:
                await service.database.close()
