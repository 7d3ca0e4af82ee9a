"""The loop that consumes: each event's effect, its mark and what it says in one transaction, offsets afterwards.

A batch is one transaction. If an event fails, the batch is done again one by one; one that fails again alone is
parked with its key. What passes by itself (database or log away, something not here yet) is waited for, for ever.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar

from shared import faults, telemetry
from shared.backoff import pause_after
from shared.bus.port import Bus, BusUnavailable, GroupMoved, Record, Slot, Subscription
from shared.contracts.catalogue import BOUNDED_SOURCES, BY_TYPE, TOPICS, is_newer_version
from shared.contracts.envelope import Body, Event, Header, Unreadable, read_event, read_header
from shared.errors import NotHereYet, Transient
from shared.store import holds, parked
from shared.store.database import Database
from shared.store.parked import Parked
from shared.store.progress import Key, Verdict, judge, marks, record
from shared.store.signal import Signal
from shared.store.transaction import Remember, Tx

C = TypeVar("C")
Handler = Callable[[Event[Any], Tx, C], Awaitable[None]]
Subscriptions = Mapping[type[Body], Handler[C]]

BATCH: Final = 500
"""Events that a transaction takes at most."""
LANE: Final = 50
"""Events that are worth a transaction of their own beside another."""
TAKE_WAIT: Final = timedelta(seconds=1)
RETRY_POLL_SECONDS: Final = 1.0
HELD_SECONDS: Final = 0.5
UNREADABLE: Final = "unreadable:"
"""What stands for the source of a record without an envelope; its place in the log follows."""

log = telemetry.logger("consumer")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A record whose envelope was read."""

    header: Header
    value: bytes
    key: Key = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", Key(self.header.source, self.header.subject))


class NewerVersion(Unreadable):
    """An event in a major version this release does not know: it waits for the next deploy."""


class Consumer(Generic[C]):
    """Applies events to one service's database."""

    def __init__(  # noqa: PLR0913 - each is one thing that services differ in
        self,
        *,
        database: Database,
        bus: Bus,
        subscriptions: Subscriptions[C],
        context: C,
        metrics: telemetry.Metrics,
        remember: Remember | None = None,
        can_be_held: bool = False,
        lanes: int = 1,
        in_order: bool = False,
    ) -> None:
        """`can_be_held`: the service has read models, and whoever rebuilds one holds its consumers.

        `lanes`: into how many transactions side by side a large batch is divided, by subject. `in_order`: a backlog is
        taken topic after topic.
        """
        self._lanes = 1 if database.is_sqlite else lanes
        self._in_order = in_order
        self._database = database
        self._bus = bus
        self._can_be_held = can_be_held
        self._handlers = {
            f"redress.{body.name}": handler for body, handler in subscriptions.items()
        }
        self._context = context
        self._metrics = metrics
        self._remember = remember
        self._parked = Signal()
        self.topics = topics_of(subscriptions)
        self.group = group_of(database.service)
        self.stuck_since: float | None = None
        """Loop time since when nothing could be applied for a passing reason."""

    async def run(self) -> None:
        """Consume for ever."""
        if not self.topics:
            return
        failures = 0
        while True:
            try:
                async with self._bus.subscribe(
                    self.group, self.topics, in_order=self._in_order
                ) as subscription:
                    failures = 0
                    await self._consume(subscription)
            except BusUnavailable as error:
                pause = pause_after(failures)
                failures += 1
                log.warning(
                    "the log is away",
                    service=self._database.service,
                    error=str(error),
                    seconds=pause,
                )
                await asyncio.sleep(pause)

    async def run_retries(self) -> None:
        """Try parked keys again, for ever."""
        while True:
            try:
                while not self._database.is_paused and await self.retry_parked():
                    pass
            except Transient as error:
                log.warning("parked keys wait", service=self._database.service, error=str(error))
            await self._parked.wait(RETRY_POLL_SECONDS)

    async def _consume(self, subscription: Subscription) -> None:
        failures = 0
        while True:
            if self._database.is_rebuilding:
                await _rest(subscription, [], HELD_SECONDS)
                continue
            batch = await subscription.take(at_most=BATCH * self._lanes, wait=TAKE_WAIT)
            if not batch:
                continue
            faults.reach("consumer.after_take")
            try:
                await self.apply([one for records in batch.values() for one in records])
            except Transient as error:
                pause = pause_after(failures)
                failures += 1
                self.stuck_since = self.stuck_since or asyncio.get_running_loop().time()
                log.warning(
                    "consumer waits",
                    service=self._database.service,
                    error=str(error),
                    seconds=pause,
                )
                await subscription.rewind(
                    {slot: records[0].offset for slot, records in batch.items()}
                )
                await _rest(subscription, list(batch), pause)
                continue
            failures, self.stuck_since = 0, None
            faults.reach("consumer.before_offsets")
            try:
                await subscription.commit(
                    {slot: records[-1].offset + 1 for slot, records in batch.items()}
                )
            except (GroupMoved, BusUnavailable) as error:
                # The marks make redelivery harmless.
                log.info("offsets not committed", service=self._database.service, error=str(error))

    async def apply(self, records: Sequence[Record]) -> None:
        """Apply records in order, each once. Raises Transient when nothing of it can be done now."""
        deliveries, unreadable = read_deliveries(records)
        for each, error in unreadable:
            await self._park_unreadable(each, error)
        lanes = divided(deliveries, self._lanes)
        # All come to their end, whatever becomes of one: their marks absorb it when it is taken again.
        ended = await asyncio.gather(*map(self._apply_together, lanes), return_exceptions=True)
        for one in ended:
            if one is not None:
                raise one

    async def _apply_together(self, deliveries: Sequence[Delivery]) -> None:
        try:
            await self._database.run(lambda tx: self._apply(tx, deliveries))
        except Exception as error:
            if isinstance(error, Transient) and not isinstance(error, NotHereYet):
                raise
            log.info(
                "batch failed, one by one now",
                service=self._database.service,
                error=type(error).__name__,
            )
            for delivery in deliveries:
                await self._apply_alone(delivery)

    async def _apply_alone(self, delivery: Delivery) -> None:
        try:
            await self._database.run(lambda tx: self._apply(tx, [delivery]))
        except NotHereYet as error:
            # Another topic brings it: to wait here could mean to wait behind it.
            await self._park(delivery, "waiting", str(error))
        except Transient:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is parked with its key
            text = f"{type(error).__name__}: {error}"
            log.error("event parked", service=self._database.service, type=delivery.header.type,
                      subject=delivery.header.subject, error=text)  # fmt: skip
            reason: parked.Reason = "version" if isinstance(error, NewerVersion) else "failed"
            await self._park(delivery, reason, text)

    async def _park(self, delivery: Delivery, reason: parked.Reason, error: str) -> None:
        one = Parked(delivery.key, delivery.header.sequence, delivery.value, reason, 0)
        await self._database.run(lambda tx: parked.park(tx, one, error=error))
        self._parked.set()

    async def _apply(self, tx: Tx, deliveries: Sequence[Delivery]) -> None:
        if self._can_be_held:
            await holds.must_flow(tx)
        await tx.lock(*(delivery.key.subject for delivery in deliveries))
        keys = [delivery.key for delivery in deliveries]
        last, waiting = await marks(tx, keys), await parked.sequences(tx, keys)
        moved: dict[Key, int] = {}
        to_apply: list[Delivery] = []
        judged: Counter[Verdict] = Counter()
        for delivery in deliveries:
            key, sequence = delivery.key, delivery.header.sequence
            others = waiting.get(key, set())
            if sequence in others:
                continue
            verdict = judge(
                last=last[key],
                sequence=sequence,
                is_bounded=key.source in BOUNDED_SOURCES,
                is_parked=bool(others),
            )
            judged[verdict] += 1
            if verdict is Verdict.APPLY:
                to_apply.append(delivery)
                last[key] = moved[key] = sequence
                if others:
                    await parked.wake(tx, key)
                    tx.wakes.add(self._parked)
            elif verdict is Verdict.PARK:
                gap = f"{sequence} came while {last[key] + 1} is not applied"
                await parked.park(tx, Parked(key, sequence, delivery.value, "gap", 0), error=gap)
                waiting.setdefault(key, set()).add(sequence)
        for verdict, count in judged.items():
            self._metrics.consumed.labels(self._database.service, verdict.value).inc(count)
        await self._handle_all(tx, to_apply)
        await record(tx, moved)
        faults.reach("consumer.in_transaction")

    async def _handle_all(self, tx: Tx, deliveries: Sequence[Delivery]) -> None:
        about = {one.key.subject for one in deliveries if one.header.type in self._handlers}
        if about and self._remember is not None:
            tx.ahead = [one.header for one in deliveries]
            await self._remember(tx, about)
        for delivery in deliveries:
            await self._handle(tx, delivery)

    async def _handle(self, tx: Tx, delivery: Delivery) -> None:
        type_ = delivery.header.type
        handler = self._handlers.get(type_)
        if handler is None:
            if is_newer_version(type_):
                raise NewerVersion(f"{type_} is newer than this release: it waits for an upgrade")
            return
        event = read_event(delivery.header, BY_TYPE[type_], encoded=delivery.value)
        with tx.because_of(event):
            await handler(event, tx, self._context)

    async def retry_parked(self) -> bool:
        """Try the head of each key that is due; says whether any was applied."""
        applied = False
        for key in await parked.due(self._database, now=self._database.clock.now()):
            while await self._retry_head(key):
                applied = True
        return applied

    async def replay(self, key: Key) -> int:
        """Try a parked key's events now, in order, until one fails; says how many were applied."""
        retry = self._retry_unreadable if key.source.startswith(UNREADABLE) else self._retry_head
        applied = 0
        while await retry(key):
            applied += 1
        return applied

    async def drop(self, key: Key, sequence: int) -> bool:
        """Do without a parked event, the first of its key, and go on behind it; False when it is not parked (any more).

        Raises Conflict while an earlier one of its key is parked.
        """
        is_dropped = await self._database.run(lambda tx: parked.drop(tx, key, sequence))
        if is_dropped:
            await self.replay(key)
        return is_dropped

    async def _retry_unreadable(self, key: Key) -> bool:
        """Apply a record that an earlier release could not read; it holds no other back."""

        async def unit(tx: Tx) -> bool:
            one = await parked.head(tx, key)
            if one is None:
                return False
            try:
                delivery = Delivery(read_header(one.event), one.event)
            except Unreadable as error:
                await parked.failed_again(tx, one, error=str(error))
                return False
            await self._apply(tx, [delivery])
            await parked.remove(tx, one)
            return True

        return await self._database.run(unit)

    async def _retry_head(self, key: Key) -> bool:
        seen: list[Parked] = []
        try:
            return await self._database.run(lambda tx: self._apply_head(tx, key, seen))
        except Exception as error:
            is_early = isinstance(error, NotHereYet)
            if isinstance(error, Transient) and not is_early:
                raise
            text, one = f"{type(error).__name__}: {error}", seen[-1]
            await self._database.run(
                lambda tx: parked.failed_again(tx, one, error=text, is_early=is_early)
            )
            return False

    async def _apply_head(self, tx: Tx, key: Key, seen: list[Parked]) -> bool:
        if self._can_be_held:
            await holds.must_flow(tx)
        await tx.lock(key.subject)
        one = await parked.head(tx, key)
        if one is None:
            return False
        seen.append(one)
        last = (await marks(tx, [key]))[key]
        if one.sequence > last + 1 and key.source not in BOUNDED_SOURCES:
            await parked.hold(tx, one)
            return False
        if one.sequence > last:
            await self._handle(tx, Delivery(read_header(one.event), one.event))
            await record(tx, {key: one.sequence})
        await parked.remove(tx, one)
        return True

    async def _park_unreadable(self, one: Record, error: Unreadable) -> None:
        # Without an envelope there is no key to hold back: it stands alone, named by its place in the log.
        place = Key(f"{UNREADABLE}{one.slot.topic}/{one.slot.partition}", (one.key or "?")[:200])
        entry = Parked(place, one.offset + 1, one.value, "unreadable", 0)
        log.error("unreadable record parked", service=self._database.service, topic=one.slot.topic,
                  partition=one.slot.partition, offset=one.offset, error=str(error))  # fmt: skip
        await self._database.run(lambda tx: parked.park(tx, entry, error=str(error)))


def topics_of(subscriptions: Subscriptions[Any]) -> list[str]:
    """The topics that carry what is subscribed to, in the order in which one follows from another."""
    wanted = {TOPICS[body.source] for body in subscriptions}
    return [topic for topic in TOPICS.values() if topic in wanted]


def group_of(service: str) -> str:
    """The group that a service's consumers are members of."""
    return f"redress-{service}"


def read_deliveries(
    records: Iterable[Record],
) -> tuple[list[Delivery], list[tuple[Record, Unreadable]]]:
    """The records with an envelope, and those without, each with what is wrong."""
    deliveries: list[Delivery] = []
    unreadable: list[tuple[Record, Unreadable]] = []
    for one in records:
        try:
            deliveries.append(Delivery(read_header(one.value), one.value))
        except Unreadable as error:
            unreadable.append((one, error))
    return deliveries, unreadable


def divided(deliveries: Sequence[Delivery], lanes: int) -> list[list[Delivery]]:
    """The deliveries in lanes, all about one subject in the same and in order; few are not worth a second one."""
    if len(deliveries) < LANE * lanes:
        lanes = 1
    found: list[list[Delivery]] = [[] for _ in range(lanes)]
    for one in deliveries:
        found[hash(one.key.subject) % lanes].append(one)
    return [lane for lane in found if lane]


async def _rest(subscription: Subscription, slots: list[Slot], seconds: float) -> None:
    """Let time pass without taking anything, yet keep polling, so that the group does not give us up."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    subscription.pause(slots)
    try:
        while (left := end - loop.time()) > 0:
            others = await subscription.take(at_most=1, wait=timedelta(seconds=left))
            if others:
                await subscription.rewind(
                    {slot: records[0].offset for slot, records in others.items()}
                )
                subscription.pause(list(others))
                slots.extend(others)
    finally:
        subscription.resume(slots)
