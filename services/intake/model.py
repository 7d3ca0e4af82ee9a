"""Values of intake."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from shared.contracts.values import Attachment, Language, Post, Regulator

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
    unverified: bool = False
    regulator: Regulator | None = None
    post: Post | None = None


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
    unverified: bool = False
    regulator: Regulator | None = None
    post: Post | None = None
    missing: tuple[str, ...] = ()
    """Facts to ask for, by their ids in the pack."""


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
    original: bytes
    """As received: a complaint that turns out to be a message is sealed under another's key."""
    message_id: str
    message_nonce: bytes
    matter_tokens: tuple[str, ...] = ()
    """Of each contact point and reference together: the same person about the same thing."""
    quoted: tuple[str, ...] = ()
    """Numbers of complaints that the text quotes."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What whoever posted a complaint is told."""

    id: str
    number: str
    code: str | None
    """None when it was added to a complaint because it is the same matter: who posted it shows no code for that."""
    received_at: datetime
    replayed: bool = False
    message_id: str | None = None
    """The message that it became."""


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
    scan: str | None = None
    """`waiting` where a scanner has to look at it first."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An attachment that a complaint or message takes: what the event says, and its re-wrapped key."""

    value: Attachment
    data_key: bytes


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail that is no complaint, sealed already."""

    id: str
    unit: str
    channel: str
    key: str
    """A token of its own id: the same mail is kept once."""
    outcome: Literal["bounce", "quarantined"]
    reason: str
    size: int
    data_key: bytes
    """Wrapped by the vault's key."""
    raw: bytes
    sender: str | None = None
    """The blind index of the address it came from."""
    status: str | None = None
    number: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody known before they complain. `owned` are references such as meter, VIN, room or batch, by name."""

    customer_no: str
    unit: str
    person: Person
    address: str | None = None
    rank: str | None = None
    """The class that the company gives them."""
    consents: Mapping[str, bool] = field(default_factory=dict)
    owned: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A customer ready to be written: `fresh` is for one who is new, `nonce` for one who is known."""

    customer: Customer
    token: str
    """The blind index of the customer's number."""
    profile: bytes
    fresh: NewComplainant
    nonce: bytes
    owned_tokens: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads or changes the vault, where they reach, and what for."""

    id: str
    units: frozenset[str]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Likely:
    """Another complaint that is likely about the same, with how likely and why."""

    complaint_id: str
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that somebody said or did in a messenger; `sender` is who they are to the account they wrote to."""

    id: str
    """The platform's id of it: a repeat has the same."""
    sender: str
    at: datetime
    original: bytes
    """As it came, in clear: media ids are in it."""
    words: str = ""
    place: str | None = None
    brings: str | None = None
    """What came that is no words: image, voice, video, file or location."""
    opens: bool = False
    """Whether they only began to talk: followed the account, or chose from its menu."""
