"""Candidates for incidents: offered with the decision, kept to the unit, of this week and the last."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from services.routing.store import heard
from shared.contracts.intake import ComplaintReceived

if TYPE_CHECKING:
    from tests.world import World

TEXT = "我们小区从昨天晚上八点停电到现在还没有来电，冰箱里的东西全坏了，要求尽快抢修"


async def offered(world: World, number: str, *, key: str = "operator_key") -> list[dict[str, Any]]:
    answer = await world.get(f"/routing/v1/decisions/{number}", key=key)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["incident_candidates"]
    return found


async def test_complaints_of_one_batch_or_order_are_offered_with_the_decision(world: World) -> None:
    first = await world.complain("水泥结块", references={"batch_no": "B-7", "order_no": "SO-1"})
    await world.settle()
    second = await world.complain(
        "这批货不凝固", references={"batch_no": "B-7", "order_no": "SO-1"}
    )
    await world.settle()

    assert await offered(world, first["number"]) == []
    found = {one["by"]: one for one in await offered(world, second["number"])}
    assert set(found) == {"batch_no", "order_no"}
    assert found["batch_no"]["value"] == "B-7"
    for one in found.values():
        assert one["complaints"] == [first["number"]]
        assert 0 < one["score"] < 1


async def test_complaints_that_come_in_together_are_found_too(world: World) -> None:
    made = [
        await world.complain(f"{TEXT}，已经第{n}天了", location={"area": "010"}) for n in range(4)
    ]
    await world.settle()

    counts = sorted([
        next((one["count"] for one in await offered(world, one["number"]) if one["by"] == "area"), 0)
        for one in made
    ])  # fmt: skip
    assert counts == [0, 1, 2, 3]
    texts = [
        by for each in made for by in [one["by"] for one in await offered(world, each["number"])]
    ]
    assert texts.count("text") == 3


async def test_no_reference_is_kept_in_the_open(world: World) -> None:
    for _ in range(2):
        made = await world.complain("发错货了", references={"order_no": "SO-777"})
        await world.settle()

    [found] = await offered(world, made["number"])
    [said, _] = await world.said("intake", ComplaintReceived)
    assert found["value"] == said.body.reference_tokens["order_no"] != "SO-777"


async def test_what_was_shown_two_weeks_ago_is_forgotten(world: World) -> None:
    await world.complain(TEXT)
    await world.settle()
    world.clock.advance(timedelta(days=15))
    later = await world.complain(TEXT)
    await world.settle()

    await world.service("routing").service.database.run(heard.forget_signs)

    assert await offered(world, later["number"]) == []
    await world.complain(TEXT)
    await world.settle()
    again = await world.complain(TEXT)
    await world.settle()
    [found] = await offered(world, again["number"])
    assert found["count"] == 2


async def test_another_unit_s_complaints_are_not_offered(world: World) -> None:
    for unit in ("east", "west"):
        await world.post("/desk/v1/units", {"id": unit, "title_zh": unit})
    await world.settle()
    await world.complain(TEXT, unit="east")
    await world.settle()

    made = await world.complain(TEXT, unit="west")
    await world.settle()

    assert await offered(world, made["number"]) == []
