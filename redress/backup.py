"""Taking a consistent set of all services: databases, files, topics.

The system is held still only until every database is being looked at: each look stays as it was, and each topic is
read to where it ended. That the set is consistent is not taken on trust: nobody may have said anything since before
nothing was left to publish and to apply. Else it is tried again.
"""

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from redress import __version__, host
from redress.archive import FORMAT, ArchiveWriter, Manifest, line_of, table_part, topic_part
from redress.client import Client
from redress.commands.services import path_of
from redress.failure import Failure, NotReachable
from shared.bus.open import open_view
from shared.bus.port import LogView, Message, Slot
from shared.clock import SystemClock
from shared.contracts.catalogue import TOPICS
from shared.ids import new_id
from shared.service import AnyService
from shared.settings import Secrets, Settings
from shared.store.copy import has_file, heads, looking, revision_of, rows_of, tables_of

RENEW_SECONDS: Final = 4.0
SEEN_SECONDS: Final = 1.5
"""After so long every process of a service has seen that it is held."""
POLL_SECONDS: Final = 0.2
READ_WAIT: Final = timedelta(seconds=5)
MINUTE: Final = 60

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a backup took: its size, how long the system was held, and the lines of each part."""

    size: int
    held_seconds: float
    lines: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at one database, as it stays."""

    service: AnyService
    connection: AsyncConnection


def key_checks(secrets: Secrets) -> dict[str, str]:
    """Values that tell whether secrets are the same, and nothing about them."""
    checked = {"REDRESS_VAULT_KEY": secrets.vault, "REDRESS_TOKEN_KEY": secrets.matching}
    return {
        name: hmac.new(key, b"redress backup", hashlib.sha256).hexdigest()
        for name, key in checked.items()
    }


async def back_up(
    settings: Settings, client: Client, path: Path, *, wait: float, tell: Tell
) -> Taken:
    """Write a backup of the running system to `path`. Raises Failure when it does not come to rest within `wait`."""
    environment = host.make_environment(settings, clock=SystemClock(), is_whole=False)
    services = [build(environment) for build in host.BUILDERS.values()]
    async with AsyncExitStack() as stack:
        for service in services:
            stack.push_async_callback(service.database.close)
        engines = await _engines(stack, settings, services)
        log = await stack.enter_async_context(open_view(settings.bus_address, folder=settings.data))
        began = time.monotonic()
        async with _held(client, services):
            looks, goals = await _at_rest(
                stack, client, services, engines, log, wait=wait, tell=tell
            )
        held = time.monotonic() - began
        tell(f"the system goes on after {held:.1f} s; writing")
        writer = stack.enter_context(ArchiveWriter(path))
        lines = await _write(writer, settings, looks, log, goals, tell=tell)
        manifest = Manifest(
            format=FORMAT,
            release=__version__,
            taken_at=environment.clock.now().isoformat(),
            bus=settings.bus.partition(":")[0],
            database=settings.database.partition(":")[0],
            revisions={one.service.name: await revision_of(one.connection) for one in looks},
            keys=key_checks(environment.secrets),
        )
        return Taken(await writer.finish(manifest), held, lines)


async def _engines(
    stack: AsyncExitStack, settings: Settings, services: Sequence[AnyService]
) -> Mapping[str, AsyncEngine]:
    found = {}
    for service in services:
        url = settings.database_url(service.name)
        if not has_file(url):
            raise Failure(
                f"there is no database of {service.name} under {settings.data}: set REDRESS_DATA and REDRESS_DATABASE "
                "as the running system has them."
            )
        found[service.name] = await stack.enter_async_context(looking(url, service.name))
    return found


@asynccontextmanager
async def _held(client: Client, services: Sequence[AnyService]) -> AsyncIterator[None]:
    """Hold all services, again and again, until the block ends."""
    body = {"owner": f"backup-{new_id()}"}

    async def order(what: str) -> None:
        for service in services:
            await asyncio.to_thread(client.order, path_of(service.name, what), body)

    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            # A renewal that fails ends the pause early; then the set is seen not to be at rest.
            with suppress(NotReachable):
                await order("pause")

    renewing: asyncio.Task[None] | None = None
    try:
        await order("pause")
        renewing = asyncio.create_task(renew())
        await asyncio.sleep(SEEN_SECONDS)
        yield
    finally:
        if renewing is not None:
            renewing.cancel()
        with suppress(Failure):  # it ends by itself within seconds
            await order("resume")


async def _at_rest(
    stack: AsyncExitStack,
    client: Client,
    services: Sequence[AnyService],
    engines: Mapping[str, AsyncEngine],
    log: LogView,
    *,
    wait: float,
    tell: Tell,
) -> tuple[list[_Look], Mapping[str, Mapping[Slot, int]]]:
    """Looks at all databases, and where the topics end, between which nothing is under way."""
    end = time.monotonic() + wait
    while True:
        before = await _said(services, engines)
        busy = await asyncio.to_thread(_busy, client, services)
        if not busy:
            attempt = await stack.enter_async_context(AsyncExitStack())
            looks = [await _look(attempt, one, engines[one.name]) for one in services]
            goals = {topic: await _end_of(log, topic) for topic in TOPICS.values()}
            if await _nothing_said(before, looks) and before == await _said(services, engines):
                return looks, goals
            await attempt.aclose()
            busy = ["somebody said something meanwhile"]
        if time.monotonic() > end:
            raise Failure(
                f"the system did not come to rest within {wait:g} s: {'; '.join(busy)}. "
                "See `redress doctor`; allow it more with --wait."
            )
        tell(f"waiting: {'; '.join(busy)}")
        await asyncio.sleep(POLL_SECONDS)


def _busy(client: Client, services: Sequence[AnyService]) -> list[str]:
    """What is still under way, in words."""
    found = []
    for service in services:
        figures = client.get(path_of(service.name, "lag"))
        if figures["outbox_waiting"]:
            found.append(f"{service.name} has {figures['outbox_waiting']} events to publish")
        if figures["lag"] is None:
            found.append(f"the log is away for {service.name}")
        if behind := sum((figures["lag"] or {}).values()):
            found.append(f"{service.name} has {behind} events to apply")
    return found


async def _said(
    services: Sequence[AnyService], engines: Mapping[str, AsyncEngine]
) -> dict[str, int]:
    said = {}
    for service in services:
        async with engines[service.name].connect() as connection:
            said[service.name] = (await heads(connection, service.database.frame)).said
    return said


async def _look(stack: AsyncExitStack, service: AnyService, engine: AsyncEngine) -> _Look:
    connection = await stack.enter_async_context(engine.connect())
    await stack.enter_async_context(connection.begin())
    await heads(connection, service.database.frame)  # the first query fixes what is seen
    return _Look(service, connection)


async def _nothing_said(before: Mapping[str, int], looks: Sequence[_Look]) -> bool:
    now = {
        one.service.name: await heads(one.connection, one.service.database.frame) for one in looks
    }
    return all(head.said == before[name] and not head.waiting for name, head in now.items())


async def _end_of(log: LogView, topic: str) -> Mapping[Slot, int]:
    async with log.read(topic) as reader:
        return dict(reader.goal)


async def _write(
    writer: ArchiveWriter,
    settings: Settings,
    looks: Sequence[_Look],
    log: LogView,
    goals: Mapping[str, Mapping[Slot, int]],
    *,
    tell: Tell,
) -> dict[str, int]:
    lines = {}
    for one in looks:
        for table in tables_of(one.service.database.frame.metadata):
            name = table_part(one.service.name, table.name)
            rows = _telling(rows_of(one.connection, table), name, tell)
            lines[name] = await writer.write(name, rows, columns=[c.name for c in table.columns])
        await _write_files(writer, settings, one)
    for topic, goal in goals.items():
        name = topic_part(topic)
        lines[name] = await writer.write(name, _telling(_records(log, topic, goal), name, tell))
    return lines


async def _write_files(writer: ArchiveWriter, settings: Settings, look: _Look) -> None:
    if look.service.files is None:
        return
    async for path in look.service.files(look.connection):
        try:
            await asyncio.to_thread(writer.write_file, path.as_posix(), settings.data / path)
        except FileNotFoundError as error:
            raise Failure(
                f"{settings.data / path} is not there, but {look.service.name} names it: "
                f"run the backup where REDRESS_DATA is the folder of {look.service.name}."
            ) from error


async def _records(log: LogView, topic: str, goal: Mapping[Slot, int]) -> AsyncIterator[bytes]:
    """The topic's records up to where it ended, in order per partition."""
    async with log.read(topic) as reader:
        while not reader.caught_up:
            for record in await reader.read(wait=READ_WAIT):
                if record.offset < goal[record.slot]:
                    yield line_of(Message(record.key, record.value))


async def _telling(lines: AsyncIterator[bytes], name: str, tell: Tell) -> AsyncIterator[bytes]:
    count = 0
    async for line in lines:
        count += 1
        if count % 10_000 == 0:
            tell(f"{name}: {count}")
        yield line
