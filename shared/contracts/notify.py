"""What notify says, on `redress.notifications`. Subject: the complaint's id. Kept for 90 days."""

from datetime import datetime
from typing import ClassVar, Literal

from shared.contracts.envelope import Body


class MessageBody(Body):
    """One message to one recipient, as it is after an attempt or a receipt."""

    source: ClassVar[str] = "notify"

    number: str
    cycle: int
    message_id: str
    template: str
    channel: str
    recipient: Literal["complainant", "staff"]
    attempt: int
    at: datetime
    reason: str | None = None
    """Of a failure: `no_contact`, `erased`, `refused`, `exhausted`, `template` (it could not be written) or `capped`.

    Never the provider's text.
    """


class MessageAccepted(MessageBody):
    """A provider took the message."""

    name: ClassVar[str] = "message.accepted.v1"


class MessageDelivered(MessageBody):
    """The provider says that it arrived."""

    name: ClassVar[str] = "message.delivered.v1"


class MessageFailed(MessageBody):
    """It will not be tried again."""

    name: ClassVar[str] = "message.failed.v1"


class MessageUnknown(MessageBody):
    """An attempt ended without an answer: it may have arrived."""

    name: ClassVar[str] = "message.unknown.v1"


class ContactFailed(Body):
    """A contact point of the complainant's did not take a message: it is dead, or refuses us. Subject: the complaint's.

    The next channel is tried. Once for each message and channel.
    """

    name: ClassVar[str] = "contact.failed.v1"
    source: ClassVar[str] = "notify"

    number: str
    complainant_id: str
    message_id: str
    channel: str
    contact_type: str
    """phone, email, wechat, wecom, webhook or address."""
    reason: str
    """`refused` or `exhausted`; never the provider's text."""
    at: datetime


class SubscriptionDisabled(Body):
    """A webhook was left alone after failing for days, or by its receiver's word (410). Subject: `webhook/{id}`."""

    name: ClassVar[str] = "subscription.disabled.v1"
    source: ClassVar[str] = "notify"

    webhook_id: str
    label: str
    reason: Literal["failing", "gone"]
    failing_since: datetime | None = None
    at: datetime
