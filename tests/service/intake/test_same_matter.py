"""The same matter once: the same person's is added to the complaint, another's is linked, and links can be undone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.intake.usecases.matching import Matcher
from shared.contracts.intake import ComplaintLinked, ComplaintMessageAdded, ComplaintReceived
from tests.service.intake.people import another_key, complainant_of, erase

if TYPE_CHECKING:
    from tests.world import World

PATH = "/intake/v1/complaints"
TEXT = (
    "家里换了智能电表以后，电费多了一倍，要求校表，多收的钱要退。客服电话打了三次都说会派人上门。"
)
PHONE = {"contacts": [{"type": "phone", "value": "13800138000"}]}
OTHER = {"contacts": [{"type": "phone", "value": "13900139000"}]}


async def post(world: World, body: dict[str, Any], **more: str) -> dict[str, Any]:
    answer = await world.post(PATH, body, **more)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json() | {"replayed": "idempotent-replayed" in answer.headers}
    return found


async def match(world: World) -> None:
    """Do what the matcher's loop does."""
    matcher = Matcher(world.service("intake").service.database)
    while await matcher.match_waiting():
        pass
    await world.settle()


async def links(world: World, number: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.get(f"{PATH}/{number}/links")).json()["items"]
    return found


async def test_an_edited_post_under_its_external_id_becomes_a_message_once(
    either_world: World,
) -> None:
    world = either_world
    first = await post(world, {"text": "评分一星", "channel": "social", "external_id": "p-1"})
    edited = {"text": "评分一星，还没人回 13800138000", "channel": "social", "external_id": "p-1"}

    added = await post(world, edited)
    again = await post(world, edited)
    back = await post(world, {"text": "评分一星", "channel": "social", "external_id": "p-1"})

    assert (added["number"], added["code"]) == (first["number"], first["code"])
    assert (added["replayed"], again["replayed"]) == (False, True)
    assert again["message_id"] == added["message_id"]
    assert "message_id" not in back, "the first body is still the complaint itself"
    shown = (await world.get(f"{PATH}/{first['number']}/messages")).json()["items"]
    assert [one["text"] for one in shown] == ["评分一星，还没人回 [phone]"]
    await world.settle()
    assert len(await world.said("intake", ComplaintMessageAdded)) == 1
    opened = await world.get(f"/intake/v1/vault/complaints/{first['number']}")
    assert opened.json()["messages"][0]["text"] == edited["text"]


@pytest.mark.req("R-008")
async def test_a_call_and_a_mail_about_one_order_are_one_complaint(either_world: World) -> None:
    world = either_world
    call = {
        "text": "快递没到",
        "channel": "phone",
        "complainant": PHONE,
        "references": {"order_no": "A 1"},
    }
    mail = call | {"text": "订单还是没到！", "channel": "email", "references": {"order_no": "a-1"}}

    first = await post(world, call)
    second = await post(world, mail, **{"Idempotency-Key": "k"})
    again = await post(world, mail, **{"Idempotency-Key": "k"})

    assert second["number"] == first["number"]
    assert second["code"] is None, "whoever posts it has shown no code"
    assert (again["message_id"], again["code"], again["replayed"]) == (
        second["message_id"],
        None,
        True,
    )
    await world.settle()
    assert len(await world.said("intake", ComplaintReceived)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"channel": "phone"},
        {"complainant": OTHER},
        {"references": {"order_no": "A2"}},
        {"complainant": {"anonymous": True}},
        {"references": {"batch_no": "A1"}},
    ],
)
async def test_another_person_reference_or_the_same_door_is_a_complaint_of_its_own(
    world: World, change: dict[str, Any]
) -> None:
    call = {
        "text": "快递没到",
        "channel": "phone",
        "complainant": PHONE,
        "references": {"order_no": "A1"},
    }

    first = await post(world, call)
    second = await post(world, call | {"channel": "email"} | change)

    assert second["number"] != first["number"]
    assert second["code"]


async def test_a_day_later_it_is_a_complaint_of_its_own(world: World) -> None:
    call = {
        "text": "快递没到",
        "channel": "phone",
        "complainant": PHONE,
        "references": {"order_no": "A1"},
    }
    first = await post(world, call)
    world.clock.advance(timedelta(hours=25))

    second = await post(world, call | {"channel": "email"})

    assert second["number"] != first["number"]


async def test_the_same_person_quoting_the_number_adds_to_it_and_another_does_not(
    either_world: World,
) -> None:
    world = either_world
    first = await post(world, {"text": TEXT, "complainant": PHONE})
    quoting = f"编号 {first['number']} 怎么还没人联系我"

    mine = await post(world, {"text": quoting, "complainant": PHONE})
    theirs = await post(world, {"text": quoting, "complainant": OTHER})
    await match(world)

    assert mine["number"] == first["number"]
    assert mine["code"] is None
    assert theirs["number"] != first["number"]
    [link] = await links(world, theirs["number"])
    assert (link["number"], link["reasons"]) == (first["number"], ["number_quoted"])


async def test_a_likely_duplicate_is_linked_with_score_and_reasons_and_never_merged(
    either_world: World,
) -> None:
    world = either_world
    meter = {"references": {"meter_no": "M1"}}
    first = await post(world, {"text": TEXT, "complainant": PHONE} | meter)
    await match(world)
    changed = TEXT.replace("三次", "两次")
    second = await post(world, {"text": changed, "complainant": OTHER, "channel": "app"} | meter)
    await post(world, {"text": "空调坏了没有人来修，已经等了十天，要求赔偿损失并且道歉"})
    await match(world)
    third = await post(world, {"text": TEXT} | meter)
    await match(world)

    said = await world.said("intake", ComplaintLinked)
    found = {(one.body.number, one.body.other_number): one.body for one in said}
    one = found[second["number"], first["number"]]
    assert one.reasons == ("reference", "text")
    assert 0.6 <= one.score <= 1.0
    assert one.repeat is False
    assert found[third["number"], first["number"]].repeat is True
    assert len(found) == 3
    assert {one["number"] for one in await links(world, first["number"])} == {
        second["number"],
        third["number"],
    }


async def test_an_undone_link_is_said_and_stays_undone(either_world: World) -> None:
    world = either_world
    meter = {"references": {"meter_no": "M1"}}
    first = await post(world, {"text": TEXT} | meter)
    second = await post(world, {"text": TEXT} | meter)
    await match(world)
    path = f"{PATH}/{first['number']}/links/{second['number']}"

    undone = await world.client.delete(path, headers=world.headers())
    again = await world.client.delete(path, headers=world.headers())
    await match(world)

    assert (undone.status_code, again.status_code) == (204, 404)
    [link] = await links(world, second["number"])
    assert link["undone_by"].startswith("key/")
    said = await world.said("intake", ComplaintLinked)
    assert [one.body.undone for one in said] == [False, True]


async def test_an_edits_key_is_its_own(world: World) -> None:
    body = {"text": "一星", "channel": "social", "external_id": "p-1"}
    first = await post(world, body, **{"Idempotency-Key": "a"})
    edited = body | {"text": "一星，没人回"}

    added = await post(world, edited, **{"Idempotency-Key": "b"})
    again = await post(world, edited, **{"Idempotency-Key": "b"})
    more = await world.post(PATH, body | {"text": "半星"}, **{"Idempotency-Key": "b"})

    assert again == added | {"replayed": True}
    assert added["code"] == first["code"]
    assert more.status_code == 422
    shown = (await world.get(f"{PATH}/{first['number']}/messages")).json()["items"]
    assert len(shown) == 1


async def test_another_units_complaints_are_neither_added_to_nor_linked(
    either_world: World,
) -> None:
    world = either_world
    for unit in ("north", "south"):
        await world.post("/desk/v1/units", {"id": unit, "title_zh": unit})
    await world.settle()
    body = {"text": TEXT, "complainant": PHONE, "references": {"order_no": "A1"}}

    first = await post(world, body | {"unit": "north"})
    quoting = f"{first['number']} {TEXT}"
    second = await post(world, body | {"unit": "south", "channel": "email", "text": quoting})
    await match(world)

    assert second["number"] != first["number"]
    assert await links(world, second["number"]) == []
    south = await another_key(world, unit="south")
    hidden = await world.client.get(f"{PATH}/{first['number']}/links", headers=south)
    assert hidden.status_code == 404


async def test_what_a_complaint_was_found_by_goes_with_its_complainant(world: World) -> None:
    second = await another_key(world)
    body = {"text": TEXT, "complainant": PHONE, "references": {"order_no": "A1"}}
    first = await post(world, body | {"channel": "phone"})
    await match(world)
    await erase(world, await complainant_of(world, first["number"]), second=second)

    later = await post(world, body | {"channel": "email"})
    await match(world)

    assert later["number"] != first["number"]
    assert await links(world, later["number"]) == []
    edited = await post(world, {"text": "a", "external_id": "e"})
    await erase(world, await complainant_of(world, edited["number"]), second=second)
    gone = await world.post(PATH, {"text": "b", "external_id": "e"})
    assert gone.status_code == 410
