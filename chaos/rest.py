"""Waiting until a system under test has nothing left to do by itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from redress.verify.reading import CONSUMES, FRAMES, reading
from services.notify.store import MESSAGES
from shared.bus.open import open_view
from shared.contracts.catalogue import TOPICS
from shared.errors import Transient

if TYPE_CHECKING:
    from datetime import datetime

    from shared.settings import Settings

STEP_SECONDS = 0.25
LOOKS = 3
"""How often in a row nothing must be seen: what one look passed may be on its way to the next."""

UNSENT = MESSAGES.c.state.in_(("pending", "attempting"))
LONGEST = 10
"""How many times the bound what is left may go on changing."""


class NoRest(Exception):
    """Something was still waiting at the end of the bound; the message says what."""


async def come_to_rest(settings: Settings, *, now: datetime, within: float) -> float:
    """Wait until nothing is left to do at `now`, where the services' clock stands still; the seconds that took.

    Raises NoRest when what is left stays the same for `within` seconds, or changes for LONGEST times as long.
    """
    started = changed = time.monotonic()
    quiet, before = 0, ""
    while quiet < LOOKS:
        left, at = await _left(settings, now), time.monotonic()
        quiet = 0 if left else quiet + 1
        if left != before:
            before, changed = left, at
        if left and (at - changed > within or at - started > LONGEST * within):
            raise NoRest(f"after {at - started:.0f} s there is still {left}")
        await asyncio.sleep(STEP_SECONDS)
    return time.monotonic() - started


async def next_moment(settings: Settings, *, until: datetime) -> datetime | None:
    """When something that was put off is to be tried again, the latest first; None if not `until` then."""
    found: list[datetime] = []
    for service, frame in FRAMES.items():
        waits = [frame.parked.c.next_try_at]
        if service == "notify":
            waits.append(MESSAGES.c.next_at)
        async with reading(settings, service) as connection:
            for column in waits:
                query = select(func.max(column)).where(column <= until)
                if column is MESSAGES.c.next_at:
                    query = query.where(UNSENT)
                if (at := (await connection.execute(query)).scalar_one()) is not None:
                    found.append(at)
    return max(found, default=None)


async def _left(settings: Settings, now: datetime) -> str:
    """What is left to do first of all; empty when nothing is."""
    try:
        for service in FRAMES:
            if waiting := await _in_database(settings, service, now):
                return waiting
        async with open_view(settings.bus_address, folder=settings.data) as view:
            for service, sources in CONSUMES.items():
                lag = await view.lag(f"redress-{service}", sorted(TOPICS[one] for one in sources))
                if behind := sum(lag.values()):
                    return f"{behind} records for {service} to consume"
    except (Transient, SQLAlchemyError, OSError) as error:
        return f"no answer ({type(error).__name__})"
    return ""


async def _in_database(settings: Settings, service: str, now: datetime) -> str:
    frame = FRAMES[service]
    outbox, timers, parked = frame.outbox, frame.timers, frame.parked
    waits = {
        f"events of {service} to publish": select(outbox.c.id).where(
            outbox.c.published_at.is_(None)
        ),
        f"timers of {service} to fire": select(timers.c.subject).where(
            timers.c.state == "armed", timers.c.due_at <= now
        ),
        f"parked keys of {service} to try": select(parked.c.subject).where(
            parked.c.next_try_at <= now
        ),
    }
    if service == "notify":
        waits["messages to send"] = select(MESSAGES.c.id).where(UNSENT, MESSAGES.c.next_at <= now)
    async with reading(settings, service) as connection:
        for what, query in waits.items():
            count = select(func.count()).select_from(query.subquery())
            if left := (await connection.execute(count)).scalar_one():
                return f"{left} {what}"
    return ""


async def publish_everything_again(settings: Settings) -> None:
    """Have every relay send all that its outbox keeps once more: redelivery must change nothing."""
    from sqlalchemy import update

    from shared.store.engine import make_writer

    for service, frame in FRAMES.items():
        engine = make_writer(settings.database_url(service))
        again = update(frame.outbox).values(published_at=None)
        try:
            while True:
                # SQLite's writer may be busy at the moment.
                with contextlib.suppress(SQLAlchemyError):
                    async with engine.begin() as connection:
                        await connection.execute(again)
                    break
                await asyncio.sleep(STEP_SECONDS)
        finally:
            await engine.dispose()
