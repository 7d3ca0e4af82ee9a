"""What is posted and what is answered."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from services.intake.channels.fields import (
    Authority,
    CaseNumber,
    DueTime,
    ExternalId,
    Text2k,
    Text100,
    Text200,
    Time,
)
from services.intake.channels.social import Platform, Rating, Reach
from services.intake.model import Contact, Draft, Person
from shared.contracts.values import Post, Regulator
from shared.ids import is_number
from shared.web.body import CleanText, FilledText

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}")


def _number(value: str) -> str:
    if not is_number(value):
        raise PydanticCustomError("number", "is no complaint's number (dddd-dddd-ddd)")
    return value


def _language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise PydanticCustomError("language", "is no language tag such as zh, zh-Hans or en")
    return value


Text20k = Annotated[FilledText, Field(max_length=20_000)]
LanguageTag = Annotated[str, AfterValidator(_language)]
Number = Annotated[str, AfterValidator(_number)]
ReferenceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
ContactType = Literal["phone", "email", "wechat", "wecom", "webhook", "address"]
ChannelCode = Literal[
    "phone", "email", "web", "app", "miniapp", "wechat", "wecom", "chat", "social", "walk_in", "letter",
    "regulator", "sensor", "import",
]  # fmt: skip


class ContactIn(BaseModel):
    type: ContactType
    value: Annotated[FilledText, Field(max_length=500)]


class ComplainantIn(BaseModel):
    name: Text200 | None = None
    anonymous: bool = False
    contacts: Annotated[list[ContactIn], Field(max_length=10)] = []
    customer_no: Text100 | None = None
    preferred_channel: ChannelCode | ContactType | None = None
    language: LanguageTag | None = None
    on_behalf_of: Text200 | None = None


class LocationIn(BaseModel):
    area: Text100 | None = None
    address: Annotated[CleanText, Field(max_length=500)] | None = None


class AttachmentRef(BaseModel):
    id: Annotated[str, Field(max_length=36)]


class RegulatorIn(BaseModel):
    """Who passed a complaint on, its number there, and by when an answer is due there."""

    authority: Authority
    number: CaseNumber
    due_at: DueTime | None = None


class PostIn(BaseModel):
    """Where it was posted, and how far it is heard."""

    platform: Platform
    kind: Literal["post", "review", "comment"] = "post"
    rating: Rating | None = None
    reach: Reach | None = None
    is_public: bool = True


class ComplaintIn(BaseModel):
    """A complaint; only `text` is required. Unknown fields are ignored."""

    text: Text20k
    unit: Text100 | None = None
    channel: ChannelCode | None = None
    external_id: ExternalId | None = None
    subject: Text200 | None = None
    language: LanguageTag | None = None
    truncated: bool = False
    complainant: ComplainantIn | None = None
    references: Annotated[dict[ReferenceName, Text100], Field(max_length=20)] = {}
    product: Text200 | None = None
    shop: Text200 | None = None
    location: LocationIn | None = None
    occurred_at: Time | None = None
    remedy_sought: Text2k | None = None
    attachments: Annotated[list[AttachmentRef], Field(max_length=10)] = []
    related_to: Number | None = None
    unverified: bool = False
    regulator: RegulatorIn | None = None
    post: PostIn | None = None

    def to_draft(self) -> Draft:
        place = self.location
        return Draft(
            text=self.text,
            unit=self.unit,
            channel=self.channel,
            external_id=self.external_id,
            subject=self.subject,
            language=self.language,
            truncated=self.truncated,
            person=_person(self.complainant) if self.complainant else Person(),
            references=self.references,
            product=self.product,
            shop=self.shop,
            area=place.area if place else None,
            address=place.address if place else None,
            occurred_at=self.occurred_at,
            remedy_sought=self.remedy_sought,
            attachments=tuple(one.id for one in self.attachments),
            related_to=self.related_to,
            unverified=self.unverified,
            regulator=_regulator(self.regulator) if self.regulator else None,
            post=Post(**self.post.model_dump()) if self.post else None,
        )


def _regulator(said: RegulatorIn) -> Regulator:
    due_at = said.due_at.astimezone(UTC) if said.due_at else None
    return Regulator(authority=said.authority, number=said.number, due_at=due_at)


def _person(said: ComplainantIn) -> Person:
    return Person(
        name=said.name,
        anonymous=said.anonymous,
        contacts=tuple(Contact(one.type, one.value) for one in said.contacts),
        customer_no=said.customer_no,
        preferred_channel=said.preferred_channel,
        language=said.language,
        on_behalf_of=said.on_behalf_of,
    )


class BatchIn(BaseModel):
    """Up to 100 complaints; each is judged by itself."""

    items: Annotated[list[Any], Field(min_length=1, max_length=100)]


class MessageIn(BaseModel):
    text: Text20k
    channel: ChannelCode | None = None
    language: LanguageTag | None = None
    external_id: ExternalId | None = None
    attachments: Annotated[list[AttachmentRef], Field(max_length=10)] = []


class Accepted(BaseModel):
    """A complaint was stored. Number and code together open the customer's page.

    With `message_id` it was added to the complaint of that number instead: an edited post under a known external_id, or
    the same person about the same matter; for the latter there is no code, as whoever posts it has shown none.
    """

    id: str
    number: str
    code: str | None
    status_url: str
    received_at: datetime
    message_id: str | None = None


class MessageAccepted(BaseModel):
    id: str
    number: str
    added_at: datetime


class AttachmentOut(BaseModel):
    id: str
    size: int
    media_type: str


class ComplaintOut(BaseModel):
    """A complaint as everyone but the vault sees it: personal data is masked."""

    id: str
    number: str
    unit: str
    channel: str
    external_id: str | None = None
    language: str
    text: str
    subject: str | None = None
    truncated: bool = False
    received_at: datetime
    occurred_at: datetime | None = None
    complainant_id: str
    anonymous: bool = False
    reachable: bool = True
    contact_types: list[str] = []
    preferred_channel: str | None = None
    preferred_language: str | None = None
    area: str | None = None
    shop: str | None = None
    product: str | None = None
    batch_no: str | None = None
    vin_prefix: str | None = None
    remedy_sought: str | None = None
    attachments: list[AttachmentOut] = []
    related_to: str | None = None
    unverified: bool = False
    missing: list[str] = []
    regulator: Regulator | None = None
    post: Post | None = None
    history: dict[str, str] | None = None
    """When and how it ended, where it was imported as one of the past."""
    pack: str
    pack_version: str


class MessageOut(BaseModel):
    id: str
    by: str
    channel: str
    language: str
    text: str
    attachments: list[AttachmentOut] = []
    added_at: datetime


class LinkOut(BaseModel):
    """A complaint that is likely about the same. Nothing is merged: each has its own case."""

    number: str
    score: float
    reasons: list[str]
    linked_at: datetime
    undone_by: str | None = None
    undone_at: datetime | None = None


class ContactOut(BaseModel):
    type: str
    value: str


class ConsentOut(BaseModel):
    given: bool
    at: datetime


class OwnedOut(BaseModel):
    name: str
    value: str


class ComplainantOut(BaseModel):
    """A complainant in clear, for whoever sends or calls."""

    id: str
    unit: str
    anonymous: bool
    name: str | None = None
    language: str | None = None
    preferred_channel: str | None = None
    contacts: list[ContactOut] = []
    customer_no: str | None = None
    on_behalf_of: str | None = None
    address: str | None = None
    customer_class: str | None = None
    consents: dict[str, ConsentOut] = {}
    owned: list[OwnedOut] = []
    code: str | None = None


class OriginalMessage(BaseModel):
    id: str
    added_at: datetime
    text: str


class OriginalOut(BaseModel):
    """The words as received. `payload` is the body of the request as text; byte for byte it is at `…/payload`."""

    id: str
    number: str
    complainant_id: str
    text: str
    subject: str | None = None
    media_type: str = "application/json"
    payload: str
    messages: list[OriginalMessage] = []
