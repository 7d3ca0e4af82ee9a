"""What becomes of a message once an attempt has ended, or a receipt has come."""

from datetime import datetime, timedelta
from typing import Final

from services.notify.model import DANGER, Ended, Fate
from services.notify.policy.retry import next_attempt
from shared.contracts.notify import MessageAccepted, MessageDelivered, MessageFailed, MessageUnknown

OFFERED_FOR: Final = timedelta(hours=1)
"""So long an adapter, or a person who calls, has for a receipt; then the next channel is tried."""
SOONER: Final = 4
"""Attempts by one channel while there is another."""
SOONEST: Final = 2
"""The same where there is danger."""


def fate_of(ended: Ended, *, now: datetime) -> Fate:
    """By the provider's answer to the last attempt."""
    match ended.sent.result:
        case "accepted":
            return Fate("accepted", MessageAccepted)
        case "delivered":
            return Fate("delivered", MessageDelivered)
        case "offered":
            return Fate("offered", next_at=now + OFFERED_FOR)
        case "refused":
            return failed("refused", now=now, has_others=bool(ended.others))
        case "unknown" if not ended.repeats:
            return Fate("held", MessageUnknown, "no_answer", alerts="no_answer")
        case "unknown" | "retry":
            return _again(ended, now)


def _again(ended: Ended, now: datetime) -> Fate:
    message = ended.message
    tries = message.channel_attempts + 1 if message.channel in {ended.channel, None} else 1
    most = None if not ended.others else SOONEST if message.lane == DANGER else SOONER
    again = next_attempt(
        attempts=tries, now=now, asked=ended.sent.retry_after, draw=lambda: ended.jitter, most=most
    )
    if again is None:
        return failed("exhausted", now=now, has_others=bool(ended.others))
    if ended.sent.result == "unknown":
        return Fate("pending", MessageUnknown, "no_answer", again)
    return Fate("pending", next_at=again)


def failed(reason: str, *, now: datetime, has_others: bool) -> Fate:
    """A channel failed: the next one at once, or the end, which a person is told of."""
    if has_others:
        return Fate("pending", reason=reason, next_at=now, passes=True)
    return Fate("failed", MessageFailed, reason, alerts=reason)
