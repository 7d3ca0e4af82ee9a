"""Timers: claim, effect and what is said are one transaction, so each fires once whatever the replicas."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import select, update
from sqlalchemy.sql.dml import Update

from shared import faults, telemetry
from shared.errors import Transient
from shared.store.database import Database
from shared.store.transaction import Remember, Tx

C = TypeVar("C")

BATCH = 100
POLL_SECONDS = 0.5

log = telemetry.logger("timers")


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer that fires. `due_at` is when it should have, in UTC; `key` tells timers of one subject apart."""

    id: str
    name: str
    subject: str
    key: str
    due_at: datetime
    body: Mapping[str, Any]


TimerHandler = Callable[[Timer, Tx, C], Awaitable[None]]


class Timers(Generic[C]):
    """Fires one service's due timers."""

    def __init__(
        self,
        *,
        database: Database,
        handlers: Mapping[str, TimerHandler[C]],
        context: C,
        metrics: telemetry.Metrics,
        remember: Remember | None = None,
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._context = context
        self._metrics = metrics
        self._remember = remember

    async def run(self) -> None:
        """Fire timers for ever."""
        while True:
            try:
                while not self._database.is_paused and await self.fire_due() == BATCH:
                    pass
            except Transient as error:
                log.warning("timers wait", service=self._database.service, error=str(error))
                await asyncio.sleep(1)
            await self._database.timer_armed.wait(POLL_SECONDS)

    async def fire_due(self) -> int:
        """Fire what is due, at most one batch; says how many were due."""
        table = self._database.frame.timers
        now = self._database.clock.now()
        query = (
            select(table.c.id, table.c.subject)
            .where(
                table.c.state == "armed",
                table.c.due_at <= now,
                table.c.name.in_(list(self._handlers)),
            )
            .order_by(table.c.due_at)
            .limit(BATCH)
        )
        async with self._database.reading() as connection:
            due = [(row.id, row.subject) for row in (await connection.execute(query)).all()]
        if not due:
            return 0
        try:
            await self._database.run(lambda tx: self._fire(tx, due))
        except Transient:
            raise
        except Exception as error:  # noqa: BLE001 - found out one by one
            log.warning(
                "timers fired one by one",
                service=self._database.service,
                error=type(error).__name__,
            )
            for one in due:
                await self._fire_alone(one)
        return len(due)

    async def replay(self, id_: str) -> bool:
        """Fire a parked timer now; False when it is not parked, or fails again."""
        table = self._database.frame.timers
        again = (
            update(table)
            .where(table.c.id == id_, table.c.state == "parked")
            .values(state="armed", error=None)
            .returning(table.c.subject)
        )
        row = await self._database.run(lambda tx: tx.row(again))
        if row is None:
            return False
        await self._fire_alone((id_, row.subject))
        async with self._database.reading() as connection:
            query = select(table.c.state).where(table.c.id == id_)
            return (await connection.execute(query)).scalar() == "fired"

    async def drop(self, id_: str) -> bool:
        """Do without a parked timer; False when it is not parked."""
        table = self._database.frame.timers
        cancelled = (
            update(table)
            .where(table.c.id == id_, table.c.state == "parked")
            .values(state="cancelled")
        )
        return await self._database.run(lambda tx: _changed(tx, cancelled))

    async def _fire_alone(self, one: tuple[str, str]) -> None:
        try:
            await self._database.run(lambda tx: self._fire(tx, [one]))
        except Transient:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the timer is parked
            text = f"{type(error).__name__}: {error}"
            log.error(
                "timer parked",
                service=self._database.service,
                timer=one[0],
                subject=one[1],
                error=text,
            )
            table = self._database.frame.timers
            parking = update(table).where(table.c.id == one[0], table.c.state == "armed")
            await self._database.run(
                lambda tx: tx.execute(parking.values(state="parked", error=text[:2_000]))
            )

    async def _fire(self, tx: Tx, due: Sequence[tuple[str, str]]) -> None:
        await tx.lock(*(subject for _, subject in due))
        table = tx.frame.timers
        claim = (
            update(table)
            .where(
                table.c.id.in_([id_ for id_, _ in due]),
                table.c.state == "armed",
                table.c.due_at <= tx.now,
            )
            .values(state="fired")
            .returning(
                table.c.id, table.c.name, table.c.subject, table.c.key, table.c.due_at, table.c.body
            )
        )
        claimed = sorted(await tx.rows(claim), key=lambda row: (row.due_at, row.id))
        faults.reach("timers.after_claim")
        if claimed and self._remember is not None:
            await self._remember(tx, {row.subject for row in claimed})
        for row in claimed:
            timer = Timer(row.id, row.name, row.subject, row.key, row.due_at, row.body)
            self._metrics.timer_lateness.labels(self._database.service).observe(
                max(0.0, (tx.now - timer.due_at).total_seconds())
            )
            self._metrics.timers_fired.labels(self._database.service, timer.name).inc()
            with telemetry.tracing(None):
                await self._handlers[timer.name](timer, tx, self._context)


async def _changed(tx: Tx, statement: Update) -> bool:
    return (await tx.execute(statement)).rowcount > 0
