"""Notify's tables and queries."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.model import Message, Planned, Sent, State
from shared.contracts.envelope import Body, Event, encode
from shared.contracts.followup import CaseBody
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
        query = select(
            MESSAGES.c.complaint, MESSAGES.c.cycle, MESSAGES.c.recipient, MESSAGES.c.purpose
        )
        for complaint, *rest in await tx.rows(query.where(tx.among(MESSAGES.c.complaint, wanted))):
            self.known[complaint].add(Purpose(*rest))

    async def write(self, tx: Tx) -> None:
        """Write the new ones."""
        if self.new:
            await tx.execute(tx.upsert(MESSAGES).on_conflict_do_nothing(), self.new)


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


async def due(connection: AsyncConnection, *, now: datetime, limit: int) -> Sequence[str]:
    """Ids of messages to try now, also those whose attempt never ended."""
    query = (
        select(MESSAGES.c.id)
        .where(MESSAGES.c.state.in_(("pending", "attempting")), MESSAGES.c.next_at <= now)
        .order_by(MESSAGES.c.next_at)
        .limit(limit)
    )
    return (await connection.execute(query)).scalars().all()


async def claim(tx: Tx, id_: str, *, until: datetime) -> Message | None:
    """Begin an attempt that must end by `until`; None when another has begun it."""
    statement = (
        update(MESSAGES)
        .where(
            MESSAGES.c.id == id_,
            MESSAGES.c.state.in_(("pending", "attempting")),
            MESSAGES.c.next_at <= tx.now,
        )
        .values(state="attempting", attempts=MESSAGES.c.attempts + 1, next_at=until)
        .returning(MESSAGES)
    )
    row = await tx.row(statement)
    return message_of(row) if row else None


async def forget_attempt(tx: Tx, message: Message, *, next_at: datetime) -> None:
    """The attempt did not begin: what it needs is away, which is no failure of the message."""
    await tx.execute(
        update(MESSAGES)
        .where(MESSAGES.c.id == message.id, MESSAGES.c.state == "attempting")
        .values(state="pending", attempts=message.attempts - 1, next_at=next_at)
    )


async def settle(
    tx: Tx,
    message: Message,
    *,
    state: State,
    next_at: datetime | None = None,
    reason: str | None = None,
) -> bool:
    """Record where the message stands; False when it moved on meanwhile."""
    statement = (
        update(MESSAGES)
        .where(
            MESSAGES.c.id == message.id,
            MESSAGES.c.state == "attempting",
            MESSAGES.c.attempts == message.attempts,
        )
        .values(state=state, next_at=next_at, reason=reason)
    )
    return (await tx.execute(statement)).rowcount == 1


async def receipt(tx: Tx, message: Message, *, state: State, reason: str | None) -> None:
    """Record what a provider told later."""
    await tx.execute(
        update(MESSAGES)
        .where(MESSAGES.c.id == message.id)
        .values(state=state, reason=reason, next_at=None)
    )


async def note_attempt(
    tx: Tx, message: Message, *, channel: str, started_at: datetime, sent: Sent
) -> None:
    """Keep what the provider answered."""
    new = tx.upsert(ATTEMPTS).values(
        message=message.id,
        attempt=message.attempts,
        channel=channel,
        started_at=started_at,
        ended_at=tx.now,
        result=sent.result,
        provider_id=sent.provider_id and sent.provider_id[:300],
        code=sent.code and sent.code[:300],
    )
    await tx.execute(new.on_conflict_do_nothing())


async def abandon_attempts(tx: Tx) -> None:
    """Free the attempts of a process that is gone: only where no other process can be sending."""
    await tx.execute(
        update(MESSAGES).where(MESSAGES.c.state == "attempting").values(next_at=tx.now)
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
    await tx.execute(insert(FEED), rows)


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
