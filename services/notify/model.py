"""Values of notify."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from shared.contracts.notify import MessageBody

State = Literal[
    "pending", "attempting", "offered", "accepted", "delivered", "failed", "held", "cancelled"
]
Recipient = Literal["complainant", "staff"]
Result = Literal["accepted", "delivered", "offered", "refused", "retry", "unknown"]
Form = Literal["mail", "text", "short"]
"""How a channel's messages look: subject and body, all in one text, or a few dozen characters."""

ACKNOWLEDGEMENT: Final = "acknowledgement"
COMPLAINANT: Final = "complainant"
DANGER, SINGLE, BULK = 0, 1, 2
"""Lanes: the lower goes first."""

Word = str | Mapping[str, str]
"""A variable of a message: words as they are, `{"at": RFC 3339}`, or `{"zh": …, "en": …}`."""


def moment(at: datetime) -> Word:
    """A time as a variable: written in the language and zone of whoever reads it."""
    return {"at": at.isoformat()}


@dataclass(frozen=True, slots=True)
class Planned:
    """A message to be sent once per complaint, cycle, recipient and purpose.

    `letter` is the pack's template. `variables` hold nothing personal: names join at the moment of sending. `recipient`
    is `complainant`, `staff/{account}` or `group/{channel}`. It waits until `not_before`. `once_ever`: a later cycle
    brings it no second time. `answers`: nobody decided it; it answers a mail by itself.
    """

    purpose: str
    letter: str
    variables: Mapping[str, Word]
    recipient: str = COMPLAINANT
    lane: int = SINGLE
    not_before: datetime | None = None
    once_ever: bool = False
    answers: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """Which complaint a message is about, and by which pack it is written."""

    complaint: str
    number: str
    unit: str
    cycle: int
    complainant_id: str
    language: str
    pack: str
    pack_version: str


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
    recipient: str
    complainant_id: str
    language: str
    pack: str
    pack_version: str
    variables: Mapping[str, Word]
    state: State
    attempts: int
    lane: int = SINGLE
    channel: str | None = None
    channel_attempts: int = 0
    passed: tuple[str, ...] = ()
    """Channels that failed, in order."""
    answers: bool = False
    calling: str | None = None
    """The channel whose provider was called by an attempt that never ended."""

    @property
    def is_to_staff(self) -> bool:
        return self.recipient != COMPLAINANT

    @property
    def kind_of_recipient(self) -> Recipient:
        return "staff" if self.is_to_staff else "complainant"


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a person can be reached, as the vault tells it at the moment of sending."""

    name: str | None
    addresses: Mapping[str, tuple[str, ...]]
    """Contact type → addresses, best first."""
    preferred: str | None = None
    language: str | None = None
    code: str | None = None
    consents: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Traits:
    """What a channel is like, as the decisions need it."""

    contact: str
    """The contact type it serves; `group` for a group of staff, `inbox` for what staff see at the desk."""
    form: Form = "text"
    limit: int = 2_000
    """Characters that its messages may have."""
    rings: bool = True
    """Whether it can wake somebody: quiet hours hold for it without anybody asking."""
    repeats: bool = True
    """Whether a message whose attempt had no answer may be sent again; else a person decides."""
    by_person: bool = False
    """Whether each message is a person's work: such a way comes after all others."""
    at_once: int = 4
    rate: float | None = None
    """Messages a second, at most."""
    units: tuple[str, ...] = ()
    """The units whose group it is; empty: it is nobody's."""


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
    letter: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    """What fills the template, for a provider that has templates of its own."""


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
    """An attempt that ended: by which channel, when it began, what was answered. `jitter` spreads what comes next.

    `others`: channels that may be tried after this one. `repeats`: see Traits.
    """

    message: Message
    channel: str
    sent: Sent
    started_at: datetime
    jitter: float
    contact: str = "email"
    others: tuple[str, ...] = ()
    repeats: bool = True
    answers: str | None = None
    """Of an automatic answer: the token of the address that it went to."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a message stands now, and what is said of it (None: nothing).

    `passes`: its channel has failed it, and the next one is tried. `alerts`: why a person is told.
    """

    state: State
    said: type[MessageBody] | None = None
    reason: str | None = None
    next_at: datetime | None = None
    passes: bool = False
    alerts: str | None = None

    @property
    def kept_reason(self) -> str | None:
        """The reason that stays with the message: only an end has one."""
        return None if self.state == "pending" else self.reason


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person wants of our messages, and when. Hours are minutes of the day in `zone`."""

    stopped: tuple[str, ...] = ()
    """Channels by which nothing may come but danger; `all`: none may."""
    quiet_from: int | None = None
    quiet_to: int | None = None
    zone: str | None = None
    language: str | None = None
    channels: tuple[str, ...] = ()
    """The ones they like best, in order."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A message whose attempt began, with what its person wants, and how many they got by each channel of late."""

    message: Message
    wishes: Wishes = Wishes()
    lately: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty means all. A type is whole or ends in `*`; a unit means all below it too."""

    types: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def units_within(
        self, reach: frozenset[str], subtree: Callable[[str], frozenset[str]]
    ) -> frozenset[str]:
        """The units asked for, as far as they are within reach."""
        if not self.units:
            return reach
        return reach & frozenset().union(*map(subtree, self.units))
