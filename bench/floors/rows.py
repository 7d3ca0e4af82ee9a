"""The rows that intake writes for a complaint, as many and about as large, without what makes them worth writing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from pydantic import BaseModel
from sqlalchemy import Table

from services.intake.store import COMPLAINANTS, COMPLAINTS, CONTACT_POINTS, FRAME
from shared.clock import SystemClock
from shared.ids import new_id, new_number

_NONCE_AND_TAG: Final = bytes(28)
_TOKEN: Final = "0" * 64
_CLOCK: Final = SystemClock()


class Contact(BaseModel):
    type: str
    value: str


class Person(BaseModel):
    name: str | None = None
    contacts: list[Contact] = []
    preferred_channel: str | None = None


class Place(BaseModel):
    area: str | None = None
    address: str | None = None


class Complaint(BaseModel):
    """What is posted, typed, without any rule."""

    text: str
    channel: str
    subject: str | None = None
    language: str | None = None
    complainant: Person
    references: dict[str, str] = {}
    product: str | None = None
    location: Place | None = None
    occurred_at: datetime | None = None
    remedy_sought: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """A complaint with what it is known by."""

    id: str
    number: str
    key: str
    at: datetime
    body: Complaint
    raw: bytes


def posted(body: Complaint, *, key: str, raw: bytes) -> Posted:
    return Posted(new_id(), new_number(), key, _CLOCK.now(), body, raw)


def rows_of(batch: Sequence[Posted]) -> list[tuple[Table, list[dict[str, Any]]]]:
    """Tables in the order in which they are written, with the rows of all complaints of a batch."""
    made: list[tuple[Table, list[dict[str, Any]]]] = [
        (COMPLAINTS, []), (COMPLAINANTS, []), (CONTACT_POINTS, []),
        (FRAME.idempotency, []), (FRAME.subjects, []), (FRAME.outbox, []),
    ]  # fmt: skip
    for one in batch:
        for (_, rows), row in zip(made, _rows(one), strict=True):
            rows.append(row)
    return made


def _rows(one: Posted) -> tuple[dict[str, Any], ...]:
    body, complainant, facts = one.body, new_id(), _facts(one.body)
    profile = orjson.dumps({"contacts": [vars(each) for each in body.complainant.contacts]})
    return (
        {
            "id": one.id, "number": one.number, "unit": "root", "channel": body.channel,
            "external_id": None, "language": body.language, "text": body.text, "facts": facts,
            "received_at": one.at, "complainant_id": complainant, "pack": "generic",
            "pack_version": "2026.1", "received_by": "key/0123456789ab",
            "original": one.raw + _NONCE_AND_TAG, "code": bytes(47),
        },
        {
            "id": complainant, "unit": "root", "data_key": bytes(60), "profile": profile + bytes(160),
            "anonymous": False, "created_at": one.at, "erased_at": None,
        },
        {"token": _TOKEN, "kind": "email", "complainant_id": complainant, "unit": "root"},
        {
            "scope": "key/0123456789ab/complaints", "key": one.key, "fingerprint": _TOKEN,
            "reference": one.id, "created_at": one.at,
        },
        {"subject": one.id, "last_sequence": 1},
        {"event_id": new_id(), "subject": one.id, "event": _event(one, complainant, facts), "created_at": one.at},
    )  # fmt: skip


def _facts(body: Complaint) -> dict[str, Any]:
    return {
        "subject": body.subject, "truncated": False,
        "occurred_at": body.occurred_at.isoformat() if body.occurred_at else None,
        "anonymous": False, "reachable": True, "contact_types": ["email"],
        "preferred_channel": body.complainant.preferred_channel,
        "area": body.location.area if body.location else None, "product": body.product,
        "reference_tokens": dict.fromkeys(body.references, _TOKEN),
        "remedy_sought": body.remedy_sought, "attachments": [],
    }  # fmt: skip


def _event(one: Posted, complainant: str, facts: dict[str, Any]) -> str:
    data = {
        **facts, "number": one.number, "code_sha256": _TOKEN, "channel": one.body.channel,
        "language": one.body.language, "text": one.body.text, "received_at": one.at,
        "complainant_id": complainant, "pack": "generic", "pack_version": "2026.1",
        "preferred_language": None, "shop": None, "batch_no": None, "vin_prefix": None, "related_to": None,
    }  # fmt: skip
    document = {
        "specversion": "1.0", "id": new_id(), "source": "/redress/intake",
        "type": "redress.complaint.received.v1", "subject": one.id, "time": one.at.astimezone(UTC),
        "datacontenttype": "application/json", "sequence": 1, "unit": "root",
        "traceparent": f"00-{_TOKEN[:32]}-{_TOKEN[:16]}-01", "data": data,
    }  # fmt: skip
    return orjson.dumps(document).decode()
