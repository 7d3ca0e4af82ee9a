"""What notify does: load, decide, record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.notify import store
from services.notify.model import ACKNOWLEDGEMENT, Ended, Fate, Message, Planned, State
from services.notify.policy import choose, retry
from services.notify.policy.fate import fate_of
from shared.contracts.envelope import Body, Event
from shared.contracts.followup import (
    CaseBody,
    CaseChanged,
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseResolved,
)
from shared.contracts.notify import MessageBody, MessageDelivered, MessageFailed
from shared.errors import NotFound
from shared.ids import new_id
from shared.policy import Policy
from shared.settings import Settings
from shared.store.signal import Signal
from shared.store.timers import Timer
from shared.store.transaction import Tx

ACKNOWLEDGE_ANYWAY = "acknowledge_anyway"


@dataclass(frozen=True, slots=True)
class Notify:
    """What the use cases know beside the transaction."""

    settings: Settings
    policy: Policy
    planned: Signal
    """Wakes the sender."""
    appended: Signal
    """Wakes who follows the feed."""


async def keep(event: Event[Body], tx: Tx, notify: Notify) -> None:
    """Put an event into the feed."""
    store.append_to_feed(tx, event)
    tx.wakes.add(notify.appended)


async def on_opened(event: Event[CaseOpened], tx: Tx, notify: Notify) -> None:
    """Acknowledge at once if there is an owner, else soon, with or without one."""
    await keep(event, tx, notify)
    await _acknowledge_when_owned(event, tx, notify)


async def on_changed(event: Event[CaseChanged], tx: Tx, notify: Notify) -> None:
    """The first change that brings an owner brings the acknowledgement."""
    await keep(event, tx, notify)
    if event.body.state not in {"closed", "withdrawn"}:
        await _acknowledge_when_owned(event, tx, notify)


async def on_reopened(event: Event[CaseReopened], tx: Tx, notify: Notify) -> None:
    """The next cycle is acknowledged like the first."""
    await keep(event, tx, notify)
    await _acknowledge_when_owned(event, tx, notify)


async def on_resolved(event: Event[CaseResolved], tx: Tx, notify: Notify) -> None:
    """Tell the result."""
    await keep(event, tx, notify)
    planned = choose.result(event.body)
    if planned is not None:
        await _plan(tx, notify, planned, event)


async def on_closed(event: Event[CaseClosed], tx: Tx, notify: Notify) -> None:
    """Thank, and say what to do if it comes back."""
    await keep(event, tx, notify)
    tx.disarm(ACKNOWLEDGE_ANYWAY, subject=event.subject)
    await _plan(tx, notify, choose.closing(event.body), event)


async def acknowledge_anyway(timer: Timer, tx: Tx, notify: Notify) -> None:
    """Nobody owns the case yet: the customer is told all the same that it arrived."""
    case = CaseOpened.model_validate(timer.body["case"])
    planned = choose.acknowledgement(case, owner=None, zone=notify.settings.timezone)
    await _record(tx, notify, planned, case=case, complaint=timer.subject, unit=timer.body["unit"])


async def _acknowledge_when_owned(event: Event[Any], tx: Tx, notify: Notify) -> None:
    case: CaseBody = event.body
    if await store.has_purpose(
        tx, complaint=event.subject, cycle=case.cycle, purpose=ACKNOWLEDGEMENT
    ):
        return
    if case.owner.handler is None or case.kind is None:
        due_at = event.time + timedelta(seconds=notify.settings.acknowledge_after)
        body = {"case": case.model_dump(mode="json"), "unit": event.unit}
        tx.arm_once(
            ACKNOWLEDGE_ANYWAY, subject=event.subject, key=str(case.cycle), due_at=due_at, body=body
        )
        return
    account = notify.policy.accounts.get(case.owner.handler)
    planned = choose.acknowledgement(
        case, owner=account.display if account else None, zone=notify.settings.timezone
    )
    await _plan(tx, notify, planned, event)
    tx.disarm(ACKNOWLEDGE_ANYWAY, subject=event.subject, key=str(case.cycle))


async def _plan(tx: Tx, notify: Notify, planned: Planned, event: Event[Any]) -> bool:
    return await _record(
        tx, notify, planned, case=event.body, complaint=event.subject, unit=event.unit
    )


async def _record(
    tx: Tx, notify: Notify, planned: Planned, *, case: CaseBody, complaint: str, unit: str
) -> bool:
    is_new = await store.plan(
        tx,
        planned,
        id_=new_id(),
        case=case,
        complaint=complaint,
        unit=unit,
        language=choose.language_of(case),
    )
    if is_new:
        tx.wakes.add(notify.planned)
    return is_new


async def begin(tx: Tx, *, limit: int) -> list[Message]:
    """Begin attempts: committed before the provider is called."""
    return await store.claim(tx, within=retry.ATTEMPT_LIMIT, limit=limit)


async def finish(tx: Tx, ended: Sequence[Ended]) -> Sequence[None]:
    """Record what became of attempts, and say it."""
    await tx.lock(*(one.message.complaint for one in ended))
    await store.note_attempts(tx, ended)
    standing = await store.standing(tx, [one.message for one in ended])
    fates = [
        (one, fate_of(one.sent, attempts=one.message.attempts, now=tx.now, jitter=one.jitter))
        for one in ended
        if one.message.id in standing
    ]
    await store.settle(tx, [(one.message, fate) for one, fate in fates])
    for one, fate in fates:
        _say_fate(tx, one.message, fate, channel=one.channel)
    return [None] * len(ended)


async def give_up(tx: Tx, message: Message, *, reason: str) -> None:
    """No way leads to the person: `no_contact`, or `erased`."""
    await tx.lock(message.complaint)
    fate = Fate("cancelled" if reason == "erased" else "failed", MessageFailed, reason)
    if await store.standing(tx, [message]):
        await store.settle(tx, [(message, fate)])
        _say_fate(tx, message, fate, channel="none")


async def postpone(tx: Tx, message: Message, *, seconds: float) -> None:
    """What the attempt needs is away: try again without counting it."""
    await store.forget_attempt(tx, message, next_at=tx.now + timedelta(seconds=seconds))


async def take_receipt(tx: Tx, id_: str, *, delivered: bool, units: frozenset[str]) -> Message:
    """A provider told later whether it arrived. Raises NotFound; a second receipt changes nothing."""
    message = await store.message(tx, id_)
    if message is None or message.unit not in units:
        raise NotFound(f"There is no message {id_!r}.", zh=f"没有消息 {id_}。")
    await tx.lock(message.complaint)
    message = await store.message(tx, id_)
    if message is None or message.state not in {"accepted", "attempting", "pending"}:
        return message or await take_receipt(tx, id_, delivered=delivered, units=units)
    state: State = "delivered" if delivered else "failed"
    await store.receipt(tx, message, state=state, reason=None if delivered else "refused")
    channel = await store.last_attempt_channel(tx, message)
    say(tx, message, MessageDelivered if delivered else MessageFailed, channel=channel,
        reason=None if delivered else "refused")  # fmt: skip
    return message


def _say_fate(tx: Tx, message: Message, fate: Fate, *, channel: str) -> None:
    if fate.said is not None:
        say(tx, message, fate.said, channel=channel, reason=fate.reason)


def say(
    tx: Tx, message: Message, said: type[MessageBody], *, channel: str, reason: str | None
) -> None:
    """Say what became of a message."""
    facts: Mapping[str, Any] = {
        "number": message.number,
        "cycle": message.cycle,
        "message_id": message.id,
        "template": message.purpose,
        "channel": channel,
        "recipient": message.recipient,
        "attempt": message.attempts,
        "at": tx.now,
        "reason": reason,
    }
    tx.say(said.model_validate(facts), subject=message.complaint, unit=message.unit)
