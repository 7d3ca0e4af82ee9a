"""Timers of two replicas on PostgreSQL: each fires once, none early; how late, spread out and all at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Column, MetaData, String, Table, insert, select
from sqlalchemy.ext.asyncio import create_async_engine

from bench import children
from bench.model import Measure, percentile
from bench.plan import Bench, Plan
from dev.process import EngineError
from shared.ids import new_id
from shared.store.tables import NAMING, BigId, frame_tables
from shared.store.types import UTCDateTime

REPLICAS: Final = 2
TIMER: Final = "due"
LATE_SECONDS: Final = 2.0
AT_ONCE_SECONDS: Final = 30.0
HEAD_START: Final = timedelta(seconds=8)
"""Until the replicas have started."""
SPREAD: Final = timedelta(seconds=60)
"""The time within which as many as a whole run has come due."""

METADATA = MetaData(naming_convention=NAMING)
FRAME = frame_tables(METADATA)
FIRED = Table(
    "fired",
    METADATA,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("timer", String(36), nullable=False),
    Column("due_at", UTCDateTime, nullable=False),
    Column("fired_at", UTCDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Fired:
    """When a timer was due and when it fired."""

    timer: str
    due_at: datetime
    fired_at: datetime

    @property
    def late(self) -> float:
        """Seconds after its time; negative is early."""
        return (self.fired_at - self.due_at).total_seconds()


def steps(_: Plan) -> int:
    return 2


async def measure(bench: Bench, new_database: Callable[[str], Awaitable[str]]) -> list[Measure]:
    """Lateness of timers that come due one after the other, and the time for as many at once."""
    count = bench.plan.timers
    bench.step(f"{count:,} timers within a minute, {REPLICAS} replicas")
    spread = await _fire(new_database, "spread", count, over=SPREAD * count / Plan().timers)
    bench.step(f"{count:,} timers at once, {REPLICAS} replicas")
    at_once = await _fire(new_database, "at_once", count, over=timedelta())
    late = [one.late for one in spread]
    return [
        Measure(
            name="timers_late",
            title=f"{count:,} timers within a minute, two replicas: the latest hundredth",
            unit="s",
            better="lower",
            values=(percentile(late, 0.99),),
            target=LATE_SECONDS,
            note=f"each fired once; the earliest {min(late) * 1000:.0f} ms after its time",
        ),
        Measure(
            name="timers_at_once",
            title=f"{count:,} timers at once, two replicas: until the last has fired",
            unit="s",
            better="lower",
            values=(max(one.late for one in at_once),),
            target=AT_ONCE_SECONDS,
        ),
    ]


async def _fire(
    new_database: Callable[[str], Awaitable[str]], name: str, count: int, *, over: timedelta
) -> Sequence[Fired]:
    url = "postgresql+asyncpg://" + (await new_database(f"timers_{name}")).split("://", 1)[1]
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
        await connection.execute(insert(FRAME.timers), _rows(count, over))
    replica = ("subjects.timers", "--database", url)
    await asyncio.gather(*(children.once(*replica) for _ in range(REPLICAS)))
    async with engine.connect() as connection:
        rows = (await connection.execute(select(FIRED))).all()
    await engine.dispose()
    fired = [Fired(row.timer, row.due_at, row.fired_at) for row in rows]
    check(fired, count=count)
    return fired


def check(fired: Sequence[Fired], *, count: int) -> None:
    """Raise EngineError unless each of `count` timers fired once, and none before its time."""
    timers = {one.timer for one in fired}
    if len(timers) != count or len(fired) != count:
        raise EngineError(f"{len(timers)} of {count} timers fired, {len(fired)} times")
    if early := [one for one in fired if one.late < 0]:
        raise EngineError(f"{len(early)} timers fired before their time, such as {early[0]}")


def _rows(count: int, over: timedelta) -> list[dict[str, object]]:
    start = datetime.now(UTC) + HEAD_START
    return [
        {
            "id": new_id(),
            "name": TIMER,
            "subject": new_id(),
            "key": "",
            "due_at": start + over * at / count,
            "epoch": 1,
            "state": "armed",
            "body": {},
        }
        for at in range(count)
    ]
