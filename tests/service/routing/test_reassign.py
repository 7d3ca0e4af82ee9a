"""Complaints go from one handler to another, and those that nobody can take wait in order."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from services.routing import usecases
from services.routing.store import FRAME
from services.routing.timers import TIMERS
from shared.contracts.followup import CaseEscalated
from shared.contracts.routing import (
    ComplaintAssigned,
    ComplaintTriageRequested,
    ComplaintUnassigned,
)
from shared.errors import Conflict
from shared.store.database import Database
from shared.store.timers import Timers
from tests.service.routing.staffed import (
    BILLING,
    FEE,
    account,
    complain,
    decision,
    loads,
    put,
    staffed,
    token,
)
from tests.service.test_batches import take

if TYPE_CHECKING:
    from tests.world import World


async def present(world: World, handler: str, *, there: bool) -> None:
    answer = await put(world, f"/handlers/{handler}/presence", {"present": there})
    assert answer.status_code == 204
    await world.settle()


async def correct(world: World, made: dict[str, Any], severity: str) -> None:
    body = {"kind": "complaint", "category": "GEN-FEE", "severity": severity, "reason": "x"}
    path = f"/routing/v1/decisions/{made['number']}/corrections"
    assert (await world.post(path, body)).status_code == 200
    await world.settle()


async def refuse(world: World, made: dict[str, Any], **headers: str) -> Any:
    path = f"/routing/v1/decisions/{made['number']}/refusals"
    headers = headers or world.headers()
    answer = await world.client.post(path, json={"reason": "不归我管"}, headers=headers)
    await world.settle()
    return answer


async def test_the_queue_is_served_by_severity_and_age_whenever_there_is_room(world: World) -> None:
    amy = await staffed(world, "amy", capacity=4)
    await present(world, amy, there=False)
    older, newer, severe = [await complain(world) for _ in range(3)]
    world.clock.advance(timedelta(seconds=1))
    await correct(world, severe, "high")

    await present(world, amy, there=True)

    states = [(await decision(world, one))["state"] for one in (severe, older, newer)]
    assert states == ["assigned", "waiting", "waiting"]  # 3 points of 4: no room for another 2
    assert (await put(world, f"/handlers/{amy}", {"team": "billing", "capacity": 5})).is_success
    await world.settle()
    states = [(await decision(world, one))["state"] for one in (severe, older, newer)]
    assert states == ["assigned", "assigned", "waiting"]
    assert (await loads(world))[amy] == 5


async def test_who_waits_for_another_team_does_not_stand_in_the_way(world: World) -> None:
    amy = await staffed(world, "amy", capacity=2)
    ben = await staffed(world, "ben", team="quality", skills=[])
    await present(world, ben, there=False)
    first = await complain(world)
    blocked = [await complain(world, "产品质量问题，刚买就坏了") for _ in range(3)]
    behind = await complain(world)
    assert (await decision(world, behind))["state"] == "waiting"

    path = f"/routing/v1/decisions/{first['number']}/assignments"
    boss = await account(world, "boss", role="supervisor")
    answer = await world.post(path, {"handler": boss, "reason": "我来"})
    await world.settle()

    assert answer.status_code == 200, answer.text
    assert (await decision(world, behind))["handler"] == amy
    assert {(await decision(world, one))["state"] for one in blocked} == {"waiting"}


async def test_a_new_account_gets_what_waits_without_anybody_asking(world: World) -> None:
    for one in (await world.get("/routing/v1/handlers")).json()["items"]:
        await present(world, one["id"], there=False)
    first = next(one.id for one in world.policy.accounts.values() if one.role == "handler")
    await present(world, first, there=False)
    made = await complain(world)
    assert (await decision(world, made))["state"] == "waiting"

    amy = await account(world, "amy")
    await world.advance(timedelta(seconds=30))

    assert (await decision(world, made))["handler"] == amy


async def test_a_handler_gives_back_what_they_cannot_deal_with_and_never_gets_it_again(
    world: World,
) -> None:
    amy, ben = await staffed(world, "amy"), await staffed(world, "ben", capacity=1000)
    boss = await account(world, "boss", role="supervisor")
    assert (await put(world, "/teams/billing", {"name_zh": "账务", "supervisor": boss})).is_success
    made = await complain(world)
    first = (await decision(world, made))["handler"]
    other = amy if first == ben else ben

    forbidden = await refuse(world, made, **token(world, other))
    allowed = await refuse(world, made, **token(world, first))
    second = await decision(world, made)
    await refuse(world, made)
    third = await decision(world, made)

    assert (forbidden.status_code, allowed.status_code) == (403, 201)
    assert second["handler"] == other
    assert {one["handler"]: one["code"] for one in second["passed_over"]} == {first: "refused"}
    assert third["handler"] == boss
    assert {id_: load for id_, load in (await loads(world)).items() if load} == {boss: 2}
    said = await world.said("routing", ComplaintUnassigned)
    assert [one.body.handler for one in said] == [first, other]
    assert {one.body.reason for one in said} == {"不归我管"}


async def test_a_case_refused_in_followup_is_given_back_here_once(world: World) -> None:
    amy, ben = await staffed(world, "amy"), await staffed(world, "ben", capacity=1000)
    made = await complain(world)
    first = (await decision(world, made))["handler"]
    other = amy if first == ben else ben

    answer = await world.command(made["number"], "refuse", {"reason": "不归我管"})
    assert answer.status_code == 200, answer.text
    await world.settle()

    assert (await decision(world, made))["handler"] == other
    said = await world.said("routing", ComplaintUnassigned)
    assert [(one.body.handler, one.body.reason) for one in said] == [(first, "不归我管")]
    case = (await world.get(f"/followup/v1/cases/{made['number']}")).json()
    assert (case["state"], case["owner"]["handler"]) == ("assigned", other)


async def test_what_was_given_back_twice_goes_to_a_person_where_no_supervisor_is_named(
    world: World,
) -> None:
    for login in ("amy", "ben", "cat"):
        await staffed(world, login)
    made = await complain(world)

    await refuse(world, made)
    await refuse(world, made)

    now = await decision(world, made)
    assert (now["state"], now["handler"]) == ("triage", None)
    assert len(await world.said("routing", ComplaintTriageRequested)) == 1
    assert set((await loads(world)).values()) == {0}
    assert (await refuse(world, made)).status_code == 409


async def test_a_supervisor_may_give_it_back_to_who_refused_it_but_to_nobody_off_shift(
    world: World,
) -> None:
    amy = await staffed(world, "amy")
    made = await complain(world)
    await refuse(world, made)
    path = f"/routing/v1/decisions/{made['number']}/assignments"
    away = await staffed(world, "away", hours="Sun 09:00-10:00")

    again = await world.post(path, {"handler": amy, "reason": "就由你办"})
    refused = await world.post(path, {"handler": away, "reason": "x"})

    assert (again.status_code, again.json()["handler"]) == (200, amy)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "off_shift")


async def test_what_a_handler_has_is_given_to_their_substitute_at_once(world: World) -> None:
    amy = await staffed(world, "amy")
    made = [await complain(world) for _ in range(3)]
    ben = await staffed(world, "ben", team="service")
    await staffed(world, "cat")
    now = world.clock.now()
    leave = f"/handlers/{amy}/leaves/{now.isoformat().replace('+00:00', 'Z')}"
    body = {"ends_at": (now + timedelta(days=2)).isoformat(), "substitute": ben}
    assert (await put(world, leave, body)).is_success

    moved = await world.post("/routing/v1/assignments", {"from": amy, "reason": "休假"})
    again = await world.post("/routing/v1/assignments", {"from": amy, "reason": "休假"})

    assert moved.status_code == 200, moved.text
    assert {one["handler"] for one in moved.json()["items"]} == {ben}
    assert {one["number"] for one in moved.json()["items"]} == {one["number"] for one in made}
    assert again.json() == {"items": [], "left": False}
    assert ((await loads(world))[amy], (await loads(world))[ben]) == (0, 6)


async def test_of_a_list_each_has_its_result_and_what_nobody_can_take_stays(world: World) -> None:
    amy = await staffed(world, "amy")
    made = await complain(world)
    items = [{"number": made["number"]}, {"number": "0000-0000-000"}]

    answer = await world.post("/routing/v1/assignments", {"items": items, "reason": "x"})
    neither = await world.post("/routing/v1/assignments", {"reason": "x"})

    told = [(one["status"], one["code"]) for one in answer.json()["items"]]
    assert told == [("stayed", "nobody_else"), ("stayed", "not-found")]
    assert (await decision(world, made))["handler"] == amy
    assert neither.status_code == 422


async def test_what_is_escalated_is_the_supervisors_where_staff_data_names_one(
    world: World,
) -> None:
    await staffed(world, "amy")
    boss = await account(world, "boss", role="supervisor")
    assert (await put(world, "/teams/billing", {"name_zh": "账务", "supervisor": boss})).is_success
    made = await complain(world)

    await world.advance(timedelta(days=1))  # nobody called the customer

    assert await world.said("followup", CaseEscalated)
    now = await decision(world, made)
    assert now["handler"] == boss
    case = (await world.get(f"/followup/v1/cases/{made['number']}")).json()
    assert case["owner"]["handler"] == boss
    assert {id_ for id_, load in (await loads(world)).items() if load} == {boss}


async def test_at_the_end_of_a_shift_only_what_the_team_says_goes_on(world: World) -> None:
    amy = await staffed(world, "amy", hours="Mon-Fri 09:00-10:00")
    assert (
        await put(world, "/teams/billing", {"name_zh": "账务", "hands_over": "high"})
    ).is_success
    plain, severe = await complain(world), await complain(world)
    await correct(world, severe, "high")
    night = await staffed(world, "night")

    await world.advance(timedelta(hours=1))

    assert (await decision(world, plain))["handler"] == amy
    assert (await decision(world, severe))["handler"] == night


async def test_two_replicas_never_give_a_complaint_two_owners(world: World) -> None:
    """Each thinks that it is theirs to give: the log has one owner after the other, and loads add up."""
    ids = [await staffed(world, login, skills=BILLING) for login in ("amy", "ben", "cat")]
    made = await complain(world)
    first = world.service("routing").service
    url = world.environment.settings.database_url("routing")
    second = Database(url, frame=FRAME, service="routing", clock=world.clock)
    common: dict[str, Any] = {
        "number": made["number"],
        "reason": "x",
        "by": "test",
        "units": frozenset({"root"}),
    }

    async def give(database: Database, handler: str) -> None:
        await database.run(
            lambda tx: usecases.hand_over(tx, first.context, handler=handler, **common)
        )

    async def take(database: Database, holder: str) -> None:
        with suppress(Conflict):  # somebody else has it meanwhile
            await database.run(
                lambda tx: usecases.give_back(tx, first.context, holder=holder, **common)
            )

    try:
        jobs = [give(each, id_) for id_ in ids for each in (first.database, second)]
        jobs += [take(second, id_) for id_ in ids]
        await asyncio.gather(*jobs)
    finally:
        await second.close()
    await world.settle()

    owner: str | None = None
    for event in await world.said("routing"):
        if isinstance(event.body, ComplaintAssigned):
            assert owner is None, "given to a second one before it was taken from the first"
            owner = event.body.handler
        elif isinstance(event.body, ComplaintUnassigned):
            assert event.body.handler == owner
            owner = None
    now = await decision(world, made)
    assert now["handler"] == owner
    expected = {owner: 2} if owner else {}
    assert {id_: load for id_, load in (await loads(world)).items() if load} == expected


async def test_two_replicas_that_serve_the_queue_at_once_give_each_complaint_once(
    world: World,
) -> None:
    amy, ben = await staffed(world, "amy", capacity=4), await staffed(world, "ben", capacity=4)
    for one in (amy, ben):
        await present(world, one, there=False)
    made = [await complain(world) for _ in range(6)]
    first = world.service("routing")
    url = world.environment.settings.database_url("routing")
    second = Database(url, frame=FRAME, service="routing", clock=world.clock)
    replica = Timers(
        database=second,
        handlers=TIMERS,
        context=first.service.context,
        metrics=world.environment.metrics,
    )

    try:
        for one in (amy, ben):
            assert (await put(world, f"/handlers/{one}/presence", {"present": True})).is_success
        for _ in range(4):
            await asyncio.gather(first.timers.fire_due(), replica.fire_due())
    finally:
        await second.close()
    await world.settle()

    given = [one.body.number for one in await world.said("routing", ComplaintAssigned)]
    assert len(given) == len(set(given)) == 4
    assert [(await decision(world, one))["state"] for one in made].count("waiting") == 2
    assert {(await loads(world))[one] for one in (amy, ben)} == {4}


async def complain_as(world: World, complainant: str) -> dict[str, Any]:
    """A complaint whose complainant intake has recognised."""
    made = await world.complain(FEE)
    records = []
    for one in await take(world, "routing"):
        event = json.loads(one.value)
        event["data"]["complainant_id"] = complainant
        records.append(one._replace(value=json.dumps(event).encode()))
    await world.service("routing").consumer.apply(records)
    await world.settle()
    return await decision(world, made)


async def test_a_returning_customer_gets_the_handler_they_had(world: World) -> None:
    await staffed(world, "amy")
    await staffed(world, "ben")
    first = await complain_as(world, "customer-1")
    others = [await complain_as(world, f"customer-{at}") for at in (2, 3)]

    again = await complain_as(world, "customer-1")

    assert {one["handler"] for one in others} == {first["handler"], others[0]["handler"]}
    assert again["handler"] == first["handler"]
    assert "theirs" in {one["code"] for one in again["reasons"]}
