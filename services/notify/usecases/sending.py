"""Attempts: begun, ended, given up, put off; and what a provider or a person tells later."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from services.notify import store
from services.notify.model import COMPLAINANT, Begun, Ended, Fate, Message, Wishes
from services.notify.policy import retry
from services.notify.policy.fate import failed, fate_of
from shared.contracts.notify import (
    ContactFailed,
    MessageAccepted,
    MessageBody,
    MessageDelivered,
    MessageFailed,
)
from shared.errors import Conflict, NotFound
from shared.store.transaction import Tx

DAY = timedelta(days=1)
SILENT = frozenset({"desk"})
"""Channels of which nothing is said: what is at the desk is there, and no other service's concern."""


async def begin(tx: Tx, *, limit: int) -> list[Begun]:
    """Begin attempts: committed before the provider is called."""
    messages = await store.claim(tx, within=retry.ATTEMPT_LIMIT, limit=limit)
    lately = await store.counts_of_late(
        tx,
        {one.complainant_id for one in messages if one.recipient == COMPLAINANT},
        since=tx.now - DAY,
    )
    people = {person_of(one) for one in messages}
    wishes = await store.wishes_of(tx, people) if people else {}
    return [
        Begun(one, wishes.get(person_of(one), Wishes()), lately.get(one.complainant_id, 0))
        for one in messages
    ]


def person_of(message: Message) -> str:
    """Whose wishes count."""
    return message.recipient if message.is_to_staff else message.complainant_id


async def finish(tx: Tx, ended: Sequence[Ended]) -> Sequence[None]:
    """Record what became of attempts, and say it."""
    await tx.lock(*(one.message.complaint for one in ended))
    await store.note_attempts(tx, ended)
    await store.note_answers(tx, [(one.message.id, one.answers) for one in ended if one.answers])
    standing = await store.standing(tx, [one.message for one in ended])
    fates = [(one, fate_of(one, now=tx.now)) for one in ended if one.message.id in standing]
    await store.settle(tx, [(one.message, one.channel, fate) for one, fate in fates])
    for one, fate in fates:
        if one.sent.result == "offered":
            store.offer(tx, one.message, one.channel)
        await _tell(tx, one.message, fate, channel=one.channel, contact=one.contact)
    return [None] * len(ended)


async def give_up(tx: Tx, message: Message, *, reason: str) -> None:
    """It is not sent: `no_contact`, `refused` (every channel failed), `template`, `erased`, `capped`."""
    await tx.lock(message.complaint)
    is_end = reason not in {"erased", "capped"}
    # Where nobody gave a contact point to begin with, nothing has failed.
    alerts = reason if reason in {"refused", "template"} else None
    said = None if message.is_to_staff else MessageFailed
    fate = Fate("failed" if is_end else "cancelled", said, reason, alerts=alerts)
    if await store.standing(tx, [message]):
        await store.settle(tx, [(message, None, fate)])
        await _tell(tx, message, fate, channel="none", contact=None)


async def postpone(tx: Tx, message: Message, *, wait: timedelta) -> None:
    """What the attempt needs is away, or it is not the time: try again without counting it."""
    await store.forget_attempt(tx, message, next_at=tx.now + wait)


async def take_receipt(
    tx: Tx,
    id_: str,
    *,
    result: Literal["accepted", "delivered", "failed"],
    units: frozenset[str],
    channel: str | None = None,
    contact: str | None = None,
    provider_id: str | None = None,
    code: str | None = None,
) -> Message:
    """A provider or an adapter told later what became of it. Raises NotFound; a second receipt changes nothing.

    `channel`: whom the receipt is from, and `contact` the contact type that it serves; one that has been left has
    nothing more to say.
    """
    message = await _held(tx, id_, units)
    used = message.channel or await store.last_attempt_channel(tx, message)
    if message.state not in {"accepted", "attempting", "pending", "offered"} or used != (
        channel or used
    ):
        return message
    await store.note_provider_id(tx, message.id, provider_id, code)
    if result == "failed":
        if used not in message.passed:
            await _fail(tx, message, used, contact)
        return message
    state, said = (
        ("delivered", MessageDelivered) if result == "delivered" else ("accepted", MessageAccepted)
    )
    if state != message.state:
        await store.move(tx, message, state=state, reason=None, next_at=None, passed=message.passed)  # type: ignore[arg-type]
        if used not in SILENT:
            say(tx, message, said, channel=used, reason=None)
    return message


async def _fail(tx: Tx, message: Message, channel: str, contact: str | None = None) -> None:
    """It did not arrive by that channel: another is tried, and where there is none that is its end."""
    fate = failed("refused", now=tx.now, has_others=True)
    passed = [*message.passed, channel]
    await store.move(tx, message, state="pending", reason=None, next_at=tx.now, passed=passed)
    await _tell(tx, message, fate, channel=channel, contact=contact or channel)


async def decide(
    tx: Tx, id_: str, *, result: Literal["send", "delivered", "failed"], units: frozenset[str]
) -> Message:
    """A person's word on a message of which nobody knows whether it arrived. Raises NotFound, or Conflict."""
    message = await _held(tx, id_, units)
    if message.state != "held":
        raise Conflict(
            f"The message is {message.state}: only one that is held waits for a decision.",
            zh=f"消息状态为 {message.state}，只有待人工确认的消息才能处理。",
        )
    channel = message.channel or await store.last_attempt_channel(tx, message)
    match result:
        case "send":
            await store.move(
                tx, message, state="pending", reason=None, next_at=tx.now, passed=message.passed
            )
        case "delivered":
            await store.move(
                tx, message, state="delivered", reason=None, next_at=None, passed=message.passed
            )
            say(tx, message, MessageDelivered, channel=channel, reason=None)
        case "failed":
            await _fail(tx, message, channel)
    return message


async def _held(tx: Tx, id_: str, units: frozenset[str]) -> Message:
    """The message, held until the commit."""
    message = await store.message(tx, id_)
    if message is None or message.unit not in units:
        raise NotFound(f"There is no message {id_!r}.", zh=f"没有消息 {id_}。")
    await tx.lock(message.complaint)
    found = await store.message(tx, id_, hold=True)
    return found or message


async def _tell(tx: Tx, message: Message, fate: Fate, *, channel: str, contact: str | None) -> None:
    """Say what became of a message, and tell a person where one must look."""
    if fate.said is not None and channel not in SILENT:
        say(tx, message, fate.said, channel=channel, reason=fate.reason)
    is_dead = contact is not None and (fate.passes or fate.state == "failed")
    if is_dead and message.recipient == COMPLAINANT:
        tx.say(
            ContactFailed(
                number=message.number, complainant_id=message.complainant_id, message_id=message.id,
                channel=channel, contact_type=contact or channel, reason=fate.reason or "refused", at=tx.now,
            ),
            subject=message.complaint, unit=message.unit,
        )  # fmt: skip
    if fate.alerts is not None and (not message.is_to_staff or fate.alerts == "template"):
        kind = (
            "held"
            if fate.state == "held"
            else "template"
            if fate.alerts == "template"
            else "unreached"
        )
        await store.raise_alert(
            tx,
            kind=kind,
            unit=message.unit,
            subject=message.id,
            number=message.number,
            reason=fate.alerts,
        )


def say(
    tx: Tx, message: Message, said: type[MessageBody], *, channel: str, reason: str | None
) -> None:
    """Say what became of a message. What is about no complaint concerns no other service."""
    if not message.number:
        return
    facts: Mapping[str, Any] = {
        "number": message.number,
        "cycle": message.cycle,
        "message_id": message.id,
        "template": message.purpose,
        "channel": channel,
        "recipient": message.kind_of_recipient,
        "attempt": message.attempts,
        "at": tx.now,
        "reason": reason,
    }
    tx.say(said.model_validate(facts), subject=message.complaint, unit=message.unit)
