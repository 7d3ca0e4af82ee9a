"""What intake says, on `redress.complaints`. Subject: the complaint's id (`complainant.*`: the complainant's)."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.envelope import Body
from shared.contracts.values import Attachment, Language


class ComplaintReceived(Body):
    """Intake accepted a complaint: once per complaint, always the first of its subject. Texts are masked."""

    name: ClassVar[str] = "complaint.received.v1"
    source: ClassVar[str] = "intake"

    number: str
    code_sha256: str
    channel: str
    language: Language
    text: str
    subject: str | None = None
    truncated: bool = False
    received_at: datetime
    occurred_at: datetime | None = None
    complainant_id: str
    anonymous: bool = False
    reachable: bool = True
    """Whether there is a contact point that an answer can be sent to."""
    contact_types: tuple[str, ...] = ()
    preferred_channel: str | None = None
    preferred_language: Language | None = None
    area: str | None = None
    shop: str | None = None
    product: str | None = None
    batch_no: str | None = None
    vin_prefix: str | None = None
    reference_tokens: Mapping[str, str] = Field(default_factory=dict)
    """Keyed HMAC of each reference: equal references have equal tokens."""
    remedy_sought: str | None = None
    attachments: tuple[Attachment, ...] = ()
    related_to: str | None = None
    pack: str
    pack_version: str


class ComplaintMessageAdded(Body):
    """Somebody added to a complaint. Text is masked."""

    name: ClassVar[str] = "complaint.message_added.v1"
    source: ClassVar[str] = "intake"

    number: str
    message_id: str
    by: Literal["complainant", "staff"]
    channel: str
    language: Language
    text: str
    attachments: tuple[Attachment, ...] = ()
    added_at: datetime
