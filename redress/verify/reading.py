"""Reading a system at rest: each service's database and the log, by the settings, beside whatever runs."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from redress.verify.invariants import BREACHED, MET
from redress.verify.model import Books, Planned, Said, Shown, System
from redress.verify.money import MONEY
from services.desk import store as desk
from services.followup import store as followup
from services.followup.store.remedies import POSTINGS
from services.followup.subscriptions import SUBSCRIPTIONS as FOLLOWUP
from services.intake import store as intake
from services.notify import store as notify
from services.notify.subscriptions import SUBSCRIPTIONS as NOTIFY
from services.routing import store as routing
from services.routing.subscriptions import SUBSCRIPTIONS as ROUTING
from shared.bus.open import open_view
from shared.bus.port import LogView, Record, Slot
from shared.contracts.catalogue import TOPICS
from shared.contracts.envelope import Unreadable, read_header, source_name
from shared.settings import Settings
from shared.store.engine import make_reader, make_writer
from shared.store.progress import Key
from shared.store.tables import Frame

FRAMES: Final[Mapping[str, Frame]] = {
    "desk": desk.FRAME,
    "intake": intake.FRAME,
    "routing": routing.FRAME,
    "followup": followup.FRAME,
    "notify": notify.FRAME,
}
CONSUMES: Final[Mapping[str, frozenset[str]]] = {
    service: frozenset(body.source for body in subscriptions)
    for service, subscriptions in (("routing", ROUTING), ("followup", FOLLOWUP), ("notify", NOTIFY))
}
READ_DATA: Final = frozenset({BREACHED, MET, *MONEY})
WAIT: Final = timedelta(seconds=2)
LATE: Final = timedelta(seconds=5)
"""How long after its time a timer may still be armed."""


async def read_system(settings: Settings, *, now: datetime) -> System:
    """Everything the checker looks at. `now` is the services' clock. Raises Transient or BusMisconfigured."""
    books: dict[str, Books] = {}
    found: dict[str, Any] = {}
    for service, frame in FRAMES.items():
        async with reading(settings, service) as connection:
            books[service] = await _books(connection, frame, now)
            found |= await _own(connection, service)
    async with open_view(settings.bus_address, folder=settings.data) as view:
        log = [said for topic in TOPICS.values() for said in await _topic(view, topic)]
        committed = {service: await _committed(view, service, log) for service in CONSUMES}
    later: dict[str, Books] = {}
    for service, frame in FRAMES.items():
        async with reading(settings, service) as connection:
            later[service] = await _books(connection, frame, now)
    return System(
        taken_at=now,
        books=books,
        later=later,
        log=log,
        committed=committed,
        consumes={service: frozenset(map(source_name, of)) for service, of in CONSUMES.items()},
        **found,
    )


@asynccontextmanager
async def reading(settings: Settings, service: str) -> AsyncIterator[AsyncConnection]:
    url = settings.database_url(service)
    writer = make_writer(url)
    reader = make_reader(url, writer)
    try:
        async with reader.connect() as connection, connection.begin():
            yield connection
    finally:
        await reader.dispose()
        await writer.dispose()


async def _rows(connection: AsyncConnection, query: Any) -> Sequence[Any]:  # noqa: ANN401 - any SELECT, any columns
    return (await connection.execute(query)).all()


async def _books(connection: AsyncConnection, frame: Frame, now: datetime) -> Books:
    outbox, progress, parked, timers = frame.outbox, frame.progress, frame.parked, frame.timers
    events = select(outbox.c.event_id, outbox.c.published_at.is_not(None).label("published"))
    refused = select(outbox.c.subject, outbox.c.refused).where(outbox.c.refused.is_not(None))
    late = (timers.c.state == "armed") & (timers.c.due_at < now - LATE)
    sequences: dict[Key, set[int]] = {}
    errors: dict[Key, str] = {}
    for row in await _rows(connection, select(parked).order_by(parked.c.sequence)):
        key = Key(row.source, row.subject)
        sequences.setdefault(key, set()).add(row.sequence)
        errors.setdefault(key, row.error)
    return Books(
        outbox={row.event_id: bool(row.published) for row in await _rows(connection, events)},
        refused={row.subject: row.refused for row in await _rows(connection, refused)},
        progress={
            Key(row.source, row.subject): row.last_sequence
            for row in await _rows(connection, select(progress))
        },
        parked={key: frozenset(of) for key, of in sequences.items()},
        errors=errors,
        overdue=[
            (row.name, row.subject, row.due_at)
            for row in await _rows(connection, select(timers).where(late))
        ],
        stopped=[
            (row.name, row.subject, row.error or "")
            for row in await _rows(connection, select(timers).where(timers.c.state == "parked"))
        ],
    )


async def _own(connection: AsyncConnection, service: str) -> dict[str, Any]:
    match service:
        case "intake":
            return await _intake(connection)
        case "routing":
            return await _routing(connection)
        case "followup":
            return await _followup(connection)
        case "notify":
            return await _notify(connection)
        case _:
            return {}


async def _intake(connection: AsyncConnection) -> dict[str, Any]:
    table, made = intake.COMPLAINTS, intake.FRAME.idempotency
    # What was imported as history is over: intake keeps it and says nothing of it.
    said = table.c.received_by.not_like("history/%")
    complaints = await _rows(connection, select(table.c.id, table.c.number).where(said))
    keys = await _rows(connection, select(made.c.key, made.c.reference))
    return {
        "complaints": {row.id: row.number for row in complaints},
        "keys": {row.key: row.reference for row in keys},
    }


async def _routing(connection: AsyncConnection) -> dict[str, Any]:
    decisions, handlers = routing.DECISIONS, routing.HANDLERS
    columns = (decisions.c.complaint, decisions.c.state, decisions.c.handler, decisions.c.weight)
    decided = await _rows(connection, select(*columns))
    loads = select(handlers.c.id, handlers.c.load)
    return {
        "decisions": {row.complaint: (row.state, row.handler) for row in decided},
        "weights": {row.complaint: row.weight for row in decided},
        "loads": {row.id: row.load for row in await _rows(connection, loads)},
    }


async def _followup(connection: AsyncConnection) -> dict[str, Any]:
    cases, facts = followup.CASES, followup.FACTS
    receipts = (
        select(facts.c.complaint, func.count().label("times"))
        .where(facts.c.name == "received")
        .group_by(facts.c.complaint)
    )
    shown = select(cases.c.complaint, cases.c.number)
    entries = POSTINGS.c.complaint, POSTINGS.c.entry
    wrong = select(*entries).group_by(*entries).having(func.sum(POSTINGS.c.amount) != 0)
    return {
        "unbalanced": [tuple(row) for row in await _rows(connection, wrong)],
        "cases": {row.complaint: row.number for row in await _rows(connection, shown)},
        "receipts": {row.complaint: row.times for row in await _rows(connection, receipts)},
    }


async def _notify(connection: AsyncConnection) -> dict[str, Any]:
    table, feed = notify.MESSAGES, notify.FEED
    messages = select(*(table.c[name] for name in Planned._fields)).order_by(table.c.id)
    shown = select(feed.c.position, feed.c.event_id).order_by(feed.c.position)
    return {
        "messages": [Planned(*row) for row in await _rows(connection, messages)],
        "feed": [Shown(*row) for row in await _rows(connection, shown)],
    }


async def _topic(view: LogView, topic: str) -> list[Said]:
    found: list[Said] = []
    async with view.read(topic) as reader:
        while not reader.caught_up:
            found += [said for one in await reader.read(wait=WAIT) if (said := _said(one))]
    return sorted(found, key=lambda said: (said.slot, said.offset))


def _said(record: Record) -> Said | None:
    try:
        header = read_header(record.value)
        time = datetime.fromisoformat(str(header.raw.get("time")))
    except (Unreadable, ValueError):
        return None  # Consumers park it by its place in the log; it has no subject to judge.
    return Said(
        record.slot,
        record.offset,
        header.id,
        Key(header.source, header.subject),
        header.sequence,
        header.type,
        time,
        header.raw.get("data") if header.type in READ_DATA else None,
    )


async def _committed(view: LogView, service: str, log: Sequence[Said]) -> Mapping[Slot, int]:
    topics = sorted(TOPICS[source] for source in CONSUMES[service])
    ends: dict[Slot, int] = {}
    for one in log:
        ends[one.slot] = max(ends.get(one.slot, 0), one.offset + 1)
    lag = await view.lag(f"redress-{service}", topics)
    return {slot: ends.get(slot, 0) - behind for slot, behind in lag.items()}
