"""Waiting until a system under test has nothing left to do by itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import timedelta
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
SOON = timedelta(minutes=5)
"""Messages to be sent within this time count as on their way."""


class NoRest(Exception):
    """Something was still waiting at the end of the bound; the message says what."""


async def come_to_rest(settings: Settings, *, now: datetime, within: float) -> float:
    """Wait until outboxes, lag, due timers and due messages are none; the seconds that took. Raises NoRest."""
    started, quiet = time.monotonic(), 0
    while quiet < LOOKS:
        left = await _left(settings, now)
        quiet = 0 if left else quiet + 1
        if left and time.monotonic() - started > within:
            raise NoRest(f"after {within:.0f} s there is still {left}")
        await asyncio.sleep(STEP_SECONDS)
    return time.monotonic() - started


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
    outbox, timers = FRAMES[service].outbox, FRAMES[service].timers
    waits = {
        f"events of {service} to publish": select(outbox.c.id).where(
            outbox.c.published_at.is_(None)
        ),
        f"timers of {service} to fire": select(timers.c.subject).where(
            timers.c.state == "armed", timers.c.due_at <= now
        ),
    }
    if service == "notify":
        waits["messages to send"] = select(MESSAGES.c.id).where(
            MESSAGES.c.state.in_(("pending", "attempting")), MESSAGES.c.next_at <= now + SOON
        )
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
