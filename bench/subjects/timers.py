"""One replica that fires timers until none is left: each writes a row and says an event. Prints how many it fired."""

import argparse
import asyncio
import contextlib

import uvloop
from sqlalchemy import func, insert, select

from bench.due import FIRED, FRAME, TIMER
from shared.clock import SystemClock
from shared.contracts.followup import CallbackDue
from shared.store.database import Database
from shared.store.timers import Timer, Timers
from shared.store.transaction import Tx
from shared.telemetry import Metrics

LOOK_SECONDS = 0.5
SERVICE = "followup"


async def fire(timer: Timer, tx: Tx, fired: list[str]) -> None:
    """The effect of a timer, as small as a service's can be: a row of its own, and an event."""
    row = {"timer": timer.id, "due_at": timer.due_at, "fired_at": tx.now}
    await tx.execute(insert(FIRED), row)
    said = CallbackDue(number="0000-0000-000", cycle=1, due_at=timer.due_at)
    tx.say(said, subject=timer.subject, unit="root")
    fired.append(timer.id)


async def run(url: str) -> int:
    """Fire until nothing is armed any more."""
    database = Database(url, frame=FRAME, service=SERVICE, clock=SystemClock())
    fired: list[str] = []
    timers = Timers(database=database, handlers={TIMER: fire}, context=fired, metrics=Metrics())
    running = asyncio.create_task(timers.run())
    armed = select(func.count()).where(FRAME.timers.c.state == "armed")
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if running.done():
            running.result()
        async with database.reading() as connection:
            if not (await connection.execute(armed)).scalar_one():
                break
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await database.close()
    return len(fired)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", required=True, help="an SQLAlchemy address")
    print(uvloop.run(run(parser.parse_args().database)))


if __name__ == "__main__":
    main()
