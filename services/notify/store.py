"""Notify's tables and queries."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.model import Ended, Fate, Message, Planned, State
from shared.contracts.envelope import Body, Event, encode
from shared.contracts.followup import CaseBody
from shared.store.leases import database_milliseconds
from shared.store.lists import unless_there
from shared.store.tables import NAMING, BigId, frame_tables
from shared.store.transaction import AnyRow, Tx
from shared.store.types import UTCDateTime, json_column

METADATA = MetaData(naming_convention=NAMING)
FRAME = frame_tables(METADATA)

MESSAGES = Table(
    "messages",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("complaint", String(36), nullable=False),
    Column("number", String(13), nullable=False, index=True),
    Column("unit", String(63), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("recipient", String(20), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("letter", String(60), nullable=False),
    Column("complainant_id", String(36), nullable=False),
    Column("language", String(10), nullable=False),
    Column("pack", String(63), nullable=False),
    Column("pack_version", String(30), nullable=False),
    Column("variables", json_column(), nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UTCDateTime),
    # When an attempt under way counts as lost, by the database's clock in milliseconds: a claim is a lease.
    Column("expires", BigInteger),
    Column("planned_at", UTCDateTime, nullable=False),
    Column("reason", String(40)),
    UniqueConstraint("complaint", "cycle", "recipient", "purpose", name="uq_messages_once"),
)
Index("ix_messages_due", MESSAGES.c.next_at, sqlite_where=text("state IN ('pending', 'attempting')"),
      postgresql_where=text("state IN ('pending', 'attempting')"))  # fmt: skip
ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("message", String(36), ForeignKey("messages.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("channel", String(20), nullable=False),
    Column("started_at", UTCDateTime, nullable=False),
    Column("ended_at", UTCDateTime),
    Column("result", String(12), nullable=False),
    Column("provider_id", String(300)),
    Column("code", String(300)),
)
FEED = Table(
    "feed",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", String(36), nullable=False, unique=True),
    Column("type", String(100), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("number", String(13)),
    Column("event", Text, nullable=False),
)
Index("ix_feed_number", FEED.c.number, FEED.c.position)
FEED_COUNTER = Table(
    "feed_counter",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("position", BigInteger, nullable=False),
)


class Plans:
    """The messages that a unit plans: what there is is read at once, what is new is written at once."""

    def __init__(self) -> None:
        self.known: dict[str, set[Purpose]] = {}
        self.new: list[dict[str, Any]] = []

    async def read(self, tx: Tx, complaints: Collection[str]) -> None:
        """Read which messages there are about these, unless that was read before."""
        wanted = set(complaints) - self.known.keys()
        self.known.update((one, set()) for one in wanted)
        for complaint, *rest in await tx.rows_among(_PURPOSE, MESSAGES.c.complaint, wanted):
            self.known[complaint].add(Purpose(*rest))

    async def write(self, tx: Tx) -> None:
        """Write the new ones."""
        await tx.add(MESSAGES, self.new, unless_there)


_PURPOSE: Final = select(
    MESSAGES.c.complaint, MESSAGES.c.cycle, MESSAGES.c.recipient, MESSAGES.c.purpose
)


class Purpose(NamedTuple):
    """What there is one message for, about each complaint."""

    cycle: int
    recipient: str
    purpose: str


async def remember(tx: Tx, complaints: Collection[str]) -> None:
    """Read at once which messages there are about many complaints."""
    await tx.memory(Plans).read(tx, complaints)


async def purposes(tx: Tx, complaint: str) -> set[Purpose]:
    """What messages about a complaint are there for. Lock it first."""
    plans = tx.memory(Plans)
    if complaint not in plans.known:
        await plans.read(tx, [complaint])
    return plans.known[complaint]


async def plan(
    tx: Tx, planned: Planned, *, id_: str, case: CaseBody, complaint: str, unit: str, language: str
) -> bool:
    """Plan a message to be sent at once; False when this complaint, cycle and recipient has one of this purpose."""
    purpose = Purpose(case.cycle, planned.recipient, planned.purpose)
    known = await purposes(tx, complaint)
    if purpose in known:
        return False
    known.add(purpose)
    row = {
        "id": id_,
        "complaint": complaint,
        "number": case.number,
        "unit": unit,
        "letter": planned.letter,
        "complainant_id": case.complainant_id,
        "language": language,
        "pack": case.pack,
        "pack_version": case.pack_version,
        "variables": dict(planned.variables),
        "state": "pending",
        "attempts": 0,
        "next_at": tx.now,
        "planned_at": tx.now,
    }
    tx.memory(Plans).new.append(row | purpose._asdict())
    return True


async def has_purpose(tx: Tx, *, complaint: str, cycle: int, purpose: str) -> bool:
    """Whether a message of this purpose is planned for this cycle already."""
    known = await purposes(tx, complaint)
    return any((one.cycle, one.purpose) == (cycle, purpose) for one in known)


async def is_due(connection: AsyncConnection, *, now: datetime) -> bool:
    """Whether there is a message to try now."""
    clock = database_milliseconds(connection.dialect.name)
    query = select(MESSAGES.c.id).where(_is_due(now, clock)).limit(1)
    return (await connection.execute(query)).first() is not None


async def claim(tx: Tx, *, within: timedelta, limit: int) -> list[Message]:
    """Begin attempts that must end `within` that time, also of messages whose last attempt never ended.

    What another sender is just taking is left to it: messages need no order between them.
    """
    clock = database_milliseconds(tx.connection.dialect.name)
    chosen = (
        select(MESSAGES.c.id)
        .where(_is_due(tx.now, clock))
        .order_by(MESSAGES.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    statement = (
        update(MESSAGES)
        .where(MESSAGES.c.id.in_(select(chosen.c.id)))
        .values(
            state="attempting",
            attempts=MESSAGES.c.attempts + 1,
            next_at=tx.now + within,
            expires=clock + round(within.total_seconds() * 1000),
        )
        .returning(MESSAGES)
    )
    return [message_of(row) for row in await tx.rows(statement)]


def _is_due(now: datetime, clock: ColumnElement[int]) -> ColumnElement[bool]:
    """What waits for its time, or whose attempt is lost. Services' clocks may jump; `clock` is the database's."""
    is_lost = func.coalesce(MESSAGES.c.expires, 0) < clock
    return (
        MESSAGES.c.state.in_(("pending", "attempting"))
        & (MESSAGES.c.next_at <= now)
        & ((MESSAGES.c.state == "pending") | is_lost)
    )


async def forget_attempt(tx: Tx, message: Message, *, next_at: datetime) -> None:
    """The attempt did not begin: what it needs is away, which is no failure of the message."""
    await tx.execute(
        update(MESSAGES)
        .where(MESSAGES.c.id == message.id, MESSAGES.c.state == "attempting")
        .values(state="pending", attempts=message.attempts - 1, next_at=next_at)
    )


async def standing(tx: Tx, messages: Sequence[Message]) -> set[str]:
    """Those messages of which this is still the attempt under way, held until the commit."""
    ids = [one.id for one in messages]
    rows = await tx.rows_among(_UNDER_WAY, MESSAGES.c.id, ids)
    under_way = {(row.id, row.attempts) for row in rows}
    return {one.id for one in messages if (one.id, one.attempts) in under_way}


_UNDER_WAY: Final = (
    select(MESSAGES.c.id, MESSAGES.c.attempts)
    .where(MESSAGES.c.state == "attempting")
    .order_by(MESSAGES.c.id)
    .with_for_update()
)


async def settle(tx: Tx, fates: Sequence[tuple[Message, Fate]]) -> None:
    """Record where messages stand that are held."""
    rows = [
        {"of_id": one.id, "state": fate.state, "next_at": fate.next_at, "reason": fate.kept_reason}
        for one, fate in fates
    ]
    if rows:
        await tx.execute(_SETTLE, rows)


_SETTLE: Final = (
    update(MESSAGES)
    .where(MESSAGES.c.id == bindparam("of_id"))
    .values({name: bindparam(name) for name in ("state", "next_at", "reason")})
)


async def receipt(tx: Tx, message: Message, *, state: State, reason: str | None) -> None:
    """Record what a provider told later."""
    await tx.execute(
        update(MESSAGES)
        .where(MESSAGES.c.id == message.id)
        .values(state=state, reason=reason, next_at=None)
    )


async def note_attempts(tx: Tx, ended: Sequence[Ended]) -> None:
    """Keep what the providers answered."""
    rows = [
        {
            "message": one.message.id,
            "attempt": one.message.attempts,
            "channel": one.channel,
            "started_at": one.started_at,
            "ended_at": tx.now,
            "result": one.sent.result,
            "provider_id": one.sent.provider_id and one.sent.provider_id[:300],
            "code": one.sent.code and one.sent.code[:300],
        }
        for one in ended
    ]
    await tx.add(ATTEMPTS, rows, unless_there)


async def abandon_attempts(tx: Tx) -> None:
    """Free the attempts of a process that is gone: only where no other process can be sending."""
    await tx.execute(
        update(MESSAGES)
        .where(MESSAGES.c.state == "attempting")
        .values(next_at=tx.now, expires=None)
    )


async def message(tx: Tx, id_: str) -> Message | None:
    row = await tx.row(select(MESSAGES).where(MESSAGES.c.id == id_))
    return message_of(row) if row else None


def message_of(row: AnyRow) -> Message:
    fields = {name: row._mapping[name] for name in Message.__slots__ if name in row._mapping}
    return Message(**fields)


async def last_attempt_channel(tx: Tx, message: Message) -> str:
    query = (
        select(ATTEMPTS.c.channel)
        .where(ATTEMPTS.c.message == message.id)
        .order_by(ATTEMPTS.c.attempt.desc())
        .limit(1)
    )
    row = await tx.row(query)
    return str(row.channel) if row else "none"


async def messages(
    connection: AsyncConnection,
    *,
    units: frozenset[str],
    number: str | None,
    after: str | None,
    limit: int,
) -> Sequence[AnyRow]:
    """Messages with the last attempt's answer, oldest id first."""
    query = (
        select(MESSAGES, ATTEMPTS.c.channel, ATTEMPTS.c.ended_at, ATTEMPTS.c.provider_id)
        .outerjoin(
            ATTEMPTS,
            (ATTEMPTS.c.message == MESSAGES.c.id) & (ATTEMPTS.c.attempt == MESSAGES.c.attempts),
        )
        .where(MESSAGES.c.unit.in_(sorted(units)))
        .order_by(MESSAGES.c.id)
        .limit(limit)
    )
    if number is not None:
        query = query.where(MESSAGES.c.number == number)
    if after is not None:
        query = query.where(MESSAGES.c.id > after)
    return (await connection.execute(query)).all()


def append_to_feed(tx: Tx, event: Event[Body]) -> None:
    """Put an event into the feed when this transaction commits, at the next position."""
    tx.at_the_end(_write_feed, event)


async def _write_feed(tx: Tx, events: Sequence[Event[Body]]) -> None:
    # The counter's row lock is held from here to COMMIT, so position order is commit order.
    counter = tx.upsert(FEED_COUNTER).values(id=1, position=len(events))
    statement = counter.on_conflict_do_update(
        index_elements=["id"], set_={"position": FEED_COUNTER.c.position + len(events)}
    ).returning(FEED_COUNTER.c.position)
    last = (await tx.execute(statement)).scalar_one()
    rows = [
        {
            "position": position,
            "event_id": event.id,
            "type": event.type,
            "unit": event.unit,
            "subject": event.subject,
            "number": getattr(event.body, "number", None),
            "event": (event.encoded or encode(event)).decode(),
        }
        for position, event in enumerate(events, last - len(events) + 1)
    ]
    await tx.add(FEED, rows)


async def clear_feed(tx: Tx, limit: int) -> int:
    """Delete the newest part of the feed; says how many. Its counter stays, so that no position is given out twice."""
    newest = select(FEED.c.position).order_by(FEED.c.position.desc()).limit(limit).subquery()
    first = select(func.min(newest.c.position)).scalar_subquery()
    return (await tx.execute(delete(FEED).where(FEED.c.position >= first))).rowcount


async def feed(
    connection: AsyncConnection,
    *,
    units: frozenset[str],
    after: int,
    limit: int,
    number: str | None = None,
) -> Sequence[AnyRow]:
    """Events beyond a position, in order."""
    query = (
        select(FEED.c.position, FEED.c.type, FEED.c.event)
        .where(FEED.c.position > after, FEED.c.unit.in_(sorted(units)))
        .order_by(FEED.c.position)
        .limit(limit)
    )
    if number is not None:
        query = query.where(FEED.c.number == number)
    return (await connection.execute(query)).all()


async def feed_end(connection: AsyncConnection) -> int:
    """The position of the newest event."""
    row = (
        await connection.execute(select(FEED_COUNTER.c.position).where(FEED_COUNTER.c.id == 1))
    ).one_or_none()
    return row.position if row else 0
