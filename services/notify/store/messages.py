"""Messages: planned, taken by the sender, and where they stand."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    Integer,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.model import About, Ended, Fate, Message, Planned, State
from services.notify.store.people import forget_facts
from services.notify.store.tables import ATTEMPTS, MESSAGES
from shared.ids import first_id_at
from shared.store.leases import database_milliseconds
from shared.store.lists import unless_there
from shared.store.transaction import AnyRow, Tx


class Purpose(NamedTuple):
    """What there is one message for, about each complaint."""

    cycle: int
    recipient: str
    purpose: str


class Plans:
    """The messages that a unit plans: what there is is read at once, what is new is written at once."""

    def __init__(self) -> None:
        self.known: dict[str, set[Purpose]] = {}
        self.new: list[dict[str, Any]] = []
        self.cancelled: list[tuple[str, Purpose]] = []

    async def read(self, tx: Tx, complaints: Collection[str]) -> None:
        """Read which messages there are about these, unless that was read before."""
        wanted = set(complaints) - self.known.keys()
        self.known.update((one, set()) for one in wanted)
        for complaint, *rest in await tx.rows_among(_PURPOSE, MESSAGES.c.complaint, wanted):
            self.known[complaint].add(Purpose(*rest))

    async def write(self, tx: Tx) -> None:
        """Write the new ones, and cancel what they replace and was not begun yet."""
        await tx.add(MESSAGES, self.new, unless_there)
        if self.cancelled:
            rows = [
                {"of_complaint": complaint}
                | {f"of_{name}": value for name, value in purpose._asdict().items()}
                for complaint, purpose in self.cancelled
            ]
            await tx.execute(_CANCEL, rows)


_PURPOSE: Final = select(
    MESSAGES.c.complaint, MESSAGES.c.cycle, MESSAGES.c.recipient, MESSAGES.c.purpose
)
_CANCEL: Final = (
    update(MESSAGES)
    .where(
        *(
            MESSAGES.c[name] == bindparam(f"of_{name}")
            for name in ("complaint", "cycle", "recipient", "purpose")
        ),
        MESSAGES.c.state == "pending",
        MESSAGES.c.attempts == 0,
    )
    .values(state="cancelled", next_at=None, reason="superseded")
)


async def remember_purposes(tx: Tx, complaints: Collection[str]) -> None:
    """Read at once which messages there are about many complaints."""
    await tx.memory(Plans).read(tx, complaints)


async def purposes(tx: Tx, complaint: str) -> set[Purpose]:
    """What messages about a complaint are there for. Lock it first."""
    plans = tx.memory(Plans)
    if complaint not in plans.known:
        await plans.read(tx, [complaint])
    return plans.known[complaint]


async def plan(tx: Tx, planned: Planned, *, id_: str, about: About, event_id: str | None) -> bool:
    """Plan a message; False when this complaint, cycle and recipient has one of this purpose."""
    purpose = Purpose(about.cycle, planned.recipient, planned.purpose)
    known = await purposes(tx, about.complaint)
    is_there = purpose in known or (
        planned.once_ever and any(one[1:] == (planned.recipient, planned.purpose) for one in known)
    )
    if is_there:
        return False
    known.add(purpose)
    row = {
        "id": id_,
        "complaint": about.complaint,
        "number": about.number,
        "unit": about.unit,
        "letter": planned.letter,
        "complainant_id": about.complainant_id,
        "language": about.language,
        "pack": about.pack,
        "pack_version": about.pack_version,
        "variables": dict(planned.variables),
        "state": "pending",
        "attempts": 0,
        "next_at": max(planned.not_before, tx.now) if planned.not_before else tx.now,
        "planned_at": tx.now,
        "lane": planned.lane,
        "event_id": event_id,
        "answers": int(planned.answers),
    }
    tx.memory(Plans).new.append(row | purpose._asdict())
    return True


async def cancel(tx: Tx, about: About, recipient: str, replaced: Iterable[str]) -> None:
    """Cancel messages of this cycle that say less than what comes now, as far as they were not begun."""
    known, plans = await purposes(tx, about.complaint), tx.memory(Plans)
    for name in replaced:
        purpose = Purpose(about.cycle, recipient, name)
        if purpose in known:
            plans.cancelled.append((about.complaint, purpose))


async def has_purpose(tx: Tx, *, complaint: str, cycle: int, purpose: str) -> bool:
    """Whether a message of this purpose is planned for this cycle already."""
    known = await purposes(tx, complaint)
    return any((one.cycle, one.purpose) == (cycle, purpose) for one in known)


async def is_due(connection: AsyncConnection, *, now: datetime) -> bool:
    """Whether there is a message to try now."""
    found = await connection.execute(_any_due(connection.dialect.name), {"now": now})
    return found.first() is not None


async def claim(tx: Tx, *, within: timedelta, limit: int) -> list[Message]:
    """Begin attempts that must end `within` that time, also of messages whose last attempt never ended.

    The lower lane first, and in it customers before staff, who have the desk. What another sender is just taking is
    left to it: messages need no order between them.
    """
    parameters = {
        "now": tx.now, "until": tx.now + within, "limit": limit, "milliseconds": round(within.total_seconds() * 1000),
    }  # fmt: skip
    found = map(message_of, await tx.rows(_claimed(tx.connection.dialect.name), parameters))
    return sorted(found, key=lambda one: (one.lane, one.is_to_staff, one.id))


_IS_WAITING: Final[ColumnElement[bool]] = literal_column(
    "state IN ('pending', 'attempting', 'offered')"
)
"""In the index's own words: SQLite uses it for no others. Without a type: of a Boolean it would ask whether it is 1."""


@cache
def _any_due(dialect: str) -> Select[tuple[str]]:
    return select(MESSAGES.c.id).where(_is_due(database_milliseconds(dialect))).limit(1)


@cache
def _claimed(dialect: str) -> Executable:
    """Begin attempts of what is due, and give it. Built once: each message waits for it."""
    clock = database_milliseconds(dialect)
    chosen = (
        select(MESSAGES.c.id)
        .where(_is_due(clock))
        .order_by(MESSAGES.c.lane, MESSAGES.c.next_at)
        .limit(bindparam("limit", type_=Integer))
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    return (
        update(MESSAGES)
        .where(MESSAGES.c.id.in_(select(chosen.c.id)))
        .values(
            state="attempting",
            attempts=MESSAGES.c.attempts + 1,
            next_at=bindparam("until", type_=MESSAGES.c.next_at.type),
            expires=clock + bindparam("milliseconds", type_=BigInteger),
        )
        .returning(MESSAGES)
    )


def _is_due(clock: ColumnElement[int]) -> ColumnElement[bool]:
    """What waits for its time, or whose attempt is lost. Services' clocks may jump; `clock` is the database's."""
    now = bindparam("now", type_=MESSAGES.c.next_at.type)
    is_lost = func.coalesce(MESSAGES.c.expires, 0) < clock
    return (
        _IS_WAITING & (MESSAGES.c.next_at <= now) & ((MESSAGES.c.state != "attempting") | is_lost)
    )


async def call(tx: Tx, message: Message, channel: str) -> bool:
    """Note that a provider is about to be called that must not be called twice; False when the attempt is another's."""
    row = await tx.row(
        update(MESSAGES)
        .where(
            MESSAGES.c.id == message.id,
            MESSAGES.c.state == "attempting",
            MESSAGES.c.attempts == message.attempts,
        )
        .values(calling=channel)
        .returning(MESSAGES.c.id)
    )
    return row is not None


async def forget_attempt(tx: Tx, message: Message, *, next_at: datetime) -> None:
    """The attempt did not begin: what it needs is away, which is no failure of the message."""
    await tx.execute(
        update(MESSAGES)
        .where(
            MESSAGES.c.id == message.id,
            MESSAGES.c.state == "attempting",
            MESSAGES.c.attempts == message.attempts,
        )
        .values(state="pending", attempts=message.attempts - 1, next_at=next_at, calling=None)
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


async def settle(tx: Tx, fates: Sequence[tuple[Message, str | None, Fate]]) -> None:
    """Record where messages stand that are held, and by which channel."""
    rows = [
        {
            "of_id": one.id,
            "state": fate.state,
            "next_at": fate.next_at,
            "reason": fate.kept_reason,
            "channel": None if fate.passes else channel,
            "channel_attempts": 0 if fate.passes else tries(one, channel),
            "passed": [*one.passed, channel] if fate.passes and channel else list(one.passed),
        }
        for one, channel, fate in fates
    ]
    if rows:
        await tx.execute(_SETTLE, rows)


def tries(message: Message, channel: str | None) -> int:
    """How often a message was tried by a channel, with the attempt that just ended."""
    return message.channel_attempts + 1 if message.channel == channel else 1


_SETTLE: Final = (
    update(MESSAGES)
    .where(MESSAGES.c.id == bindparam("of_id"))
    .values(
        {
            name: bindparam(name)
            for name in ("state", "next_at", "reason", "channel", "channel_attempts", "passed")
        }
        | {"calling": None}
    )
)


async def move(
    tx: Tx, message: Message, *, state: State, reason: str | None, next_at: datetime | None, passed: Sequence[str],
) -> None:  # fmt: skip
    """Record what was learnt later: from a receipt, a bounce, or a person."""
    await tx.execute(
        update(MESSAGES)
        .where(MESSAGES.c.id == message.id)
        .values(
            state=state,
            reason=reason,
            next_at=next_at,
            passed=list(passed),
            channel_attempts=0,
            calling=None,
            expires=None,
        )
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


async def message(tx: Tx, id_: str, *, hold: bool = False) -> Message | None:
    """A message by its id; with `hold`, nobody else changes it until the commit."""
    query = select(MESSAGES).where(MESSAGES.c.id == id_)
    row = await tx.row(query.with_for_update() if hold else query)
    return message_of(row) if row else None


async def message_of_provider(tx: Tx, channel: str, provider_id: str) -> str | None:
    """The message that a provider knows by an id of its own."""
    query = (
        select(ATTEMPTS.c.message)
        .where(ATTEMPTS.c.provider_id == provider_id, ATTEMPTS.c.channel == channel)
        .order_by(ATTEMPTS.c.ended_at.desc())
        .limit(1)
    )
    row = await tx.row(query)
    return str(row.message) if row else None


def message_of(row: AnyRow) -> Message:
    fields = {name: row._mapping[name] for name in Message.__slots__ if name in row._mapping}
    return Message(**fields | {"passed": tuple(row.passed or ())})


async def last_attempt_channel(tx: Tx, message: Message) -> str:
    query = (
        select(ATTEMPTS.c.channel)
        .where(ATTEMPTS.c.message == message.id)
        .order_by(ATTEMPTS.c.attempt.desc())
        .limit(1)
    )
    row = await tx.row(query)
    return str(row.channel) if row else "none"


async def counts_of_late(tx: Tx, people: Collection[str], *, since: datetime) -> dict[str, int]:
    """How many messages each complainant was sent since then."""
    if not people:
        return {}
    rows = await tx.rows(_LATE, {"people": sorted(people), "since": since})
    return {row.complainant_id: row.times for row in rows}


_LATE: Final = (
    select(MESSAGES.c.complainant_id, func.count().label("times"))
    .where(
        MESSAGES.c.complainant_id.in_(bindparam("people", expanding=True)),
        MESSAGES.c.planned_at >= bindparam("since", type_=MESSAGES.c.planned_at.type),
        MESSAGES.c.recipient == "complainant",
        MESSAGES.c.state.in_(("accepted", "delivered", "offered")),
    )
    .group_by(MESSAGES.c.complainant_id)
)


async def cancel_all(tx: Tx, complainant: str) -> None:
    """Nothing more goes to somebody who was erased."""
    await tx.execute(
        update(MESSAGES)
        .where(
            MESSAGES.c.complainant_id == complainant,
            MESSAGES.c.recipient == "complainant",
            MESSAGES.c.state.in_(("pending", "offered", "held")),
        )
        .values(state="cancelled", next_at=None, reason="erased")
    )


async def forget_person(tx: Tx, complainant: str) -> None:
    """Forget what was written to somebody who was erased, and by which ids a provider could tell who they are.

    That there were messages, when, and what became of them stays; so does of a complaint what staff need.
    """
    theirs = MESSAGES.c.complainant_id == complainant, MESSAGES.c.recipient == "complainant"
    await tx.execute(update(MESSAGES).where(*theirs).values(variables={}))
    sent = select(MESSAGES.c.id).where(*theirs)
    await tx.execute(
        update(ATTEMPTS).where(ATTEMPTS.c.message.in_(sent)).values(provider_id=None, code=None)
    )
    about = select(MESSAGES.c.complaint).where(MESSAGES.c.complainant_id == complainant).distinct()
    for complaint in [row.complaint for row in await tx.rows(about)]:
        await forget_facts(tx, complaint)


async def told_to_staff(tx: Tx, *, since: datetime) -> dict[str, list[tuple[str, str]]]:
    """What each member of staff was told since then: account → (purpose, number). Ids tell roughly where to look."""
    query = (
        select(MESSAGES.c.recipient, MESSAGES.c.purpose, MESSAGES.c.number)
        .where(
            MESSAGES.c.id >= first_id_at(since),
            MESSAGES.c.planned_at >= since,
            MESSAGES.c.recipient.startswith("staff/"),
            MESSAGES.c.number != "",
        )
        .order_by(MESSAGES.c.id)
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for row in await tx.rows(query):
        account = row.recipient.removeprefix("staff/")
        found.setdefault(account, []).append((row.purpose, row.number))
    return found


async def complainant_of(tx: Tx, complaint: str) -> tuple[str, str] | None:
    """Who complained, and the unit, as the messages about it know."""
    query = (
        select(MESSAGES.c.complainant_id, MESSAGES.c.unit)
        .where(MESSAGES.c.complaint == complaint)
        .limit(1)
    )
    row = await tx.row(query)
    return (row.complainant_id, row.unit) if row else None


async def unit_of(connection: AsyncConnection, message: str) -> str | None:
    """The unit of a message; None where there is none."""
    query = select(MESSAGES.c.unit).where(MESSAGES.c.id == message)
    return (await connection.execute(query)).scalar()


async def unit_of_person(connection: AsyncConnection, complainant: str) -> str | None:
    """The unit whose messages somebody gets; None where there were none."""
    query = select(MESSAGES.c.unit).where(MESSAGES.c.complainant_id == complainant).limit(1)
    return (await connection.execute(query)).scalar()


async def messages(
    connection: AsyncConnection,
    *,
    units: frozenset[str],
    number: str | None,
    after: str | None,
    limit: int,
    to: str = "complainant",
) -> Sequence[AnyRow]:
    """Messages with the last attempt's answer, oldest id first. `to`: `complainant`, `staff`, or one recipient."""
    query = (
        select(
            MESSAGES,
            ATTEMPTS.c.channel.label("by"),
            ATTEMPTS.c.ended_at,
            ATTEMPTS.c.provider_id,
            ATTEMPTS.c.code,
        )
        .outerjoin(
            ATTEMPTS,
            (ATTEMPTS.c.message == MESSAGES.c.id) & (ATTEMPTS.c.attempt == MESSAGES.c.attempts),
        )
        .where(MESSAGES.c.unit.in_(sorted(units)))
        .order_by(MESSAGES.c.id)
        .limit(limit)
    )
    is_whose = (
        MESSAGES.c.recipient != "complainant" if to == "staff" else MESSAGES.c.recipient == to
    )
    query = query.where(is_whose)
    if number is not None:
        query = query.where(MESSAGES.c.number == number)
    if after is not None:
        query = query.where(MESSAGES.c.id > after)
    return (await connection.execute(query)).all()


async def attempts(connection: AsyncConnection, message: str) -> Sequence[AnyRow]:
    """Every attempt of a message, in order."""
    query = select(ATTEMPTS).where(ATTEMPTS.c.message == message).order_by(ATTEMPTS.c.attempt)
    return (await connection.execute(query)).all()
