"""Opening the log by its address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from shared.bus.port import Bus, BusMisconfigured, LogView


@asynccontextmanager
async def open_bus(url: str, *, folder: Path) -> AsyncIterator[Bus]:
    """Open `embedded` (in `folder`) or `kafka://host:port,host:port`, and close it at the end.

    An engine is imported only when it is asked for. Raises BusMisconfigured or, from the embedded
    engine, FolderRefused.
    """
    if url == "embedded":
        from shared.bus.embedded.bus import open_embedded

        async with open_embedded(folder) as embedded:
            yield embedded
    elif url.startswith("kafka://"):
        from shared.bus.kafka.bus import open_kafka
        from shared.bus.kafka.settings import settings_from

        async with open_kafka(settings_from(url)) as kafka:
            yield kafka
    else:
        raise _no_address(url)


@asynccontextmanager
async def open_view(url: str, *, folder: Path) -> AsyncIterator[LogView]:
    """Open the log only to look at it, also while another process has it. Raises BusMisconfigured."""
    if url == "embedded":
        from shared.bus.embedded.view import open_view as open_embedded_view

        async with open_embedded_view(folder) as view:
            yield view
    else:
        async with open_bus(url, folder=folder) as bus:
            yield bus


def _no_address(url: str) -> BusMisconfigured:
    return BusMisconfigured(
        f"{url!r} is no address of a log: say `embedded` or `kafka://host:port,host:port`"
    )
