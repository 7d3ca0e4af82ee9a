"""Opening the log by its address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from shared.bus.port import Bus, BusMisconfigured


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
        raise BusMisconfigured(
            f"{url!r} is no address of a log: say `embedded` or `kafka://host:port,host:port`"
        )
