"""The envelope: structured CloudEvents 1.0 as UTF-8 JSON (https://cloudevents.io), with four extensions.

`sequence` counts a source's events about one subject; `unit` is the part of the business it belongs to;
`traceparent` (W3C Trace Context) runs from the request to the message; `causationid` is the event it answers.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import Poison

MAX_EVENT_BYTES = 256_000
MAX_ATTRIBUTE = 200
PREFIX = "redress."


class Body(BaseModel):
    """What an event says. Past tense, frozen; fields are only ever added, with a default."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_timedelta="iso8601")

    name: ClassVar[str]
    """Without the prefix and with the version: `complaint.received.v1`."""
    source: ClassVar[str]
    """The service that says it."""

    def as_json(self) -> str:
        """What is said, as the event carries it."""
        return self.model_dump_json()


B_co = TypeVar("B_co", bound=Body, covariant=True)


@dataclass(frozen=True, slots=True)
class Event(Generic[B_co]):
    """One event with its envelope. `time` is aware, in UTC."""

    id: str
    source: str
    type: str
    subject: str
    sequence: int
    unit: str
    time: datetime
    body: B_co
    traceparent: str | None = None
    causationid: str | None = None
    encoded: bytes | None = field(default=None, repr=False, compare=False)
    """The bytes that it was read from, with what this release does not know of it."""


class Unreadable(Poison):
    """The bytes are not an event of ours."""


@dataclass(frozen=True, slots=True)
class Header:
    """The envelope alone: enough to place an event, whatever its body is."""

    id: str
    source: str
    type: str
    subject: str
    sequence: int
    raw: dict[str, Any]


def source_name(service: str) -> str:
    """The CloudEvents `source` of a service."""
    return f"/redress/{service}"


def encode(event: Event[Body]) -> bytes:
    """The event as JSON bytes. Chinese stays readable."""
    document: dict[str, object] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.astimezone(UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "sequence": event.sequence,
        "unit": event.unit,
    }
    if event.traceparent:
        document["traceparent"] = event.traceparent
    if event.causationid:
        document["causationid"] = event.causationid
    document["data"] = orjson.Fragment(event.body.as_json())
    return orjson.dumps(document)


def read_header(value: bytes) -> Header:
    """The envelope of some bytes. Raises Unreadable, naming the first attribute that is wrong."""
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise Unreadable("not a JSON object")
    if document.get("specversion") != "1.0":
        raise Unreadable(f"specversion is {document.get('specversion')!r}, not '1.0'")
    for attribute in ("id", "source", "type", "subject"):
        found = document.get(attribute)
        if not isinstance(found, str) or not found or "\x00" in found or len(found) > MAX_ATTRIBUTE:
            raise Unreadable(f"attribute {attribute!r} is missing or not a short text")
    sequence = document.get("sequence")
    if not isinstance(sequence, int) or isinstance(sequence, bool) or sequence < 1:
        raise Unreadable("attribute 'sequence' is missing or not a whole number from 1")
    return Header(
        document["id"],
        document["source"],
        document["type"],
        document["subject"],
        sequence,
        document,
    )


def read_event(header: Header, body: type[B_co], *, encoded: bytes | None = None) -> Event[B_co]:
    """The typed event behind a header (of the bytes `encoded`). Raises Unreadable, naming the field that is wrong."""
    document = header.raw
    try:
        time = datetime.fromisoformat(str(document["time"]))
        unit = document["unit"]
        data = body.model_validate(document["data"])
    except (KeyError, ValueError) as error:
        reason = error.errors()[0] if isinstance(error, ValidationError) else error
        raise Unreadable(f"{header.type}: {reason}") from error
    if time.tzinfo is None or not isinstance(unit, str):
        raise Unreadable(f"{header.type}: 'time' has no zone or 'unit' is not text")
    return Event(
        id=header.id,
        source=header.source,
        type=header.type,
        subject=header.subject,
        sequence=header.sequence,
        unit=unit,
        time=time,
        body=data,
        traceparent=document.get("traceparent"),
        causationid=document.get("causationid"),
        encoded=encoded,
    )
