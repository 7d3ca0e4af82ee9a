"""The open transaction that use cases are handed: statements, what is said, and timers."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Executable,
    Row,
    Select,
    Table,
    select,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import telemetry
from shared.contracts.envelope import (
    MAX_EVENT_BYTES,
    PREFIX,
    Body,
    Event,
    Header,
    encode,
    source_name,
)
from shared.errors import Poison
from shared.ids import new_id
from shared.store.arming import Arming, Step, TimerKey
from shared.store.lists import (
    POSTGRESQL,
    Conflict,
    UpsertInsert,
    among,
    each_of,
    insert_each,
    only,
    unless_there,
    update_each,
)
from shared.store.signal import Signal
from shared.store.tables import Frame

AnyRow = Row[*tuple[Any, ...]]
"""A row of any query: columns by name, or unpacked."""
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]
AtTheEnd = Callable[["Tx", Sequence[Any]], Awaitable[None]]


class Memory(Protocol):
    """What a service keeps of its rows for one unit, so that many events cost no more statements than one.

    It is filled in bulk before, or row by row where nobody asked before, and changed by the use cases.
    """

    async def write(self, tx: "Tx") -> None:
        """Write what changed, set-based."""
        ...


M = TypeVar("M", bound=Memory)
Remember = Callable[["Tx", Collection[str]], Awaitable[None]]
"""Fills a service's memory with what its handlers need about some locked subjects."""


@dataclass(frozen=True, slots=True)
class _Said:
    subject: str
    unit: str
    body: Body
    causationid: str | None
    traceparent: str | None


class TooLargeToSay(Poison):
    """An event over the cap: large content belongs in an attachment, events carry its id."""


class Tx:
    """One open transaction of one service's database. `now` is the service's clock, fixed for its whole length."""

    def __init__(
        self, connection: AsyncConnection, *, frame: Frame, service: str, now: datetime
    ) -> None:
        self.connection = connection
        self.frame = frame
        self.now = now
        self.has_said = False
        self.has_armed = False
        self.ahead: Sequence[Header] = ()
        """The events that this unit is to apply, for a service that remembers more than their subjects."""
        self.wakes: set[Signal] = set()
        """Set once this transaction is committed: earlier, whoever wakes would find nothing."""
        self._service = service
        self._memories: dict[type[Memory], Any] = {}
        self._arming = Arming()
        self._said: list[_Said] = []
        self._last: dict[AtTheEnd, list[Any]] = {}
        self._cause: Event[Body] | None = None

    async def execute(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> CursorResult[Any]:
        """Run one statement, or one statement over many rows."""
        return await self.connection.execute(statement, parameters)

    async def rows(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> Sequence[AnyRow]:
        """All rows of a query."""
        return (await self.connection.execute(statement, parameters)).all()

    async def rows_among(
        self, query: Select[Any], column: ColumnElement[str], values: Collection[str]
    ) -> Sequence[AnyRow]:
        """The rows of a query whose `column` has one of many values. The query is a constant: it is compiled once."""
        statement = only(query, column, self.connection.dialect.name)
        return await self.rows(statement, {"values": sorted(values)})

    async def row(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> AnyRow | None:
        """The one row of a query, or None."""
        return (await self.connection.execute(statement, parameters)).one_or_none()

    def upsert(self, table: Any) -> UpsertInsert:  # noqa: ANN401 - a Table; see UpsertInsert
        """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` on this database."""
        build: Any = (
            postgresql_insert if self.connection.dialect.name == "postgresql" else sqlite_insert
        )
        return build(table)

    async def add(
        self, table: Table, rows: Sequence[Mapping[str, Any]], conflict: Conflict | None = None
    ) -> None:
        """Insert rows with the same columns, in this order, with one statement; nothing where there are none."""
        if not rows:
            return
        names, dialect = tuple(rows[0]), self.connection.dialect.name
        statement = insert_each(table, names, dialect, conflict)
        if dialect == POSTGRESQL:
            await self.execute(statement, {name: [row[name] for row in rows] for name in names})
        else:
            await self.execute(statement, rows)

    async def change(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Change rows, each known by its first column, with one statement; nothing where there are none."""
        if not rows:
            return
        names, dialect = tuple(rows[0]), self.connection.dialect.name
        statement = update_each(table, names, dialect)
        if dialect == POSTGRESQL:
            await self.execute(
                statement, {f"new_{name}": [row[name] for row in rows] for name in names}
            )
        else:
            await self.execute(
                statement, [{f"new_{name}": row[name] for name in names} for row in rows]
            )

    async def lock(self, *subjects: str) -> None:
        """Hold these aggregates until the commit, in a fixed order: no other writer changes them meanwhile.

        SQLite has one writer, so nothing needs to be done there.
        """
        if self.connection.dialect.name == "sqlite" or not subjects:
            return
        insert, hold = _locking(self.frame.subjects)
        ordered = sorted(set(subjects))
        await self.execute(insert, {"subject": ordered, "last_sequence": [0] * len(ordered)})
        await self.execute(hold, {"subjects": ordered})

    def say(self, body: Body, *, subject: str, unit: str) -> None:
        """Say an event: it is numbered and put into the outbox when this transaction commits, or not at all."""
        if body.source != self._service:
            raise ValueError(f"{body.name} is {body.source}'s to say, not {self._service}'s")
        trace = telemetry.current_trace()
        self._said.append(
            _Said(
                subject,
                unit,
                body,
                self._cause.id if self._cause else None,
                telemetry.traceparent(trace) if trace else None,
            )
        )
        self.has_said = True

    @contextmanager
    def because_of(self, event: Event[Body]) -> Iterator[None]:
        """What is said in this block was caused by `event` and continues its trace."""
        self._cause = event
        try:
            with telemetry.tracing(telemetry.trace_of(event.traceparent)):
                yield
        finally:
            self._cause = None

    def arm(
        self,
        timer: str,
        *,
        subject: str,
        due_at: datetime,
        key: str = "",
        body: Mapping[str, Any] | None = None,
    ) -> None:
        """Set (or move) a timer; a moved one is a new epoch, so its old time can no longer fire."""
        self._arming.add(TimerKey(subject, timer, key), Step("arm", due_at, body))
        self.has_armed = True

    def arm_once(
        self,
        timer: str,
        *,
        subject: str,
        due_at: datetime,
        key: str = "",
        body: Mapping[str, Any] | None = None,
    ) -> None:
        """Set a timer unless it was ever set: its time stays, and it fires once."""
        self._arming.add(TimerKey(subject, timer, key), Step("once", due_at, body))
        self.has_armed = True

    def disarm(self, timer: str, *, subject: str, key: str | None = None) -> None:
        """Cancel a timer that has not fired (all keys of it when `key` is None)."""
        if key is None:
            self._arming.clear(subject, timer)
        else:
            self._arming.add(TimerKey(subject, timer, key), Step("disarm"))

    def memory(self, kind: type[M]) -> M:
        """What this unit remembers of that kind: made empty, written at the unit's end, then forgotten."""
        if kind not in self._memories:
            self._memories[kind] = kind()
        found: M = self._memories[kind]
        return found

    def at_the_end(self, write: AtTheEnd, item: object) -> None:
        """Have `write` called once, after everything else, with all its items: for rows ordered as the commits are."""
        self._last.setdefault(write, []).append(item)

    async def flush(self) -> None:
        """Write what is remembered, timers and what was said, do what comes last. The frame ends each unit with it."""
        memories, self._memories = self._memories, {}
        for memory in memories.values():
            await memory.write(self)
        await self._arming.write(self)
        if self._said:
            await self._write_outbox()
        last, self._last = self._last, {}
        for write, items in last.items():
            await write(self, items)

    async def _write_outbox(self) -> None:
        said, self._said = self._said, []
        last = await self._next_sequences(one.subject for one in said)
        rows = []
        for one in said:
            last[one.subject] += 1
            rows.append(self._outbox_row(one, last[one.subject]))
        await self.add(self.frame.outbox, rows)

    def forget(self) -> None:
        """Unsay and forget everything since the last flush: its savepoint was rolled back."""
        self._memories.clear()
        self._arming = Arming()
        self._said.clear()
        self._last.clear()

    async def _next_sequences(self, subjects: Iterable[str]) -> dict[str, int]:
        """Reserve as many sequence numbers as there are mentions; returns the one before the first of each."""
        counts: dict[str, int] = {}
        for subject in subjects:
            counts[subject] = counts.get(subject, 0) + 1
        ordered = sorted(counts)
        parameters = {"subject": ordered, "last_sequence": [counts[one] for one in ordered]}
        statement = _next_sequences(self.frame.subjects, self.connection.dialect.name)
        return {
            subject: last - counts[subject]
            for subject, last in await self.rows(statement, parameters)
        }

    def _outbox_row(self, one: _Said, sequence: int) -> dict[str, object]:
        event = Event(
            id=new_id(),
            source=source_name(self._service),
            type=PREFIX + one.body.name,
            subject=one.subject,
            sequence=sequence,
            unit=one.unit,
            time=self.now,
            body=one.body,
            traceparent=one.traceparent,
            causationid=one.causationid,
        )
        value = encode(event)
        if len(value) > MAX_EVENT_BYTES:
            raise TooLargeToSay(
                f"{event.type} about {one.subject} has {len(value)} bytes, the cap is {MAX_EVENT_BYTES}: "
                "keep large content as an attachment and say its id."
            )
        return {
            "event_id": event.id,
            "subject": one.subject,
            "event": value.decode(),
            "created_at": self.now,
        }


@cache
def _locking(table: Table) -> tuple[Executable, Executable]:
    """Have a row for each subject, and hold them all."""
    hold = select(table.c.subject).where(among(table.c.subject, "subjects", POSTGRESQL))
    insert = insert_each(table, ("subject", "last_sequence"), POSTGRESQL, unless_there)
    return insert, hold.order_by(table.c.subject).with_for_update()


@cache
def _next_sequences(table: Table, dialect: str) -> Executable:
    """Raise the last sequence of many subjects, each by its own number."""
    new: UpsertInsert = (postgresql_insert if dialect == "postgresql" else sqlite_insert)(table)
    columns = ("subject", "last_sequence")
    statement: Executable = (
        new.from_select(columns, each_of(table, *columns, dialect=dialect))
        .on_conflict_do_update(
            index_elements=["subject"],
            set_={"last_sequence": table.c.last_sequence + new.excluded.last_sequence},
        )
        .returning(table.c.subject, table.c.last_sequence)
    )
    return statement
