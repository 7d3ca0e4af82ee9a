"""Putting a backup back into an empty system: databases, files, topics, and where each group goes on.

Nothing is written before the whole archive was read and found right, and before everything was found empty. A mark in
each database keeps services from starting until all is there.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Final

from redress import host
from redress.archive import Archive, table_part, topic_part
from redress.backup import key_checks
from redress.failure import Failure, WrongUsage
from shared.bus.consume import group_of, topics_of
from shared.bus.open import open_bus
from shared.bus.port import Bus, Message
from shared.bus.topics import ALL
from shared.clock import SystemClock
from shared.contracts.catalogue import TOPICS
from shared.service import AnyService, Environment
from shared.settings import Settings
from shared.store.copy import (
    begin_restore,
    contents_of,
    end_restore,
    go_on_numbering,
    put_rows,
    revision_of,
    tables_of,
    writing,
)
from shared.store.migrate import upgrade

AT_ONCE: Final = 500

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Put:
    """What was put back."""

    rows: int
    events: int
    files: int


async def restore(settings: Settings, archive: Archive, *, tell: Tell) -> Put:
    """Put a backup back. Raises Failure, BadArchive or NotEmpty before anything is written, if it cannot be."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    environment = host.make_environment(settings, clock=SystemClock(), is_whole=False)
    services = [build(environment) for build in host.BUILDERS.values()]
    async with AsyncExitStack() as stack:
        for service in services:
            stack.push_async_callback(service.database.close)
        tell("reading the backup")
        _must_fit(archive, environment)
        await asyncio.to_thread(archive.check)
        bus = await stack.enter_async_context(open_bus(settings.bus_address, folder=settings.data))
        await _must_be_empty(environment, services, bus)
        await _begin(environment, archive, services)
        rows = await _put_databases(environment, archive, services, tell=tell)
        files = await _put_files(settings, archive)
        events = await _put_topics(bus, archive, services, tell=tell)
        for service in services:
            async with writing(settings.database_url(service.name)) as engine:
                await end_restore(engine, service.database.frame)
    return Put(rows, events, files)


def _must_fit(archive: Archive, environment: Environment) -> None:
    """Raise WrongUsage where the secrets at hand are not those that the backup needs."""
    ours = key_checks(environment.secrets)
    wrong = [name for name, check in archive.manifest.keys.items() if ours.get(name) != check]
    if wrong:
        raise WrongUsage(
            f"{' and '.join(wrong)} here: not the one the backup was taken with. Without it nobody can read what the "
            "vault holds, or match references. Put that system's secrets back, then restore."
        )


async def _must_be_empty(
    environment: Environment, services: Sequence[AnyService], bus: Bus
) -> None:
    """Raise Failure naming all that is there."""
    there = []
    for service in services:
        url = environment.settings.database_url(service.name)
        tables = await contents_of(url, service.database.frame)
        there += [f"{service.name}.{table}" for table in tables]
    await bus.create_topics(ALL)
    for topic in TOPICS.values():
        async with bus.read(topic) as reader:
            if any(reader.goal.values()):
                there.append(f"topic {topic}")
    if there:
        raise Failure(
            f"this system is not empty: {', '.join(there)}. Restore into new databases, new topics and a folder with "
            "nothing in it but the secrets."
        )


async def _begin(
    environment: Environment, archive: Archive, services: Sequence[AnyService]
) -> None:
    """Make the tables, and mark each database as not whole yet. Raises Failure where the backup has others."""
    for service in services:
        url = environment.settings.database_url(service.name)
        await upgrade(url, service.migrations)
        async with writing(url) as engine:
            async with engine.connect() as connection:
                ours = await revision_of(connection)
            theirs = archive.manifest.revisions.get(service.name)
            if theirs is not None and list(theirs) != ours:
                raise Failure(
                    f"the backup has {service.name} at migration {', '.join(theirs)}, this release makes "
                    f"{', '.join(ours)}: restore with release {archive.manifest.release}, then upgrade."
                )
            await begin_restore(engine, service.database.frame)


async def _put_databases(
    environment: Environment, archive: Archive, services: Sequence[AnyService], *, tell: Tell
) -> int:
    rows = 0
    for service in services:
        metadata = service.database.frame.metadata
        async with writing(environment.settings.database_url(service.name)) as engine:
            for table in tables_of(metadata):
                part = archive.manifest.part(table_part(service.name, table.name))
                if part is None:
                    continue
                tell(f"{part.name}: {part.lines} rows")
                rows += await put_rows(engine, table, part.columns, archive.lines(part.name))
            async with engine.begin() as connection:
                await go_on_numbering(connection, metadata)
    return rows


async def _put_files(settings: Settings, archive: Archive) -> int:
    count = 0
    for name, _, _ in archive.files():
        await asyncio.to_thread(archive.put_file, name, settings.data / name)
        count += 1
    return count


async def _put_topics(
    bus: Bus, archive: Archive, services: Sequence[AnyService], *, tell: Tell
) -> int:
    """Publish all records again in order, and let each group that has applied them go on behind them."""
    events = 0
    for topic in TOPICS.values():
        part = archive.manifest.part(topic_part(topic))
        if part is None:
            continue
        tell(f"{part.name}: {part.lines} events")
        for messages in _batches(archive.messages(topic)):
            await bus.publish(topic, messages)
            events += len(messages)
    for service in services:
        topics = topics_of(service.subscriptions)
        if topics and service.name in archive.manifest.revisions:
            await bus.skip_to_end(group_of(service.name), topics)
    return events


def _batches(messages: Iterator[Message]) -> Iterator[list[Message]]:
    while batch := list(islice(messages, AT_ONCE)):
        yield batch
