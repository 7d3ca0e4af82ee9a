"""The sender: takes due messages, asks the vault where to, hands them to a channel. No transaction is open meanwhile.

Each attempt is committed before the provider is called and again after. A crash in between leaves an attempt that
never ended: it is made again, with the same id, so that a provider or a mailbox can drop the repeat; where a repeat
would reach the person twice, that the provider was about to be called is committed too, and a person decides. Nothing
else repeats one: an attempt that was made is recorded however long the database is away, and a stop waits for it.
"""

import asyncio
import random
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from services.notify import store
from services.notify.channels import Channel
from services.notify.channels.offers import Offers
from services.notify.channels.vault import Vault
from services.notify.model import Begun, Contact, Ended, Message, Outgoing, Sent
from services.notify.policy.answering import MOST, WITHIN, is_answer, token_of
from services.notify.policy.form import shaped
from services.notify.policy.sending import Later, Never, Now, is_extra, may_send
from services.notify.policy.way import Way, ways
from services.notify.sender.gates import Busy, Gate
from services.notify.usecases import Notify, sending
from services.notify.usecases.writing import Unwritable, values_of, write
from shared import faults, telemetry
from shared.errors import Gone, Transient
from shared.store.batch import Batcher
from shared.store.database import Database

R = TypeVar("R")

AT_ONCE: Final = 8
"""Messages in work at once; of those, a channel has as many as it says, four by default."""
CLAIM: Final = 20
"""Attempts begun in one transaction: what a killed sender leaves to be made again after their limit."""
PATIENCE_SECONDS: Final = 0.05
"""How long what became of an attempt may wait to be recorded together with what becomes of the others under way."""
POLL_SECONDS: Final = 0.5
VAULT_PAUSE: Final = timedelta(seconds=2)
RECORD_PAUSE_SECONDS: Final = 0.5

log = telemetry.logger("sender")


@dataclass(slots=True)
class _Round:
    """What those share who send until nothing is due."""

    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the one who looks for more, or waits for it."""
    is_dry: bool = False
    """Whether all that was due is begun: nobody need look again before something is planned or time has passed."""
    is_over: bool = False


class Sender:
    """Sends one service's messages, a few at a time."""

    def __init__(
        self, *, database: Database, notify: Notify, vault: Vault, channels: Mapping[str, Channel],
        metrics: telemetry.Metrics, key: bytes, is_alone: bool,
    ) -> None:  # fmt: skip
        self._database = database
        self._notify = notify
        self._vault = vault
        self._channels = channels
        self._gates: dict[str, Gate] = {}
        self._metrics = metrics
        self._key = key
        self._is_alone = is_alone
        self._finishing = Batcher[Ended, None](
            database, sending.finish, coming=lambda: self._sending, patience=PATIENCE_SECONDS
        )
        self._begun: deque[Begun] = deque()
        self._is_told = False
        """Whether a message was just planned, so that there is no need to look whether one is due."""
        self._sending = 0
        self._answering: dict[str, str] = {}
        """Automatic answers under way: message → token of the address. What is recorded counts from the table."""
        self._under_way: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Send for ever."""
        if self._is_alone:
            # No other process can be in the middle of an attempt: what was begun has no end to wait for.
            await self._database.run(store.abandon_attempts)
        while True:
            try:
                while not self._database.is_paused and await self.send_due():
                    pass
            except Transient as error:
                log.warning("sender waits", error=str(error))
                await asyncio.sleep(VAULT_PAUSE.total_seconds())
            self._is_told = await self._notify.planned.wait(POLL_SECONDS)

    async def stop(self) -> None:
        """Once `run` has ended: let what is under way end, and give back what was begun and not made."""
        for gate in self._gates.values():
            gate.is_closed = True
        while self._under_way:
            await asyncio.wait(self._under_way)
        while self._begun:
            await self._postpone(self._begun.popleft().message, wait=timedelta())

    async def send_due(self) -> int:
        """Send until nothing is due, a few at a time; says how many were tried. Raises Transient."""
        round_ = _Round()
        working = (self._work(round_) for _ in range(AT_ONCE))
        results = await asyncio.gather(*working, return_exceptions=True)
        if failed := [one for one in results if isinstance(one, BaseException)]:
            raise failed[0]
        return sum(one for one in results if isinstance(one, int))

    async def _work(self, round_: _Round) -> int:
        """Send one after another; what became of the last is recorded while the next is sent."""
        tried, recording = 0, None
        try:
            while (begun := await self._next(round_)) is not None:
                next_ = await asyncio.shield(self._to_the_end(self._send(begun)))
                tried += 1
                if recording is not None:
                    await asyncio.shield(recording)
                recording = next_
            if recording is not None:
                await asyncio.shield(recording)
        except BaseException:
            # Otherwise the others, who find more and more to do, would keep it from being told.
            round_.is_over = True
            raise
        return tried

    async def _next(self, round_: _Round) -> Begun | None:
        """The next message; None once none is due and nothing is under way."""
        async with round_.asking:
            while not self._begun and not round_.is_over:
                if not round_.is_dry:
                    self._begun.extend(found := await self._begin())
                    round_.is_dry = len(found) < CLAIM
                elif await self._hears_of_more():
                    round_.is_dry = False
                else:
                    round_.is_over = True
            return self._begun.popleft() if self._begun else None

    async def _hears_of_more(self) -> bool:
        """Wait for what is planned or comes due while others are sent; False once nothing is under way any more."""
        while self._under_way:
            hearing = asyncio.ensure_future(self._notify.planned.wait(POLL_SECONDS))
            try:
                await asyncio.wait({hearing, *self._under_way}, return_when=asyncio.FIRST_COMPLETED)
                if hearing.done():
                    self._is_told = hearing.result()
                    return True
            finally:
                hearing.cancel()
        return False

    async def _begin(self) -> Sequence[Begun]:
        if self._database.is_paused:
            return ()
        is_told, self._is_told = self._is_told, False
        if not is_told:
            async with self._database.reading() as connection:
                # Most rounds find nothing: looking needs no writer.
                if not await store.is_due(connection, now=self._database.clock.now()):
                    return ()
        return await self._database.run(lambda tx: sending.begin(tx, limit=CLAIM))

    def _to_the_end(self, work: Coroutine[Any, Any, R]) -> "asyncio.Task[R]":
        """Do it also while whoever waits for it is cancelled: a provider may have taken the message already."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _send(self, begun: Begun) -> "asyncio.Task[None] | None":
        """Send a message; gives what then records its end, which others may share. None where there is none."""
        message = begun.message
        self._sending += 1
        try:
            with telemetry.tracing(None, number=message.number):
                faults.reach("notify.after_attempting")
                ended = await self._attempt(begun)
                return self._to_the_end(self._record(ended)) if ended else None
        except Gone:
            await self._give_up(message, "erased")
        except Unwritable as error:
            log.error("message cannot be written", message=message.id, error=str(error))
            await self._give_up(message, "template")
        except Busy as error:
            await self._postpone(message, wait=error.wait)
        except Transient as error:
            log.info("message waits", message=message.id, error=str(error))
            await self._postpone(message, wait=VAULT_PAUSE)
        finally:
            self._sending -= 1
        self._answering.pop(message.id, None)
        return None

    async def _attempt(self, begun: Begun) -> Ended | None:
        """What came of the attempt; None where none was made. Raises Gone, or Transient before it."""
        message = begun.message
        if message.calling is not None and (lost := self._lost(message)):
            return lost
        contact = await self._vault.contact(message)
        faults.reach("notify.after_vault")
        found = self._ways(begun, contact) if contact else []
        if message.channel and self._is_emptied_by_others(message.channel):
            others = [way.channel for way in found if way.channel != message.channel]
            sent = Sent("refused", code="no receipt")
            return self._ended(message, self._channels[message.channel], sent, others=others)
        if contact is None or not found:
            reason = "refused" if message.passed else "no_contact"
            await self._give_up(message, reason)
            return None
        way = await self._in_time(begun, found)
        if way is None:
            return None
        outgoing = self._outgoing(begun, contact, way)
        return await self._by(
            way, message, outgoing, others=[one.channel for one in found if one != way]
        )

    def _is_emptied_by_others(self, channel: str) -> bool:
        """Whether the message was offered there before: its time is over and nobody answered for it."""
        return isinstance(self._channels.get(channel), Offers)

    def _ended(
        self, message: Message, channel: Channel, sent: Sent, *, others: Sequence[str] = ()
    ) -> Ended:
        jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
        return Ended(
            message, channel.name, sent, self._database.clock.now(), jitter,
            contact=channel.traits.contact, others=tuple(others), repeats=channel.traits.repeats,
        )  # fmt: skip

    async def _give_up(self, message: Message, reason: str) -> None:
        await self._database.run(lambda tx: sending.give_up(tx, message, reason=reason))

    def _lost(self, message: Message) -> Ended | None:
        """What is known of an attempt whose process died as it called: nobody knows whether it arrived."""
        channel = self._channels.get(message.calling or "")
        return (
            self._ended(message, channel, Sent("unknown", code="the process ended"))
            if channel
            else None
        )

    def _ways(self, begun: Begun, contact: Contact) -> list[Way]:
        traits = {name: channel.traits for name, channel in self._channels.items()}
        if "group" in contact.addresses:
            # A group's robot is a recipient of its own.
            traits = {
                name: one for name, one in traits.items() if (name,) == contact.addresses["group"]
            }
        found = ways(contact, traits, message=begun.message, wishes=begun.wishes)
        # The desk has it anyway; what is sent besides is tried first.
        return sorted(found, key=lambda way: traits[way.channel].contact == "inbox")

    async def _in_time(self, begun: Begun, found: Sequence[Way]) -> Way | None:
        """The first way that may be used now; where there is none, what is decided is recorded."""
        now, zone = self._database.clock.now(), self._notify.settings.timezone
        # What they wait for need not wait for morning where another way rings nobody; all else can.
        usable = found[:1] if is_extra(begun.message.purpose) else found
        later: list[datetime] = []
        for way in usable:
            if await self._is_answered_enough(begun.message, way):
                continue
            match may_send(begun, self._channels[way.channel].traits, now=now, zone=zone):
                case Now():
                    return way
                case Later(at):
                    later.append(at)
                case Never(reason):
                    await self._give_up(begun.message, reason)
                    return None
        if later:
            await self._postpone(begun.message, wait=min(later) - now)
        else:
            await self._give_up(begun.message, "capped")
        return None

    def _token(self, message: Message, way: Way) -> str | None:
        """The token of the address that an automatic answer goes to by mail; None for all else."""
        is_mail = self._channels[way.channel].traits.contact == "email"
        return token_of(way.address, self._key) if is_mail and is_answer(message) else None

    async def _is_answered_enough(self, message: Message, way: Way) -> bool:
        """Whether an address got so many answers within a day that a machine may stand behind it."""
        token = self._token(message, way)
        if token is None:
            return False
        since = self._database.clock.now() - WITHIN
        async with self._database.reading() as connection:
            known = await store.answers_to(connection, token, since=since, beside=message.id)
        if known + sum(one == token for one in self._answering.values()) >= MOST:
            return True
        self._answering[message.id] = token
        return False

    async def _by(
        self, way: Way, message: Message, outgoing: Outgoing, *, others: Sequence[str]
    ) -> Ended | None:
        """Call the provider, once there is a place at its gate."""
        channel = self._channels[way.channel]
        gate = self._gates.get(way.channel) or self._gates.setdefault(
            way.channel, Gate(channel.traits, clock=self._database.clock.now)
        )
        async with gate.passing():
            if not channel.traits.repeats and not await self._database.run(
                lambda tx: store.call(tx, message, channel.name)
            ):
                return None
            faults.reach("notify.in_call")
            started_at = self._database.clock.now()
            sent = await self._try(channel, outgoing)
            gate.ended(sent.result)
        self._metrics.messages.labels(way.channel, sent.result).inc()
        faults.reach("notify.after_sent")
        ended = self._ended(message, channel, sent, others=others)
        return replace(ended, started_at=started_at, answers=self._token(message, way))

    async def _record(self, ended: Ended) -> None:
        """Record an attempt that was made: as long as it is not, the message would leave again."""
        while True:
            try:
                # Again also where COMMIT got no answer: an attempt that has ended is left as it is.
                await self._finishing.submit(ended)
                break
            except Transient as error:
                log.warning("an attempt's end waits", message=ended.message.id, error=str(error))
                await asyncio.sleep(RECORD_PAUSE_SECONDS)
        self._answering.pop(ended.message.id, None)
        faults.reach("notify.after_recorded")

    async def _postpone(self, message: Message, *, wait: timedelta) -> None:
        await self._database.run(lambda tx: sending.postpone(tx, message, wait=wait))

    async def _try(self, channel: Channel, outgoing: Outgoing) -> Sent:
        try:
            return await channel.send(outgoing)
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the others
            log.error(
                "channel failed",
                channel=channel.name,
                error=type(error).__name__,
                message=outgoing.id,
            )
            return Sent("retry", code=type(error).__name__)

    def _outgoing(self, begun: Begun, contact: Contact, way: Way) -> Outgoing:
        """The message as its channel carries it. Raises what makes it impossible to write."""
        message, traits = begun.message, self._channels[way.channel].traits
        values = values_of(message, contact, begun.wishes, self._notify)
        written = write(message, values, self._notify)
        subject, body = shaped(written.subject, written.body, traits)
        return Outgoing(
            message.id, message.number, way.address, subject, body, values.language,
            self._database.clock.now(), letter=message.letter, values=values.words,
        )  # fmt: skip
