"""Every channel's door behaves like the JSON door: once, checked, bound, and nothing half."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from services.intake.channels.table import TABLE
from services.intake.store import ATTACHMENTS
from shared.contracts.intake import ComplaintReceived
from tests.service.intake.doors import PNG, bring, count, form, kept_files, original, shown
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORMS = ["web", "app", "miniapp"]
BODY: dict[str, Any] = {"text": "空调坏了", "complainant": {"name": "王小明"}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One world for all: each test counts what it adds itself."""
    folder = tmp_path_factory.mktemp("world")
    async with open_world(folder, services=("desk", "intake")) as opened:
        yield opened


async def stored(world: World) -> tuple[int, int, int]:
    return await count(world), await count(world, ATTACHMENTS), kept_files(world)


@pytest.mark.parametrize("channel", FORMS)
async def test_a_form_is_a_complaint_by_its_channel(world: World, channel: str) -> None:
    answer = await bring(world, channel, BODY)

    assert answer.status_code == 202, answer.text
    assert answer.json()["outcome"] == "complaint"
    assert (await shown(world, answer.json()["number"]))["channel"] == channel


async def test_a_form_brings_its_files_and_they_are_served_only_by_the_vault(world: World) -> None:
    content, media_type = form(
        BODY, [("表.png", "image/png", PNG), ("说明.txt", "text/plain", "好".encode())]
    )

    answer = await bring(world, "web", content, media_type)

    assert answer.status_code == 202, answer.text
    files = (await shown(world, answer.json()["number"]))["attachments"]
    assert [one["media_type"] for one in files] == ["image/png", "text/plain"]
    opened = await world.get(f"/intake/v1/vault/attachments/{files[0]['id']}")
    assert opened.content == PNG
    assert (await original(world, answer.json()["number"]))["text"] == "空调坏了"


async def test_a_file_that_may_not_be_kept_refuses_the_form_and_leaves_nothing(
    world: World,
) -> None:
    before = await stored(world)
    content, media_type = form(
        BODY, [("a.png", "image/png", PNG), ("b.svg", "image/svg+xml", b"<svg/>")]
    )

    answer = await bring(world, "web", content, media_type)

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == ["files.1"]
    assert await stored(world) == before


async def test_an_idempotency_key_is_for_one_payload(world: World) -> None:
    before = await stored(world)

    first = await bring(world, "web", BODY, **{"Idempotency-Key": "k"})
    again = await bring(world, "web", BODY, **{"Idempotency-Key": "k"})
    other = await bring(world, "web", BODY | {"text": "别的"}, **{"Idempotency-Key": "k"})

    assert again.json()["number"] == first.json()["number"]
    assert other.status_code == 422
    assert await stored(world) == (before[0] + 1, *before[1:])


async def test_another_body_under_a_known_external_id_is_added_to_the_complaint_once(
    world: World,
) -> None:
    first = await bring(world, "web", BODY | {"external_id": "x"})
    before = await stored(world)
    content, media_type = form(
        BODY | {"external_id": "x", "text": "别的"}, [("a.png", "image/png", PNG)]
    )

    other = await bring(world, "web", content, media_type)
    again = await bring(world, "web", content, media_type)

    assert (other.status_code, other.json()["outcome"]) == (202, "message")
    assert other.json()["number"] == first.json()["number"]
    assert again.json()["message_id"] == other.json()["message_id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await stored(world) == (before[0], before[1] + 1, before[2] + 1)


async def test_a_key_of_another_channel_or_a_channel_without_a_door_is_refused(
    world: World,
) -> None:
    before = await stored(world)
    body = {"label": "t", "scopes": ["intake:write"], "channel": "phone"}
    key = (await world.post("/desk/v1/keys", body)).json()["key"]
    await world.settle()

    bound = await bring(world, "web", BODY, Authorization=f"Bearer {key}")
    named = await bring(world, "web", BODY | {"channel": "letter"})
    without = await bring(world, "sensor", BODY)
    unknown = await bring(world, "pigeon", BODY)

    assert [one.status_code for one in (bound, named, without, unknown)] == [403, 403, 404, 404]
    assert await stored(world) == before


async def test_a_payload_is_for_the_unit_it_names_or_that_of_the_address(world: World) -> None:
    await world.post(
        "/desk/v1/units", {"id": "hangzhou", "title_zh": "杭州", "title_en": "Hangzhou"}
    )
    await world.settle()

    there = await bring(world, "web", BODY, query="?unit=hangzhou")
    nowhere = await bring(world, "web", BODY, query="?unit=nowhere")

    assert (await shown(world, there.json()["number"]))["unit"] == "hangzhou"
    assert nowhere.status_code == 422


async def test_validate_tells_what_would_be_stored_and_stores_nothing(world: World) -> None:
    before = await stored(world)

    answer = await bring(world, "app", BODY | {"text": "打13812345678"}, query="?validate=true")

    assert answer.status_code == 200
    assert (answer.json()["text"], answer.json()["channel"]) == ("打[phone]", "app")
    assert await stored(world) == before


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"", "application/json", 400),
        (b"[]", "application/json", 422),
        (b"{}", "application/json", 422),
        (b"--x\r\n", "multipart/form-data; boundary=x", 400),
        (b"--x\r\n", "multipart/form-data", 400),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 422),
        (form(5)[0], form(5)[1], 422),
        (form(BODY)[0][:-9], form(BODY)[1], 400),
        (form(BODY, [("a.txt", "text/plain", b"a")] * 11)[0], form(BODY)[1], 422),
        (form(BODY, [("a.txt", "text/plain", b"a")] * 99)[0], form(BODY)[1], 422),
    ],
)
async def test_a_broken_form_is_refused(
    world: World, content: bytes, media_type: str, status: int
) -> None:
    before = await stored(world)

    answer = await bring(world, "web", content, media_type)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await stored(world) == before


async def test_every_door_is_described_with_an_example() -> None:
    doors = [one for one in TABLE.values() if one.read and "application/json" in one.takes]

    assert doors
    assert [one.code for one in doors if not one.example] == []


CALL = {
    "call_id": "call-1", "agent": "1024", "caller": "138 0013 8000", "started_at": "2026-03-02T09:00:00+08:00",
    "ended_at": "2026-03-02T09:05:00+08:00", "recording_url": "https://rec.example.com/1",
    "transcript": "客户：空调坏了，没人来修。", "summary": "空调维修无人上门", "complainant": {"name": "王小明"},
}  # fmt: skip


async def test_a_call_record_is_a_complaint_and_keeps_who_took_it_with_the_recording(
    world: World,
) -> None:
    answer = await bring(world, "phone", CALL)

    assert answer.status_code == 202, answer.text
    found = await shown(world, answer.json()["number"])
    assert (found["text"], found["subject"]) == (CALL["transcript"], CALL["summary"])
    assert (found["external_id"], found["contact_types"]) == ("call-1", ["phone"])
    received = json.loads((await original(world, answer.json()["number"]))["payload"])
    assert received == CALL


async def test_a_long_transcript_is_cut_and_kept_whole_as_a_file(world: World) -> None:
    transcript = "客户：很长。" * 5_000

    answer = await bring(world, "phone", CALL | {"call_id": "call-2", "transcript": transcript})

    found = await shown(world, answer.json()["number"])
    assert (found["truncated"], len(found["text"])) == (True, 20_000)
    [file] = found["attachments"]
    whole = await world.get(f"/intake/v1/vault/attachments/{file['id']}")
    assert whole.content.decode() == transcript


@pytest.mark.req("R-004")
async def test_an_agent_needs_no_more_than_the_text_and_a_contact(world: World) -> None:
    body = {"call_id": "call-3", "text": "空调坏了", "caller": "13800138000"}

    assert (await bring(world, "phone", body)).status_code == 202


LETTER = {"register_no": "来信-1", "text": "请校表", "arrived_at": "2026-03-02T09:00:00+08:00"}
FORWARDED = {
    "authority": "12345", "case_number": "HZ2026030300117", "due_at": "2026-03-10T17:00:00+08:00", "text": "小区停电",
}  # fmt: skip


@pytest.mark.parametrize(
    ("channel", "body"),
    [("walk_in", BODY | {"external_id": "c-1"}), ("letter", LETTER), ("phone", CALL | {"call_id": "call-4"}),
     ("regulator", FORWARDED | {"case_number": "scan-1"})],
)  # fmt: skip
async def test_what_staff_take_down_comes_with_its_scans(
    world: World, channel: str, body: dict[str, Any]
) -> None:
    content, media_type = form(body, [("扫描.png", "image/png", PNG)])

    answer = await bring(world, channel, content, media_type)

    assert answer.status_code == 202, answer.text
    found = await shown(world, answer.json()["number"])
    assert (found["channel"], [one["media_type"] for one in found["attachments"]]) == (
        channel,
        ["image/png"],
    )


async def test_a_regulator_s_number_and_deadline_are_facts_of_the_complaint(world: World) -> None:
    answer = await bring(world, "regulator", FORWARDED)
    again = await bring(world, "regulator", FORWARDED)

    assert answer.status_code == 202, answer.text
    assert again.json()["number"] == answer.json()["number"]
    wanted = {"authority": "12345", "number": "HZ2026030300117", "due_at": "2026-03-10T09:00:00Z"}
    assert (await shown(world, answer.json()["number"]))["regulator"] == wanted
    await world.settle()
    said = {one.body.number: one.body for one in await world.said("intake", ComplaintReceived)}
    regulator = said[answer.json()["number"]].regulator
    assert regulator is not None
    assert regulator.model_dump(mode="json") == wanted


CHAT: dict[str, Any] = {
    "conversation_id": "chat-1", "from": 0,
    "turns": [{"speaker": "bot", "text": "您好"}, {"speaker": "customer", "text": "空调坏了，没人来修"}],
    "complainant": {"name": "王小明", "contacts": [{"type": "phone", "value": "13800138000"}]},
}  # fmt: skip
POST: dict[str, Any] = {
    "post_id": "501", "platform": "dianping", "kind": "review", "author": "王小明", "rating": 1, "reach": 12000,
    "link": "https://reviews.example.com/501", "text": "上菜慢，还有头发",
}  # fmt: skip


async def test_a_chat_is_a_complaint_with_its_first_part_and_grows_while_it_runs(
    world: World,
) -> None:
    later = [{"speaker": "agent", "text": "请稍等"}, {"speaker": "customer", "text": "在吗"}]
    first = await bring(world, "chat", CHAT)
    number = first.json()["number"]

    added = [
        await bring(world, "chat", CHAT | {"from": 2, "turns": later}),
        await bring(world, "chat", CHAT | {"from": 2, "turns": later}),
        await bring(world, "chat", CHAT | {"from": 4, "turns": later}),
    ]
    again = await bring(world, "chat", CHAT)

    assert {one.json()["number"] for one in [*added, again]} == {number}
    assert [one.json()["outcome"] for one in added] == ["message"] * 3
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await shown(world, number))["text"] == "机器人：您好\n客户：空调坏了，没人来修"
    messages = await world.get(f"/intake/v1/complaints/{number}/messages")
    assert [one["text"] for one in messages.json()["items"]] == ["坐席：请稍等\n客户：在吗"] * 2


@pytest.mark.req("R-006")
async def test_a_review_says_how_far_it_is_heard_and_the_vault_who_wrote_it_where(
    world: World,
) -> None:
    answer = await bring(world, "social", POST)
    again = await bring(world, "social", POST)

    number = answer.json()["number"]
    assert again.json()["number"] == number
    found = await shown(world, number)
    wanted = {
        "platform": "dianping",
        "kind": "review",
        "rating": 1.0,
        "reach": 12000,
        "is_public": True,
    }
    assert (found["channel"], found["post"]) == ("social", wanted)
    assert POST["link"] in (await original(world, number))["payload"]
    await world.settle()
    [said] = [
        one for one in await world.said("intake", ComplaintReceived) if one.body.number == number
    ]
    assert said.body.post is not None
    assert said.body.post.model_dump() == wanted
    assert "501" not in said.body.model_dump_json().replace(number, "")


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("phone", {"text": "a"}, "call_id"),
    ("phone", {"call_id": "c"}, "body"),
    ("phone", CALL | {"ended_at": "2026-03-02T08:00:00+08:00"}, "body"),
    ("phone", CALL | {"started_at": "yesterday"}, "started_at"),
    ("phone", CALL | {"recording_url": "ftp://x"}, "recording_url"),
    ("phone", CALL | {"transcript": "a\0"}, "transcript"),
    ("phone", CALL | {"caller": "8001"}, "complainant.contacts.0.value"),
    ("phone", CALL | {"complainant": 5}, "complainant"),
    ("letter", {"text": "a"}, "register_no"),
    ("letter", LETTER | {"text": " "}, "text"),
    ("walk_in", {"external_id": "c"}, "text"),
    ("regulator", {"text": "a", "case_number": "123"}, "authority"),
    ("regulator", FORWARDED | {"authority": "110"}, "authority"),
    ("regulator", FORWARDED | {"case_number": "13800138000"}, "case_number"),
    ("regulator", FORWARDED | {"case_number": "a\r\nb"}, "case_number"),
    ("regulator", FORWARDED | {"due_at": "9999-12-31T23:59:59-14:00"}, "due_at"),
    ("regulator", FORWARDED | {"due_at": "0001-01-01T00:00:00+14:00"}, "due_at"),
    ("chat", CHAT | {"conversation_id": ""}, "conversation_id"),
    ("chat", CHAT | {"turns": []}, "turns"),
    ("chat", CHAT | {"turns": [{"speaker": "ghost", "text": "a"}]}, "turns.0.speaker"),
    ("chat", CHAT | {"turns": [{"speaker": "agent", "text": "a"}]}, "body"),
    ("chat", CHAT | {"turns": [{"speaker": "customer", "text": "a", "at": "now"}]}, "turns.0.at"),
    ("chat", CHAT | {"from": -1}, "from"),
    ("social", POST | {"post_id": None}, "post_id"),
    ("social", POST | {"platform": "We ibo"}, "platform"),
    ("social", POST | {"rating": 6}, "rating"),
    ("social", POST | {"reach": -1}, "reach"),
    ("social", POST | {"link": "javascript:alert(1)"}, "link"),
    ("social", POST | {"text": " "}, "text"),
    ("web", BODY | {"post": {"platform": "weibo"}}, "post"),
    ("web", BODY | {"regulator": {"authority": "12345", "number": "123"}}, "regulator"),
]


@pytest.mark.parametrize(("channel", "body", "field"), WRONG)
async def test_a_wrong_field_of_a_payload_is_named_and_nothing_is_stored(
    world: World, channel: str, body: dict[str, Any], field: str
) -> None:
    before = await stored(world)

    answer = await bring(world, channel, body)

    assert answer.status_code == 422, answer.text
    assert field in [one["field"] for one in answer.json()["errors"]]
    assert await stored(world) == before
