"""What a company's own systems report: orders, deliveries, visits, readings, outages. No complaint by themselves."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, String, Table, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.store.tables import METADATA, Found
from shared.store.transaction import Tx
from shared.store.types import UTCDateTime, json_column

SERVICE_EVENTS = Table(
    "service_events",
    METADATA,
    Column("unit", String(63), primary_key=True),
    Column("token", String(64), primary_key=True),
    Column("event_id", String(255), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("area", String(100)),
    Column("title", String(200)),
    Column("reference_tokens", json_column(), nullable=False),
    Column("starts_at", UTCDateTime, nullable=False),
    Column("ends_at", UTCDateTime),
    Column("reported_at", UTCDateTime, nullable=False),
    comment="What systems and sensors report, the last report of each counts. `token`: of the id that it has there.",
)
Index("ix_service_events_kind", SERVICE_EVENTS.c.unit, SERVICE_EVENTS.c.kind, SERVICE_EVENTS.c.starts_at)  # fmt: skip


async def keep_service_events(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write reports, each over the one before of the same id."""
    for row in rows:
        statement = tx.upsert(SERVICE_EVENTS).values(**row)
        keys = ["unit", "token"]
        changed = {name: one for name, one in row.items() if name not in keys}
        await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))


async def service_events(
    connection: AsyncConnection,
    units: Iterable[str],
    *,
    kind: str | None,
    area: str | None,
    at: datetime | None,
    limit: int,
) -> Sequence[Found]:
    """Reports within reach, the latest first. `at`: those that had begun then and were not over."""
    table = SERVICE_EVENTS.c
    query = select(SERVICE_EVENTS).where(table.unit.in_(sorted(units)))
    if kind is not None:
        query = query.where(table.kind == kind)
    if area is not None:
        query = query.where(or_(table.area == area, table.area.is_(None)))
    if at is not None:
        query = query.where(table.starts_at <= at, or_(table.ends_at.is_(None), table.ends_at > at))
    ordered = query.order_by(table.starts_at.desc(), table.token).limit(limit)
    rows: Sequence[Found] = (await connection.execute(ordered)).all()
    return rows
