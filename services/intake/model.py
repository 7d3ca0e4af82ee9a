"""Values of intake."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from shared.contracts.values import Attachment, Language

SENDABLE: Final = frozenset({"phone", "email", "wechat", "wecom", "webhook"})
"""Contact types that an answer can be sent to at once; an address is for letters."""
By = Literal["complainant", "staff"]


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact point; phones as E.164, mail addresses with a lower-case domain."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who complains, as said by whoever posted it."""

    name: str | None = None
    anonymous: bool = False
    contacts: tuple[Contact, ...] = ()
    customer_no: str | None = None
    preferred_channel: str | None = None
    language: str | None = None
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A complaint as it was posted, its form checked."""

    text: str
    unit: str | None = None
    channel: str | None = None
    external_id: str | None = None
    subject: str | None = None
    language: str | None = None
    truncated: bool = False
    person: Person = Person()
    references: Mapping[str, str] = field(default_factory=dict)
    product: str | None = None
    shop: str | None = None
    area: str | None = None
    address: str | None = None
    occurred_at: datetime | None = None
    remedy_sought: str | None = None
    attachments: tuple[str, ...] = ()
    related_to: str | None = None


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint as it is worked with: normalised and masked but for `person` and `address`, which the vault gets."""

    unit: str
    channel: str
    external_id: str | None
    language: Language
    text: str
    subject: str | None
    truncated: bool
    occurred_at: datetime | None
    person: Person
    address: str | None
    contact_types: tuple[str, ...]
    reachable: bool
    preferred_language: Language | None
    area: str | None
    shop: str | None
    product: str | None
    batch_no: str | None
    vin_prefix: str | None
    reference_tokens: Mapping[str, str]
    remedy_sought: str | None
    attachments: tuple[str, ...]
    related_to: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """What may make one thing only: an Idempotency-Key of one credential, or a channel's own id in one unit."""

    scope: str
    key: str
    fingerprint: str
    is_external: bool = False


@dataclass(frozen=True, slots=True)
class NewComplainant:
    """A complainant to be kept, sealed already."""

    id: str
    data_key: bytes
    """Wrapped by the vault's key."""
    profile: bytes
    contact_tokens: tuple[tuple[str, str], ...]
    """Type and blind index of each contact point."""


@dataclass(frozen=True, slots=True)
class Reception:
    """One complaint ready to be written: everything random is drawn, everything personal sealed."""

    id: str
    number: str
    code: str
    code_sha256: str
    sealed_code: bytes
    sealed_original: bytes
    complaint: Complaint
    complainant: NewComplainant
    attachment_nonces: tuple[bytes, ...]
    received_at: datetime
    pack: str
    pack_version: str
    by: str
    units: frozenset[str]
    """Where the credential reaches: what a complaint may point to."""
    claims: tuple[Claim, ...]
    trace: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What whoever posted a complaint is told."""

    id: str
    number: str
    code: str
    received_at: datetime
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class NewMessage:
    """Something to be added to a complaint; `sealed` is made inside, under the complainant's key, with `nonce`."""

    id: str
    number: str
    by: By
    added_by: str
    units: frozenset[str]
    channel: str | None
    text: str
    original: bytes
    language: str | None
    attachments: tuple[str, ...]
    nonce: bytes
    attachment_nonces: tuple[bytes, ...]
    idempotency_key: str | None
    external_id: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class MessageReceipt:
    """What whoever added a message is told."""

    id: str
    number: str
    added_at: datetime
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """A file whose sealed bytes are on disk already."""

    id: str
    unit: str
    owner: str
    media_type: str
    size: int
    data_key: bytes
    """Wrapped by the vault's key until a complaint takes the file, then sealed in the complainant's box."""
    name: bytes | None


@dataclass(frozen=True, slots=True)
class Taken:
    """An attachment that a complaint or message takes: what the event says, and its re-wrapped key."""

    value: Attachment
    data_key: bytes
