"""What intake says, on `redress.complaints`. Subject: the complaint's id (`complainant.*`: the complainant's)."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.envelope import Body
from shared.contracts.values import Attachment, Language, Post, Regulator


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
    unverified: bool = False
    """It claims to belong to a complaint, and who sent it could not be proven to take part in that."""
    missing: tuple[str, ...] = ()
    """Facts of the pack that every complaint needs and this one does not say, at most three: ids of its questions."""
    regulator: Regulator | None = None
    """Which authority passed it on, under which number, and by when it wants its answer."""
    post: Post | None = None
    """Where it was posted, on channel social."""
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


class ComplaintUndelivered(Body):
    """A mail of ours about a complaint came back, is delayed, or was called abuse: once for each report."""

    name: ClassVar[str] = "complaint.undelivered.v1"
    source: ClassVar[str] = "intake"

    number: str
    message_id: str
    """The message of notify's that the mail carried."""
    kind: Literal["undelivered", "delayed", "abuse"]
    status: str | None = None
    """The enhanced status code (RFC 3463), such as 5.1.1."""
    at: datetime


class ComplaintCodeRequested(Body):
    """A complainant has lost the code and asks for it again, at most once an hour; it goes to their known contact.

    The code is in no event: notify asks intake for it as it sends.
    """

    name: ClassVar[str] = "complaint.code_requested.v1"
    source: ClassVar[str] = "intake"

    number: str
    complainant_id: str
    language: Language
    pack: str
    pack_version: str
    requested_at: datetime


class ComplaintLinked(Body):
    """A complaint is likely about the same as an earlier one, or no longer (`undone`). Nothing was merged."""

    name: ClassVar[str] = "complaint.linked.v1"
    source: ClassVar[str] = "intake"

    number: str
    other_id: str
    other_number: str
    score: float
    reasons: tuple[str, ...] = ()
    repeat: bool = False
    """Whether it is the third or a later one about the matter."""
    undone: bool = False


class ComplainantChanged(Body):
    """What is known of a customer was written: each time, whole. How they can be reached, never where."""

    name: ClassVar[str] = "complainant.changed.v1"
    source: ClassVar[str] = "intake"

    complainant_id: str
    contact_types: tuple[str, ...] = ()
    reachable: bool = True
    preferred_channel: str | None = None
    preferred_language: Language | None = None
    customer_class: str | None = None
    consents: Mapping[str, bool] = Field(default_factory=dict)


class ComplainantErased(Body):
    """A complainant's data key was destroyed: nothing personal of theirs can be read again. Once, the last of them."""

    name: ClassVar[str] = "complainant.erased.v1"
    source: ClassVar[str] = "intake"

    complainant_id: str
    erasure_id: str
    numbers: tuple[str, ...] = ()
    """Their complaints: what is masked of these stays."""
    erased_at: datetime
