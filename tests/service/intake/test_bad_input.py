"""Each line of what bad input gets: a 4xx problem document that names the field, and nothing stored."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from services.intake.store import ATTACHMENTS, COMPLAINANTS, COMPLAINTS, FRAME, MESSAGES
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

PATH = "/intake/v1/complaints"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One world for all: what is refused leaves nothing behind."""
    folder = tmp_path_factory.mktemp("world")
    async with open_world(folder, services=("desk", "intake")) as opened:
        yield opened


async def stored(world: World) -> int:
    """How many rows there are of anything that a complaint could have left."""
    total = 0
    async with world.service("intake").service.database.reading() as connection:
        for table in (
            COMPLAINTS,
            COMPLAINANTS,
            MESSAGES,
            ATTACHMENTS,
            FRAME.idempotency,
            FRAME.outbox,
        ):
            query = select(func.count()).select_from(table)
            total += (await connection.execute(query)).scalar_one()
    return total


async def post_raw(world: World, raw: bytes | str, **headers: str) -> httpx.Response:
    content = raw.encode() if isinstance(raw, str) else raw
    return await world.client.post(PATH, content=content, headers=world.headers(**headers))


def assert_refused(answer: httpx.Response, status: int, field: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "detail", "trace_id"} <= problem.keys()
    if field is not None:
        assert field in [one["field"] for one in problem["errors"]]


BAD_BODIES: list[tuple[str, object, str]] = [
    ("no text", {}, "text"),
    ("null text", {"text": None}, "text"),
    ("blank text", {"text": " \n\u3000"}, "text"),
    ("text too long", {"text": "长" * 20_001}, "text"),
    ("NUL in text", {"text": "a\0b"}, "text"),
    ("NUL deep inside", {"text": "a", "complainant": {"name": "x\0"}}, "complainant.name"),
    ("subject too long", {"text": "a", "subject": "x" * 201}, "subject"),
    ("text is a number", {"text": 5}, "text"),
    ("not an object", ["text"], "body"),
    ("unknown unit", {"text": "a", "unit": "nowhere"}, "unit"),
    ("unknown channel", {"text": "a", "channel": "pigeon"}, "channel"),
    ("naive time", {"text": "a", "occurred_at": "2026-03-01T09:00:00"}, "occurred_at"),
    ("a date", {"text": "a", "occurred_at": "2026-03-01"}, "occurred_at"),
    ("a number for a time", {"text": "a", "occurred_at": 1_700_000_000}, "occurred_at"),
    ("a time of the year 1", {"text": "a", "occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at"),
    ("the leap second", {"text": "a", "occurred_at": "2016-12-31T23:59:60Z"}, "occurred_at"),
    ("6 minutes ahead", {"text": "a", "occurred_at": "2026-03-02T01:06:00Z"}, "occurred_at"),
    ("21 references", {"text": "a", "references": {f"r{n}": "x" for n in range(21)}}, "references"),
    ("a long reference", {"text": "a", "references": {"order": "x" * 101}}, "references.order"),
    ("11 contacts", {"text": "a", "complainant": {"contacts": [{"type": "phone", "value": "1"}] * 11}},
     "complainant.contacts"),
    ("unknown contact type", {"text": "a", "complainant": {"contacts": [{"type": "fax", "value": "1"}]}},
     "complainant.contacts.0.type"),
    ("no phone", {"text": "a", "complainant": {"contacts": [{"type": "phone", "value": "12"}]}},
     "complainant.contacts.0.value"),
    ("header in a mail address",
     {"text": "a", "complainant": {"contacts": [{"type": "email", "value": "a@b.de\r\nBcc: c@d.ef"}]}},
     "complainant.contacts.0.value"),
    ("somebody else's attachment", {"text": "a", "attachments": [{"id": "none"}]}, "attachments.0.id"),
    ("related to no number", {"text": "a", "related_to": "1234"}, "related_to"),
    ("related to nothing", {"text": "a", "related_to": "0000-0000-002"}, "related_to"),
    ("no language", {"text": "a", "language": "中文"}, "language"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field"), [one[1:] for one in BAD_BODIES], ids=[one[0] for one in BAD_BODIES]
)
async def test_a_wrong_field_is_named_and_nothing_is_stored(
    world: World, body: object, field: str
) -> None:
    before = await stored(world)

    answer = await post_raw(world, json.dumps(body))

    assert_refused(answer, 422, field)
    assert await stored(world) == before


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        pytest.param(b'{"text": NaN}', 400, id="NaN"),
        pytest.param(b'{"text": "a", "x": Infinity}', 400, id="Infinity"),
        pytest.param(b'{"text": "a", "x": ' + b"[" * 255 + b"]" * 255 + b"}", 400, id="255 deep"),
        pytest.param(b'{"text": "a", "text": "b"}', 400, id="duplicate key"),
        pytest.param('{"text": "坏"}'.encode("gb18030"), 400, id="not UTF-8"),
        pytest.param(b'{"text": "\\ud800"}', 422, id="lone surrogate"),
        pytest.param(b"", 400, id="empty"),
        pytest.param(b'{"text": "' + b"x" * 1_048_577 + b'"}', 413, id="over 1 MiB"),
    ],
)
async def test_what_is_no_json_of_ours_is_refused(world: World, raw: bytes, status: int) -> None:
    before = await stored(world)

    answer = await post_raw(world, raw)

    assert_refused(answer, status)
    assert await stored(world) == before


async def test_a_compressed_body_is_refused(world: World) -> None:
    assert_refused(
        await post_raw(world, '{"text": "a"}', **{"Content-Encoding": "gzip"}),
        422,
        "Content-Encoding",
    )


async def make_key(world: World, **more: Any) -> tuple[str, str]:
    body = {"label": "test", "scopes": ["intake:write"]} | more
    made = (await world.post("/desk/v1/keys", body)).json()
    await world.settle()
    return made["id"], made["key"]


async def with_key(world: World, key: str | None, body: object, path: str = PATH) -> httpx.Response:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return await world.client.post(path, json=body, headers=headers)


async def test_without_a_good_key_nothing_is_stored(world: World) -> None:
    id_, revoked = await make_key(world)
    await world.post(f"/desk/v1/keys/{id_}/revoke", {})
    await world.settle()
    _, reader = await make_key(world, scopes=["intake:read"])
    before = await stored(world)

    for key, status in ((None, 401), ("rk_a_b", 401), (revoked, 401), (reader, 403)):
        assert_refused(await with_key(world, key, {"text": "a"}), status)
    in_query = await world.client.post(f"{PATH}?key={revoked}", json={"text": "a"})

    assert_refused(in_query, 401)
    assert await stored(world) == before


async def test_a_key_of_one_channel_may_use_only_that(world: World) -> None:
    _, key = await make_key(world, channel="phone")

    refused = await with_key(world, key, {"text": "a", "channel": "web"})
    accepted = await with_key(world, key, {"text": "a"})

    assert_refused(refused, 403, "channel")
    shown = await world.get(f"{PATH}/{accepted.json()['number']}")
    assert shown.json()["channel"] == "phone"


@pytest.mark.parametrize("key", ["", "x" * 256, "é"])
async def test_an_idempotency_key_has_a_form(world: World, key: str) -> None:
    before = await stored(world)
    headers = world.headers() | {"Idempotency-Key": key.encode("latin-1")}

    answer = await world.client.post(PATH, json={"text": "a"}, headers=headers)  # type: ignore[arg-type]

    assert_refused(answer, 422, "Idempotency-Key")
    assert await stored(world) == before


async def test_unknown_fields_are_ignored_and_assign_nothing(world: World) -> None:
    body = {
        "text": "a",
        "status": "closed",
        "severity": "critical",
        "number": "1",
        "received_at": "2020-01-01",
    }

    answer = await world.post(PATH, body)

    assert answer.status_code == 202
    assert answer.json()["number"] != "1"


async def test_validate_only_tells_and_stores_nothing(world: World) -> None:
    before = await stored(world)
    body = {
        "text": "打13812345678",
        "complainant": {"contacts": [{"type": "phone", "value": "138 1234 5678"}]},
    }

    answer = await world.post(f"{PATH}?validate=true", body)

    assert answer.status_code == 200
    assert answer.json()["text"] == "打[phone]"
    assert answer.json()["contacts"] == [{"type": "phone", "value": "+8613812345678"}]
    assert await stored(world) == before


async def test_a_batch_gives_each_its_own_result(world: World) -> None:
    items = [{"text": "一"}, {"text": " "}, 5, {"text": "二", "unit": "nowhere"}]

    answer = await world.post(f"{PATH}:batch", {"items": items})

    assert answer.status_code == 200
    results = answer.json()["items"]
    assert [one["status"] for one in results] == [202, 422, 422, 422]
    assert results[3]["problem"]["errors"][0]["field"] == "unit"
    too_many = await world.post(f"{PATH}:batch", {"items": [{"text": "a"}] * 101})
    assert_refused(too_many, 422, "items")


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"\x89PNG\r\n\x1a\nrest", "image/png", 201),
        ("你好".encode(), "text/plain; charset=utf-8", 201),
        (b"<svg/>", "image/svg+xml", 422),
        (b"<html>", "image/png", 422),
        (
            b"PK\x03\x04zip",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            422,
        ),
        (b"", "image/png", 422),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 10 * 1024 * 1024, "image/png", 413),
    ],
)
async def test_files_are_taken_by_what_they_are(
    world: World, content: bytes, media_type: str, status: int
) -> None:
    before = kept_files(world)
    headers = world.headers("adapter_key", **{"Content-Type": media_type})

    answer = await world.client.post(
        "/intake/v1/attachments?name=a.png", content=content, headers=headers
    )

    assert answer.status_code == status, answer.text
    assert kept_files(world) - before == (status == 201)


def kept_files(world: World) -> int:
    return len(list((world.folder / "intake" / "attachments").glob("*")))


async def test_an_attachment_is_taken_once_and_by_its_sender_only(world: World) -> None:
    headers = world.headers("adapter_key", **{"Content-Type": "text/plain"})
    upload = await world.client.post(
        "/intake/v1/attachments?name=证据.txt", content=b"proof", headers=headers
    )
    body = {"text": "a", "attachments": [{"id": upload.json()["id"]}]}

    by_another = await world.post(PATH, body, key="operator_key")
    first = await world.post(PATH, body, key="adapter_key")
    again = await world.post(PATH, body, key="adapter_key")

    assert_refused(by_another, 422, "attachments.0.id")
    assert first.status_code == 202
    assert_refused(again, 422, "attachments.0.id")
    shown = (await world.get(f"{PATH}/{first.json()['number']}")).json()
    assert shown["attachments"] == [
        {"id": upload.json()["id"], "size": 5, "media_type": "text/plain"}
    ]
    sealed = (world.folder / "intake" / "attachments" / upload.json()["id"]).read_bytes()
    assert b"proof" not in sealed
    opened = await world.get(f"/intake/v1/vault/attachments/{upload.json()['id']}")
    assert opened.content == b"proof"
    assert opened.headers["content-disposition"].startswith("attachment;")


async def test_time_may_be_five_minutes_ahead(world: World) -> None:
    at = (world.clock.now() + timedelta(minutes=5)).isoformat()

    assert (await world.post(PATH, {"text": "a", "occurred_at": at})).status_code == 202
