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
    """Of a failure: `no_contact`, `erased`, `refused` or `exhausted`; never the provider's text."""


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
