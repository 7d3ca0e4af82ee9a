"""Personal data is in the vault, sealed, and nowhere else; outside one's units nothing exists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from services.intake.store import COMPLAINANTS, READS

if TYPE_CHECKING:
    from tests.world import World

PATH = "/intake/v1/complaints"
CANARIES = (
    "13812345678",
    "王小明",
    "wang.xm@example.com",
    "11010519491231002X",
    "幸福路5号",
    "会员8812",
)
BODY = {
    "text": "我是王小明，住幸福路5号，电话13812345678，身份证11010519491231002X，\u202e原话\n\t带“引号”",
    "subject": "找 wang.xm@example.com",
    "complainant": {
        "name": "王小明",
        "contacts": [
            {"type": "phone", "value": "138-1234-5678"},
            {"type": "email", "value": "wang.xm@example.com"},
            {"type": "address", "value": "幸福路5号"},
        ],
        "customer_no": "会员8812",
        "preferred_channel": "email",
    },
    "references": {"order_no": "A-1"},
}


@pytest.mark.req("R-162")
async def test_neither_database_nor_log_holds_personal_data_in_clear(world: World) -> None:
    receipt = (await world.post(PATH, BODY, key="adapter_key")).json()
    await world.post(
        f"{PATH}/{receipt['number']}/messages", {"text": "打13812345678找wang.xm@example.com"}
    )
    await world.settle()

    files = [
        file for file in world.folder.rglob("*") if file.is_file() and file.name != "first-run.json"
    ]
    assert any(file.name == "state.db" for file in files)
    for file in files:
        content = file.read_bytes()
        found = [one for one in (*CANARIES, receipt["code"]) if one.encode() in content]
        assert found == [], file


@pytest.mark.req("R-013")
async def test_the_words_come_back_byte_for_byte_and_the_read_is_recorded(
    either_world: World,
) -> None:
    raw = json.dumps(BODY, ensure_ascii=False, indent=3).encode()
    headers = either_world.headers("adapter_key")
    number = (await either_world.client.post(PATH, content=raw, headers=headers)).json()["number"]
    await either_world.post(f"{PATH}/{number}/messages", {"text": "还有 13912345678"})

    answer = await either_world.get(f"/intake/v1/vault/complaints/{number}")

    opened = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert opened["payload"].encode() == raw
    assert opened["text"] == BODY["text"]
    assert [one["text"] for one in opened["messages"]] == ["还有 13912345678"]
    assert await reads(either_world) == 1


async def test_the_complainant_is_told_in_clear_for_the_moment_of_sending(
    either_world: World,
) -> None:
    number = (await either_world.post(PATH, BODY)).json()["number"]
    shown = (await either_world.get(f"{PATH}/{number}")).json()

    answer = await either_world.get(f"/intake/v1/vault/complainants/{shown['complainant_id']}")

    profile = answer.json()
    assert (profile["name"], profile["language"], profile["preferred_channel"]) == (
        "王小明",
        "zh",
        "email",
    )
    assert profile["contacts"][0] == {"type": "phone", "value": "+8613812345678"}
    assert await reads(either_world) == 1


async def test_our_own_services_read_without_a_record_of_each(world: World) -> None:
    await world.post(PATH, BODY)
    complainant = (await world.get(PATH)).json()["items"][0]["complainant_id"]
    token = world.environment.guard.service_token("notify", frozenset({"vault:read"}))

    answer = await world.client.get(
        f"/intake/v1/vault/complainants/{complainant}", headers={"Authorization": f"Bearer {token}"}
    )

    assert answer.status_code == 200
    assert await reads(world) == 0


async def test_an_erased_complainant_is_gone(world: World) -> None:
    await world.post(PATH, BODY, **{"Idempotency-Key": "k"})
    shown = (await world.get(PATH)).json()["items"][0]

    await world.service("intake").service.database.run(
        lambda tx: tx.execute(
            update(COMPLAINANTS).values(data_key=None, profile=None, erased_at=tx.now)
        )
    )

    vault = "/intake/v1/vault"
    assert (await world.get(f"{vault}/complainants/{shown['complainant_id']}")).status_code == 410
    assert (await world.get(f"{vault}/complaints/{shown['number']}")).status_code == 410
    assert (await world.post(PATH, BODY, **{"Idempotency-Key": "k"})).status_code == 410
    added = await world.post(f"{PATH}/{shown['number']}/messages", {"text": "a"})
    assert added.status_code == 410


async def test_outside_ones_unit_nothing_exists(either_world: World) -> None:
    """INVARIANT: every list, query and vault read is filtered by unit, and looks the same as absence."""
    world = either_world
    keys = {}
    for unit in ("north", "south"):
        await world.post("/desk/v1/units", {"id": unit, "title_zh": unit})
        await world.settle()
        scopes = ["intake:write", "intake:read", "vault:read"]
        made = await world.post("/desk/v1/keys", {"label": unit, "scopes": scopes, "unit": unit})
        keys[unit] = {"Authorization": f"Bearer {made.json()['key']}"}
    await world.settle()
    client = world.client
    body = BODY | {"external_id": "e1", "channel": "email"}
    posted = await client.post(PATH, json=body, headers=keys["north"])
    number = posted.json()["number"]
    upload = await client.post(
        "/intake/v1/attachments",
        content=b"x",
        headers=keys["north"] | {"Content-Type": "text/plain"},
    )
    north = (await client.get(f"{PATH}/{number}", headers=keys["north"])).json()
    with_file = {"text": "b", "attachments": [{"id": upload.json()["id"]}]}
    assert (await client.post(PATH, json=with_file, headers=keys["north"])).status_code == 202

    assert north["unit"] == "north"
    for path in (
        f"{PATH}/{number}",
        f"{PATH}/{number}/messages",
        f"/intake/v1/vault/complaints/{number}",
        f"/intake/v1/vault/complainants/{north['complainant_id']}",
        f"/intake/v1/vault/attachments/{upload.json()['id']}",
    ):
        assert (await client.get(path, headers=keys["south"])).status_code == 404, path
        assert (await client.get(path, headers=keys["north"])).status_code == 200, path
    for path in (PATH, f"{PATH}?channel=email&external_id=e1"):
        assert (await client.get(path, headers=keys["south"])).json()["items"] == [], path
        assert (await client.get(path, headers=keys["north"])).json()["items"] != [], path
        assert (await world.get(path)).json()["items"] != [], "rights reach downwards"
    south = keys["south"]
    add = await client.post(f"{PATH}/{number}/messages", json={"text": "a"}, headers=south)
    into = await client.post(PATH, json={"text": "a", "unit": "north"}, headers=south)
    related = await client.post(PATH, json={"text": "a", "related_to": number}, headers=south)
    same_id = await client.post(PATH, json=body, headers=south)
    assert (add.status_code, into.status_code, related.status_code) == (404, 404, 422)
    assert same_id.json()["number"] != number


async def test_lists_go_on_where_the_page_before_ended(world: World) -> None:
    numbers = [(await world.post(PATH, {"text": str(at)})).json()["number"] for at in range(5)]

    seen: list[str] = []
    path = f"{PATH}?limit=2"
    while path:
        page = (await world.get(path)).json()
        seen += [one["number"] for one in page["items"]]
        path = f"{PATH}?limit=2&after={page['next']}" if page["next"] else ""

    assert sorted(seen) == sorted(numbers)
    assert len(seen) == 5


async def test_channels_are_public_with_hours_and_promises_in_both_languages(world: World) -> None:
    answer = await world.client.get("/intake/v1/channels")

    assert answer.status_code == 200
    channels = {one["channel"]: one for one in answer.json()["items"]}
    assert channels["phone"]["title"] == {"zh": "电话", "en": "Phone"}
    assert channels["phone"]["hours"]["en"] == "Extended hours"
    assert channels["web"]["promised"][0]["text"] == {"zh": "5分钟内", "en": "within 5 minutes"}


async def reads(world: World) -> int:
    async with world.service("intake").service.database.reading() as connection:
        found: int = (
            await connection.execute(select(func.count()).select_from(READS))
        ).scalar_one()
    return found
