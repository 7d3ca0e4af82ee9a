"""What Redress says to the outside: every event has a sample that never changes meaning, and a schema."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cloudevents.core.v1.event import CloudEvent
from jsonschema import Draft202012Validator

from dev import docs
from shared.contracts import catalogue
from shared.contracts.catalogue import BY_TYPE, EVENTS, TOPICS, by_type, is_newer_version
from shared.contracts.envelope import (
    MAX_EVENT_BYTES,
    Body,
    Unreadable,
    encode,
    read_event,
    read_header,
    source_name,
)
from shared.masking import mask

SAMPLES = Path(catalogue.__file__).parent / "samples"
TYPES = sorted(BY_TYPE)
STANDARD = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}
OPAQUE = ("id", "_id", "_sha256", "body", "code_sha256", "number")
"""Fields of ids, hashes and packed data: no words, so nothing in them is a person's."""


def sample(type_: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{type_}.json").read_text(encoding="utf-8"))
    return found


def as_bytes(document: object) -> bytes:
    return json.dumps(document).encode()


def test_every_event_has_a_sample_and_every_sample_an_event() -> None:
    assert sorted(file.stem for file in SAMPLES.iterdir()) == TYPES


@pytest.mark.parametrize("type_", TYPES)
def test_a_sample_is_read_and_written_again_without_loss(type_: str) -> None:
    raw = as_bytes(sample(type_))

    event = read_event(read_header(raw), BY_TYPE[type_])

    assert json.loads(encode(event)) == json.loads(raw)
    assert len(encode(event)) <= MAX_EVENT_BYTES


@pytest.mark.parametrize("type_", TYPES)
def test_a_sample_is_a_cloudevent_to_the_reference_library(type_: str) -> None:
    document = sample(type_)
    attributes = {name: value for name, value in document.items() if name != "data"}
    attributes["time"] = read_event(read_header(as_bytes(document)), BY_TYPE[type_]).time

    event = CloudEvent(attributes=attributes, data=document["data"])

    assert event.get_type() == type_
    assert event.get_source() == source_name(BY_TYPE[type_].source)
    assert set(document) - STANDARD <= {"sequence", "unit", "traceparent", "causationid"}


@pytest.mark.parametrize("type_", TYPES)
def test_a_sample_fits_its_published_schema(type_: str) -> None:
    schema = json.loads((docs.EVENTS / f"{type_}.json").read_text(encoding="utf-8"))

    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert list(validator.iter_errors(sample(type_))) == []


@pytest.mark.parametrize("type_", TYPES)
def test_a_published_schema_refuses_an_event_without_its_required_parts(type_: str) -> None:
    schema = json.loads((docs.EVENTS / f"{type_}.json").read_text(encoding="utf-8"))
    validator = Draft202012Validator(schema)

    for name in ("id", "sequence", "unit", "data"):
        lacking = {key: value for key, value in sample(type_).items() if key != name}
        assert not validator.is_valid(lacking), name


@pytest.mark.parametrize("type_", TYPES)
def test_a_field_that_is_not_known_yet_is_ignored(type_: str) -> None:
    document = sample(type_)
    later = document | {"later": 1, "data": document["data"] | {"added_in_a_later_release": [1]}}

    assert read_event(read_header(as_bytes(later)), BY_TYPE[type_]) == read_event(
        read_header(as_bytes(document)), BY_TYPE[type_]
    )


def test_a_field_that_was_added_with_a_default_may_be_missing() -> None:
    document = sample("redress.complaint.received.v1")
    optional = {"truncated", "batch_no", "reference_tokens", "attachments", "related_to"}
    earlier = {key: value for key, value in document["data"].items() if key not in optional}

    event = read_event(
        read_header(as_bytes(document | {"data": earlier})), BY_TYPE[document["type"]]
    )

    assert event.body.model_dump()["attachments"] == ()


def test_another_version_of_a_known_event_is_told_from_an_unknown_event() -> None:
    assert is_newer_version("redress.case.closed.v2")
    assert not is_newer_version("redress.case.closed.v1")
    assert not is_newer_version("redress.case.eaten.v1")


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"id": ""},
        {"subject": None},
        {"sequence": 0},
        {"sequence": "1"},
        {"sequence": True},
        {"type": "x" * 201},
        {"time": "2026-03-03T02:20:00"},
        {"time": "yesterday"},
        {"unit": 7},
        {"data": {}},
        {"data": None},
    ],
)
def test_what_is_no_event_of_ours_is_unreadable(change: dict[str, object]) -> None:
    document = sample("redress.complaint.received.v1") | change

    with pytest.raises(Unreadable):
        read_event(read_header(as_bytes(document)), BY_TYPE["redress.complaint.received.v1"])


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_bytes_that_are_no_json_object_are_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        read_header(raw)


@pytest.mark.parametrize("type_", TYPES)
def test_no_sample_holds_personal_data(type_: str) -> None:
    found = {path: mask(text).spans for path, text in words(sample(type_)["data"])}

    assert {path: spans for path, spans in found.items() if spans} == {}


def words(data: object, path: str = "") -> list[tuple[str, str]]:
    """Every text in some data that people wrote, with where it is."""
    if isinstance(data, dict):
        return [
            one
            for name, value in data.items()
            if not name.endswith(OPAQUE) and name != "reference_tokens"
            for one in words(value, f"{path}.{name}")
        ]
    if isinstance(data, list):
        return [one for at, value in enumerate(data) for one in words(value, f"{path}.{at}")]
    return [(path, data)] if isinstance(data, str) else []


def test_every_event_is_said_by_a_service_that_has_a_topic_and_is_explained() -> None:
    assert {event.source for event in EVENTS} <= set(TOPICS)
    assert [event.name for event in EVENTS if not docs.docstring(event)] == []
    assert set(docs.ZH) == {event.name for event in EVENTS}


def test_two_events_of_one_type_are_refused() -> None:
    with pytest.raises(ValueError, match=r"complaint\.received"):
        by_type([EVENTS[0], type("Other", (Body,), {"name": EVENTS[0].name, "source": "intake"})])


def test_the_generated_pages_are_those_of_the_code() -> None:
    stale = docs.stale_pages(docs.pages())

    assert [str(page.relative_to(docs.ROOT)) for page in stale] == [], "run `make docs`"


def test_every_reference_in_the_asyncapi_document_leads_somewhere() -> None:
    document = yaml.safe_load((docs.EVENTS / "asyncapi.yaml").read_text(encoding="utf-8"))

    references = list(referred(document))
    assert len(references) > len(TYPES)
    for reference in references:
        if reference.startswith("./"):
            assert (docs.EVENTS / reference).exists(), reference
            continue
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    assert document["asyncapi"] == "3.0.0"
    assert {one["address"] for one in document["channels"].values()} == set(TOPICS.values())
    assert set(document["components"]["messages"]) == set(TYPES)


def referred(document: object) -> list[str]:
    if isinstance(document, dict):
        own = [document["$ref"]] if "$ref" in document else []
        return own + [one for value in document.values() for one in referred(value)]
    if isinstance(document, list):
        return [one for value in document for one in referred(value)]
    return []
