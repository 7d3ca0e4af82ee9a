"""What is posted and answered about people: customers, searches, erasures."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from services.intake.api.bodies import (
    ChannelCode,
    ComplainantOut,
    ContactIn,
    ContactType,
    LanguageTag,
    ReferenceName,
)
from services.intake.channels.fields import Text100, Text200
from services.intake.model import Contact, Customer, Person
from shared.web.body import CleanText, FilledText

CustomerNo = Annotated[FilledText, Field(max_length=100)]
Ids = Annotated[list[Annotated[str, Field(max_length=36)]], Field(min_length=1, max_length=100)]
Contacts = Annotated[list[ContactIn], Field(max_length=10)]


class OwnedIn(BaseModel):
    """Something a customer owns or lives in: a meter, a car's VIN, a room, a batch."""

    name: ReferenceName
    value: Annotated[FilledText, Field(max_length=100)]


class CustomerIn(BaseModel):
    """A customer, whole: what is not there is no longer so."""

    customer_no: CustomerNo
    unit: Text100 | None = None
    name: Text200 | None = None
    contacts: Contacts = []
    language: LanguageTag | None = None
    preferred_channel: ChannelCode | ContactType | None = None
    address: Annotated[CleanText, Field(max_length=500)] | None = None
    class_: Annotated[str | None, Field(alias="class", pattern=r"^[a-z0-9_-]{1,20}$")] = None
    consents: Annotated[dict[ReferenceName, bool], Field(max_length=20)] = {}
    owned: Annotated[list[OwnedIn], Field(max_length=50)] = []

    def to_customer(self, unit: str) -> Customer:
        return Customer(
            customer_no=self.customer_no,
            unit=unit,
            person=Person(
                name=self.name,
                contacts=contacts_of(self.contacts),
                customer_no=self.customer_no,
                preferred_channel=self.preferred_channel,
                language=self.language,
            ),
            address=self.address,
            rank=self.class_,
            consents=self.consents,
            owned=tuple((one.name, one.value) for one in self.owned),
        )


def contacts_of(contacts: list[ContactIn]) -> tuple[Contact, ...]:
    """Contact points as they were posted."""
    return tuple(Contact(one.type, one.value) for one in contacts)


class CustomerKept(BaseModel):
    id: str
    created: bool


class RevealIn(BaseModel):
    """Whom to show in clear, and what for: both are recorded."""

    ids: Ids
    reason: Text200 | None = None


class Revealed(BaseModel):
    """Those found, in clear; `erased` and `missing` (there is none within reach) by id."""

    items: list[ComplainantOut]
    erased: list[str]
    missing: list[str]


class SearchIn(BaseModel):
    contacts: Contacts = []
    references: Annotated[dict[ReferenceName, Text100], Field(max_length=20)] = {}
    reason: Text200 | None = None


class Match(BaseModel):
    """Somebody whose contact point or reference it is; `matched` names which kinds, `numbers` their complaints."""

    id: str
    unit: str
    is_customer: bool
    matched: list[str]
    numbers: list[str]


class Matches(BaseModel):
    items: list[Match]
    next: str | None = None


class StaffIn(BaseModel):
    contacts: Annotated[list[ContactIn], Field(min_length=1, max_length=10)]


class ErasureIn(BaseModel):
    """Whom to erase and why."""

    ids: Ids
    reason: Text200 | None = None


class PurgeIn(BaseModel):
    """Which unit for tests is emptied."""

    unit: Annotated[str, Field(max_length=63)]


class PurgeOut(BaseModel):
    unit: str
    erased: int


class ErasureOut(BaseModel):
    """An erasure: `requested`, `erased` (the keys are gone) or `complete` (the files were scrubbed too)."""

    id: str
    unit: str
    complainants: list[str]
    state: str
    reason: str | None = None
    requested_by: str
    requested_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    completed_at: datetime | None = None
    proof: dict[str, Any] = {}
