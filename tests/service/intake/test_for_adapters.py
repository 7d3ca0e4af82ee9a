"""What those who write adapters have to try things: validation without a trace, and a unit that is emptied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.intake.store import ATTACHMENTS, COMPLAINANTS, COMPLAINTS, MESSAGES
from shared.contracts.intake import ComplainantErased, ComplaintReceived
from tests.service.intake.doors import count
from tests.world import World, open_world

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

COMPLAINTS_PATH = "/intake/v1/complaints"
MINE = {"contacts": [{"type": "phone", "value": "13800138000"}]}


async def sandboxed(world: World, text: str = "坏了") -> str:
    answer = await world.post(
        COMPLAINTS_PATH, {"text": text, "unit": "sandbox", "complainant": MINE}
    )
    return str(answer.json()["number"])


async def test_a_unit_for_tests_is_emptied_by_one_person_and_no_other_unit_is(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path, services=("desk", "intake"), test_units="sandbox") as world:
        await world.post("/desk/v1/units", {"id": "sandbox", "title_zh": "测试"})
        await world.settle()
        [first, _], kept = [await sandboxed(world) for _ in range(2)], await world.complain()

        refused = await world.post("/intake/v1/vault/purges", {"unit": "root"})
        done = await world.post("/intake/v1/vault/purges", {"unit": "sandbox"})
        await world.settle()

        assert refused.status_code == 409
        assert done.json() == {"unit": "sandbox", "erased": 2}
        assert (await world.get(f"/intake/v1/vault/complaints/{first}")).status_code == 410
        assert (await world.get(f"/intake/v1/vault/complaints/{kept['number']}")).status_code == 200
        assert len(await world.said("intake", ComplainantErased)) == 2
        again = await world.post("/intake/v1/vault/purges", {"unit": "sandbox"})
        assert again.json()["erased"] == 0


@pytest.mark.parametrize("door", ["complaints", "batch", "messages", "attachments", "phone"])
async def test_at_every_door_nothing_is_stored_of_what_is_only_validated(
    world: World, door: str
) -> None:
    known = await world.complain()
    before = [await count(world, one) for one in (COMPLAINTS, COMPLAINANTS, MESSAGES, ATTACHMENTS)]
    said = len(await world.said("intake", ComplaintReceived))

    answer = await _tried(world, door, known["number"])
    await world.settle()

    assert answer.status_code == 200, answer.text
    assert "13800138000" not in answer.json().get("text", "")
    assert [
        await count(world, one) for one in (COMPLAINTS, COMPLAINANTS, MESSAGES, ATTACHMENTS)
    ] == before
    assert len(await world.said("intake", ComplaintReceived)) == max(said, 1)


async def _tried(world: World, door: str, number: str) -> httpx.Response:
    text = {"text": "电话 13800138000"}
    if door == "attachments":
        headers = world.headers("adapter_key", **{"Content-Type": "text/plain"})
        return await world.client.post(
            "/intake/v1/attachments?validate=true", content=b"a", headers=headers
        )
    bodies: dict[str, tuple[str, Any]] = {
        "complaints": (COMPLAINTS_PATH, text),
        "batch": (f"{COMPLAINTS_PATH}:batch", {"items": [text]}),
        "messages": (f"{COMPLAINTS_PATH}/{number}/messages", text),
        "phone": ("/intake/v1/channels/phone", {"call_id": "c"} | text),
    }
    path, body = bodies[door]
    return await world.post(f"{path}?validate=true", body, key="adapter_key")


async def test_what_would_be_asked_is_told_before_and_its_ids_are_said(world: World) -> None:
    bare = (await world.post(f"{COMPLAINTS_PATH}?validate=true", {"text": "坏了"})).json()
    made = (await world.post(COMPLAINTS_PATH, {"text": "坏了"})).json()
    await world.settle()

    asked = [one["id"] for one in bare["questions"]]
    assert asked[0] == "contact"
    assert all(one["ask"]["zh"] and one["ask"]["en"] for one in bare["questions"])
    [said] = await world.said("intake", ComplaintReceived)
    assert list(said.body.missing) == asked
    shown = await world.get(f"{COMPLAINTS_PATH}/{made['number']}")
    assert shown.json()["missing"] == asked


async def test_a_key_of_one_unit_posts_there_only(world: World) -> None:
    for unit in ("north", "south"):
        await world.post("/desk/v1/units", {"id": unit, "title_zh": unit})
    await world.settle()
    made = await world.post(
        "/desk/v1/keys", {"label": "n", "scopes": ["intake:write"], "unit": "north"}
    )
    await world.settle()
    headers = {"Authorization": f"Bearer {made.json()['key']}"}

    taken = await world.client.post(COMPLAINTS_PATH, json={"text": "a"}, headers=headers)
    other = await world.client.post(
        COMPLAINTS_PATH, json={"text": "a", "unit": "south"}, headers=headers
    )

    assert (await world.get(f"{COMPLAINTS_PATH}/{taken.json()['number']}")).json()[
        "unit"
    ] == "north"
    assert other.status_code == 404
