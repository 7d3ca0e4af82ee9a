"""A service's database with nothing but the frame's tables, on either engine."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Column, Integer, MetaData, String, Table, select

from shared.clock import FixedClock
from shared.contracts.followup import CallbackDue
from shared.store.database import Database
from shared.store.engine import make_writer
from shared.store.tables import NAMING, frame_tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.store.transaction import Tx

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
METADATA = MetaData(naming_convention=NAMING)
FRAME = frame_tables(METADATA)
COUNTS = Table(
    "counts",
    METADATA,
    Column("name", String(50), primary_key=True),
    Column("n", Integer, nullable=False),
)


def asyncpg_url(url: str) -> str:
    return "postgresql+asyncpg://" + url.split("://", 1)[1]


async def make_tables(url: str) -> None:
    engine = make_writer(url)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    await engine.dispose()


@asynccontextmanager
async def open_store(
    url: str, *, service: str = "followup", clock: FixedClock | None = None
) -> AsyncIterator[Database]:
    """A service's database over tables that are there."""
    database = Database(url, frame=FRAME, service=service, clock=clock or FixedClock(NOW))
    try:
        yield database
    finally:
        await database.close()


def due(number: str = "0000-0000-001", cycle: int = 1) -> CallbackDue:
    """Any event of followup's."""
    return CallbackDue(number=number, cycle=cycle, due_at=NOW)


async def count(database: Database, name: str) -> int:
    async with database.reading() as connection:
        row = (
            await connection.execute(select(COUNTS.c.n).where(COUNTS.c.name == name))
        ).one_or_none()
    return row.n if row else 0


async def add(tx: Tx, name: str, by: int = 1) -> None:
    new = tx.upsert(COUNTS).values(name=name, n=by)
    await tx.execute(
        new.on_conflict_do_update(index_elements=["name"], set_={"n": COUNTS.c.n + by})
    )
