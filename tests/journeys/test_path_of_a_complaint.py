"""A complaint's whole way, as the README tells it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.contracts.followup import (
    CaseClosed,
    CaseEscalated,
    CaseOpened,
    CaseReopened,
    ClockBreached,
)
from shared.contracts.intake import ComplaintReceived
from shared.contracts.routing import ComplaintAssigned

if TYPE_CHECKING:
    from tests.world import World

TEXT = "客服态度差，打电话没人接，要求道歉，我的电话是13912345678"


@pytest.mark.req("R-001")
@pytest.mark.req("R-014")
async def test_from_the_post_to_the_message(world: World) -> None:
    made = await world.complain(TEXT)
    await world.settle()

    [received] = await world.said("intake", ComplaintReceived)
    assert received.subject == made["id"]
    assert "13912345678" not in received.body.text
    [assigned] = await world.said("routing", ComplaintAssigned)
    [opened] = await world.said("followup", CaseOpened)
    assert {assigned.subject, opened.subject} == {made["id"]}

    case = (await world.get(f"/followup/v1/cases/{made['number']}")).json()
    assert case["state"] == "assigned"
    assert case["owner"]["handler"] == assigned.body.handler
    clocks = {clock["name"]: clock for clock in case["clocks"]}
    assert clocks["acknowledge"]["state"] == "met"
    assert clocks["first_contact"]["state"] == clocks["solution"]["state"] == "running"
    assert len(world.mails()) == 1


@pytest.mark.req("R-097")
async def test_from_the_message_to_the_closing(world: World) -> None:
    made = await world.complain(TEXT)
    await world.settle()
    number = made["number"]
    steps = [
        ("accept", {}),
        ("contact", {"heard": True, "restated": True, "apologised": True}),
        ("resolve", {"outcome": "upheld", "reason": "热线排班不足", "remedy": "书面道歉并增加坐席",
                     "told_at": (world.clock.now()).isoformat()}),
    ]  # fmt: skip
    for name, body in steps:
        answer = await world.command(number, name, body)
        assert answer.status_code == 200, answer.text
        await world.settle()
    await world.advance(timedelta(days=3))
    assert (await world.command(number, "callback", {"result": "satisfied"})).status_code == 200
    answer = await world.command(number, "close")
    assert answer.status_code == 200, answer.text
    await world.settle()

    assert answer.json()["state"] == "closed"
    assert len(await world.said("followup", CaseClosed)) == 1
    assert len(world.mails()) == 4  # received, result, the callback's appointment, closing
    handlers = (await world.get("/routing/v1/handlers")).json()["items"]
    assert [one["load"] for one in handlers] == [0]


@pytest.mark.req("R-115")
async def test_a_customer_who_is_not_satisfied_gets_the_next_cycle(world: World) -> None:
    made = await world.complain(TEXT)
    await world.settle()
    number = made["number"]
    await world.command(number, "accept")
    await world.command(number, "contact", {"heard": True, "restated": True, "apologised": True})
    told = world.clock.now().isoformat()
    await world.command(
        number, "resolve", {"outcome": "upheld", "reason": "r", "remedy": "m", "told_at": told}
    )
    await world.settle()
    await world.advance(timedelta(days=3))
    answer = await world.command(number, "callback", {"result": "dissatisfied"})
    assert answer.status_code == 200, answer.text
    await world.settle()

    case = (await world.get(f"/followup/v1/cases/{number}")).json()
    assert (case["cycle"], case["state"]) == (2, "assigned")
    assert case["severity"] in {"high", "critical"}
    assert [event.body.cycle for event in await world.said("routing", ComplaintAssigned)] == [1, 2]
    assert len(await world.said("followup", CaseReopened)) == 1


@pytest.mark.req("R-093")
async def test_a_missed_clock_is_breached_once_and_escalates(world: World) -> None:
    await world.complain(TEXT)
    await world.settle()
    for _ in range(10):
        await world.advance(timedelta(hours=12))

    breached = [event.body.clock.name for event in await world.said("followup", ClockBreached)]
    assert "first_contact" in breached
    assert len(set(breached)) == len(breached)
    assert (await world.said("followup", CaseEscalated))[0].body.escalation_level >= 2


async def test_the_story_holds_its_order_for_every_service(world: World) -> None:
    for _ in range(5):
        await world.complain(TEXT)
    await world.settle()
    for service in ("intake", "routing", "followup", "notify"):
        last: dict[str, int] = {}
        for event in await world.said(service):
            assert event.sequence == last.get(event.subject, 0) + 1
            last[event.subject] = event.sequence
