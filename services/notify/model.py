"""Values of notify."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from shared.contracts.notify import MessageBody

State = Literal["pending", "attempting", "accepted", "delivered", "failed", "cancelled"]
Recipient = Literal["complainant", "staff"]
Result = Literal["accepted", "delivered", "refused", "retry", "unknown"]

ACKNOWLEDGEMENT: Final = "acknowledgement"


@dataclass(frozen=True, slots=True)
class Planned:
    """A message to be sent once per complaint, cycle, recipient and purpose.

    `letter` is the pack's template. `variables` hold nothing personal: names join at the moment of sending.
    """

    purpose: str
    letter: str
    variables: Mapping[str, str]
    recipient: Recipient = "complainant"


@dataclass(frozen=True, slots=True)
class Message:
    """A planned message with where it stands."""

    id: str
    complaint: str
    number: str
    unit: str
    cycle: int
    purpose: str
    letter: str
    recipient: Recipient
    complainant_id: str
    language: str
    pack: str
    pack_version: str
    variables: Mapping[str, str]
    state: State
    attempts: int


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a person can be reached, as the vault tells it at the moment of sending."""

    name: str | None
    addresses: Mapping[str, tuple[str, ...]]
    """Contact type → addresses, best first."""
    preferred: str | None = None
    language: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as it is handed to a channel. `id` is the same at every attempt: a provider can drop a repeat."""

    id: str
    number: str
    to: str
    subject: str
    body: str
    language: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """What a channel's provider answered. `code` is raw; it is kept with the attempt and goes no further."""

    result: Result
    provider_id: str | None = None
    code: str | None = None
    retry_after: float | None = field(default=None)
    """Seconds the provider asked to wait."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that ended: by which channel, when it began, what was answered. `jitter` spreads what comes next."""

    message: Message
    channel: str
    sent: Sent
    started_at: datetime
    jitter: float


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a message stands now, and what is said of it (None: nothing)."""

    state: State
    said: type[MessageBody] | None = None
    reason: str | None = None
    next_at: datetime | None = None

    @property
    def kept_reason(self) -> str | None:
        """The reason that stays with the message: only an end has one."""
        return None if self.state == "pending" else self.reason
