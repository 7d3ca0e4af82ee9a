"""What becomes of a message once an attempt has ended."""

from datetime import datetime

from services.notify.model import Fate, Sent
from services.notify.policy.retry import next_attempt
from shared.contracts.notify import MessageAccepted, MessageFailed, MessageUnknown


def fate_of(sent: Sent, *, attempts: int, now: datetime, jitter: float) -> Fate:
    """By the provider's answer to the last of so many attempts. `jitter` (0 to 1) spreads the next one."""
    match sent.result:
        case "accepted" | "delivered":
            return Fate("accepted", MessageAccepted)
        case "refused":
            return Fate("failed", MessageFailed, "refused")
        case "unknown" | "retry":
            again = next_attempt(
                attempts=attempts, now=now, asked=sent.retry_after, draw=lambda: jitter
            )
            if again is None:
                return Fate("failed", MessageFailed, "exhausted")
            if sent.result == "unknown":
                return Fate("pending", MessageUnknown, "no_answer", again)
            return Fate("pending", next_at=again)
