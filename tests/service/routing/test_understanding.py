"""Understanding over HTTP: any text by any pack, nothing stored; and learning from corrections."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.routing.store import learning
from services.routing.usecases.learn import Learner
from shared.contracts.routing import ComplaintUnderstood

if TYPE_CHECKING:
    from tests.world import World

UNDERSTAND = "/routing/v1/understand"


async def read(world: World, **body: Any) -> dict[str, Any]:
    answer = await world.post(UNDERSTAND, body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.req("R-033")
async def test_a_text_is_understood_by_a_pack_that_is_not_in_force_with_evidence_in_its_places(
    world: World,
) -> None:
    text = "换了新电表以后电费翻倍，要求校表"

    found = await read(world, text=text, pack="power")

    assert found["kind"]["value"] == "complaint"
    assert found["categories"][0]["code"] == "PWR-MTR"
    assert found["pack"] == "power"
    assert found["language"] == "zh"
    for candidate in found["categories"]:
        for one in candidate["evidence"]:
            assert text[one["start"] : one["end"]].lower() == one["word"]
            assert one["by"] in ("words", "learnt")


async def test_nothing_is_stored_and_nothing_is_said(world: World) -> None:
    await read(world, text="电表箱正在冒烟，快来人！")
    await world.settle()

    assert (await world.get("/routing/v1/decisions")).json()["items"] == []
    assert await world.said("routing") == []


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("整栋楼都停水了，要求处理", "scope", "household_group"),
        ("The whole street has no power, please fix it", "scope", "area"),
        ("同一批水泥都起砂", "scope", "batch"),
        ("空调坏了，要求维修", "scope", "one"),
        ("气死我了，什么玩意", "emotion", "angry"),
        ("求求你们了，真的走投无路", "emotion", "desperate"),
        ("I am so disappointed with the service", "emotion", "upset"),
        ("请检查一下账单", "emotion", "calm"),
        ("不用赔，给我个说法就行", "wants", ["explanation"]),
        ("I want a refund and an apology", "wants", ["compensation", "apology"]),
    ],
)
async def test_scope_mood_and_wishes_are_read(
    world: World, text: str, field: str, value: object
) -> None:
    found = await read(world, text=text)

    if isinstance(value, list):
        assert set(value) <= set(found[field])
    else:
        assert found[field] == value


@pytest.mark.req("R-038")
async def test_a_whole_building_is_a_group_and_a_cue(world: World) -> None:
    found = await read(world, text="我们整栋楼都没水，whole building without water")

    assert found["scope"] == "household_group"
    assert "group" in [cue["id"] for cue in found["severity"]["cues"]]


@pytest.mark.req("R-042")
async def test_just_an_explanation_is_what_is_wanted(world: World) -> None:
    found = await read(world, text="Just give me an explanation")

    assert found["wants"] == ["explanation"]


@pytest.mark.req("R-049")
async def test_a_calm_text_about_danger_is_still_critical(world: World) -> None:
    found = await read(world, text="您好，电表箱在冒烟，麻烦看一下")

    assert (found["emotion"], found["severity"]["value"]) == ("calm", "critical")


@pytest.mark.req("R-035")
async def test_late_and_broken_are_two_categories(world: World) -> None:
    found = await read(world, text="The parcel was late, delayed by a week, and arrived broken")

    assert {"GEN-DLY", "GEN-PRD"} <= {one["code"] for one in found["categories"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [({"text": " "}, "text"), ({"text": "x", "pack": "nope"}, "pack"), ({"text": "x" * 20_001}, "text"), ({}, "text")],
)  # fmt: skip
async def test_a_bad_request_names_its_field(
    world: World, body: dict[str, str], field: str
) -> None:
    answer = await world.post(UNDERSTAND, body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_a_unit_out_of_reach_is_not_there(world: World) -> None:
    answer = await world.post(UNDERSTAND, {"text": "x", "unit": "elsewhere"})

    assert answer.status_code == 404


async def test_scope_mood_and_wishes_go_with_the_decision_and_the_event(world: World) -> None:
    made = await world.complain("整栋楼停水三天了，气死人，要求赔偿")
    await world.settle()

    decision = (await world.get(f"/routing/v1/decisions/{made['number']}")).json()
    [said] = await world.said("routing", ComplaintUnderstood)
    assert decision["scope"] == said.body.scope == "household_group"
    assert decision["emotion"] == said.body.emotion == "angry"
    assert tuple(decision["wants"]) == said.body.wants
    assert "compensation" in said.body.wants


def learner(world: World) -> Learner:
    loops = world.service("routing").service.loops
    [found] = [one for loop in loops if isinstance(one := getattr(loop, "__self__", None), Learner)]
    return found


TAUGHT = [
    ("嗡嗡响了一夜", "GEN-PRD"), ("嗡嗡的声音越来越大", "GEN-PRD"), ("机器嗡嗡响", "GEN-PRD"), ("它又嗡嗡响", "GEN-PRD"),
    ("晚上嗡嗡个没完", "GEN-PRD"), ("那东西嗡嗡的", "GEN-PRD"), ("小票上的数不对头", "GEN-FEE"), ("小票和说的两样", "GEN-FEE"),
    ("小票多了一行", "GEN-FEE"), ("看看小票吧", "GEN-FEE"), ("小票上多一个数", "GEN-FEE"), ("小票我留着呢", "GEN-FEE"),
]  # fmt: skip


async def teach(world: World) -> None:
    for text, category in TAUGHT:
        made = await world.complain(text)
        await world.settle()
        body = {
            "kind": "complaint",
            "category": category,
            "severity": "normal",
            "reason": "电话核实",
        }
        answer = await world.post(f"/routing/v1/decisions/{made['number']}/corrections", body)
        assert answer.status_code == 200
    world.clock.advance(timedelta(minutes=2))


@pytest.mark.slow  # learns a model
@pytest.mark.req("R-036")
async def test_corrections_become_a_model_that_names_itself_and_can_be_taken_back(
    world: World,
) -> None:
    before = await read(world, text="夜里嗡嗡响得睡不着")
    await teach(world)

    made = await learner(world).look()

    after = await read(world, text="夜里嗡嗡响得睡不着")
    assert made == 1
    assert after["model"] != before["model"]
    assert after["categories"][0]["code"] == "GEN-PRD"
    models = (await world.get("/routing/v1/models")).json()["items"]
    [new] = [one for one in models if one["name"] == after["model"]]
    assert new["in_force"]
    assert new["corrections"] == len(TAUGHT)
    assert new["measured"]["new"] >= new["measured"]["old"]
    assert await learner(world).look() == 0


async def test_a_correction_kept_aside_is_never_learnt_from(world: World) -> None:
    await teach(world)

    async with world.service("routing").service.database.reading() as connection:
        rows = await learning.lessons(
            connection, world.policy.in_force("root", world.clock.now())[0]
        )

    assert len(rows) == len(TAUGHT)
    assert all(row.text for row in rows)


@pytest.mark.slow  # learns a model
async def test_the_model_before_can_be_put_in_force_again_and_what_is_none_is_refused(
    world: World,
) -> None:
    before = await read(world, text="夜里嗡嗡响")
    await teach(world)
    await learner(world).look()
    models = (await world.get("/routing/v1/models")).json()["items"]
    [old] = [one for one in models if not one["in_force"]]
    body = {key: old[key] for key in ("pack", "pack_version", "name")}
    path = "/routing/v1/models/activations"

    refused = await world.post(path, body | {"name": "none-such"})
    taken = await world.post(path, body)

    assert refused.status_code == 404
    assert taken.status_code == 204
    assert (await read(world, text="夜里嗡嗡响"))["model"] == before["model"] == old["name"]
