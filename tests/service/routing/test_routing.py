from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from services.routing.policy.roster import WEIGHTS
from shared.contracts.routing import (
    ComplaintAssigned,
    ComplaintCorrected,
    ComplaintTriageRequested,
    ComplaintUnderstood,
)

if TYPE_CHECKING:
    from tests.world import World


def handler_of(world: World) -> str:
    return next(
        account.id for account in world.policy.accounts.values() if account.role == "handler"
    )


@pytest.mark.req("R-037")
async def test_a_plain_complaint_is_understood_with_reasons_and_given_to_a_handler(
    world: World,
) -> None:
    made = await world.complain("客服态度差，不耐烦，还挂电话，我要投诉，要求道歉")
    await world.settle()

    decision = (await world.get(f"/routing/v1/decisions/{made['number']}")).json()
    assert decision["kind"] == "complaint"
    assert decision["categories"][0]["code"] == "GEN-ATT"
    assert decision["categories"][0]["evidence"]
    assert decision["handler"] == handler_of(world)
    assert decision["unsure"] is False
    assert all(reason["zh"] and reason["en"] for reason in decision["reasons"])
    assert (decision["pack"], decision["pack_version"]) == world.policy.in_force(
        "root", world.clock.now()
    )


@pytest.mark.req("R-034")
async def test_the_same_complaint_in_both_languages_gets_the_same_category(world: World) -> None:
    found = []
    for text in (
        "你们乱收费，重复扣款，请退还多收的钱",
        "I was overcharged and billed twice, please correct my bill",
    ):
        made = await world.complain(text)
        await world.settle()
        found.append(
            (await world.get(f"/routing/v1/decisions/{made['number']}")).json()["categories"][0][
                "code"
            ]
        )
    assert found == ["GEN-FEE", "GEN-FEE"]


@pytest.mark.req("R-033")
async def test_what_is_unsure_goes_to_a_person_and_is_never_guessed(world: World) -> None:
    made = await world.complain("嗯")
    await world.settle()

    decision = (await world.get(f"/routing/v1/decisions/{made['number']}")).json()
    assert decision["unsure"] is True
    assert decision["handler"] is None
    assert decision["state"] == "triage"
    assert len(await world.said("routing", ComplaintTriageRequested)) == 1
    assert await world.said("routing", ComplaintAssigned) == []


@pytest.mark.req("R-036")
async def test_a_person_corrects_it_and_then_it_is_assigned_and_both_stay_on_record(
    world: World,
) -> None:
    made = await world.complain("嗯")
    await world.settle()
    path = f"/routing/v1/decisions/{made['number']}/corrections"
    body = {
        "kind": "complaint",
        "category": "GEN-SVC",
        "severity": "normal",
        "reason": "电话里说是没人上门，电话13912345678",
    }
    answer = await world.post(path, body)
    await world.settle()

    assert answer.status_code == 200
    assert answer.json()["handler"] == handler_of(world)
    [corrected] = await world.said("routing", ComplaintCorrected)
    assert (corrected.body.new_category, corrected.body.by) == (
        "GEN-SVC",
        answer.json()["decided_by"],
    )
    assert "13912345678" not in corrected.body.reason
    assert [event.body.unsure for event in await world.said("routing", ComplaintUnderstood)] == [
        True,
        False,
    ]
    case = (await world.get(f"/followup/v1/cases/{made['number']}")).json()
    assert (case["category"], case["severity"], case["state"]) == ("GEN-SVC", "normal", "assigned")


@pytest.mark.parametrize(
    ("change", "field"),
    [({"category": "GEN-NOPE"}, "category"), ({"kind": "rant"}, "kind"), ({"severity": "huge"}, "severity"),
     ({"reason": " "}, "reason")],
)  # fmt: skip
async def test_a_bad_correction_names_the_field_and_changes_nothing(
    world: World, change: dict[str, str], field: str
) -> None:
    made = await world.complain("嗯")
    await world.settle()
    body = {
        "kind": "complaint",
        "category": "GEN-SVC",
        "severity": "normal",
        "reason": "x",
    } | change
    answer = await world.post(f"/routing/v1/decisions/{made['number']}/corrections", body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert (await world.get(f"/routing/v1/decisions/{made['number']}")).json()["unsure"] is True


async def test_when_nobody_is_present_it_waits_and_is_given_to_the_first_who_comes(
    world: World,
) -> None:
    first = await world.complain("客服态度差，我要投诉")
    await world.settle()
    presence = f"/routing/v1/handlers/{handler_of(world)}/presence"
    await world.client.put(presence, json={"present": False}, headers=world.headers())
    second = await world.complain("客服态度很差，我要投诉")
    await world.settle()
    waiting = (await world.get(f"/routing/v1/decisions/{second['number']}")).json()
    assert (waiting["state"], waiting["handler"]) == ("waiting", None)
    assert waiting["passed_over"][0]["code"] == "absent"

    await world.client.put(presence, json={"present": True}, headers=world.headers())
    await world.settle()

    assert (await world.get(f"/routing/v1/decisions/{second['number']}")).json()[
        "handler"
    ] == handler_of(world)
    assert (await world.get(f"/routing/v1/decisions/{first['number']}")).json()[
        "state"
    ] == "assigned"


@pytest.mark.req("R-090")
async def test_work_is_spread_evenly_over_equal_handlers(world: World) -> None:
    for at in range(3):
        body = {
            "login": f"h{at}",
            "display": f"处理人{at}",
            "role": "handler",
            "password": "long enough password",
        }
        assert (await world.post("/desk/v1/accounts", body)).status_code == 201
    await world.settle()
    for _ in range(12):
        await world.complain("客服态度差，我要投诉")
    await world.settle()

    handlers = (await world.get("/routing/v1/handlers")).json()["items"]
    decisions = (await world.get("/routing/v1/decisions")).json()["items"]
    assert sorted(Counter(one["handler"] for one in decisions).values()) == [3, 3, 3, 3]
    assert {one["load"] for one in handlers} == {3 * WEIGHTS[decisions[0]["severity"]]}
