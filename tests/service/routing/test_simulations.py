"""What if: a changed pack or roster, replayed over what came in; nothing is stored and nothing is said."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.routing.store import heard

if TYPE_CHECKING:
    from tests.world import World

SIMULATIONS = "/routing/v1/simulations"
PACK = """\
pack:
  id: shop
  version: "1.0"
  name: {zh: 门店, en: Shop}
  inherits: generic
  in_force_from: 2026-01-01
taxonomy:
  - code: SHP-QUE
    name: {zh: 排队, en: Queues}
    team: service
    base_severity: high
    keywords: {zh: [排队太久, 叫号不准], en: [long queue]}
"""
SLOWER = """\
clocks:
  - name: acknowledge
    title: {zh: 确认收到, en: Acknowledgement}
    stops: acknowledged
    targets: {critical: 5m, high: 10m, normal: 1h, low: 1h}
  - name: first_contact
    title: {zh: 首次联系, en: First contact}
    stops: contacted
    targets: {critical: 1m, high: 1m, normal: 1m, low: 1m}
"""
QUEUE = "办业务排队太久，叫号不准，等了三个小时，我要投诉，要求道歉"
FEE = "这个月电费多收了一百块，要求退钱，请核对账单"


async def simulate(world: World, *, key: str = "operator_key", **body: Any) -> dict[str, Any]:
    answer = await world.post(SIMULATIONS, body, key=key)
    assert answer.status_code == 200, answer.text
    *progress, last = map(json.loads, answer.text.splitlines())
    assert [one["done"] for one in progress] == sorted(one["done"] for one in progress)
    found: dict[str, Any] = last["report"]
    return found


def shop(text: str = PACK) -> dict[str, Any]:
    return {"folder": "shop", "files": {"pack.yaml": text}}


async def close(world: World, number: str) -> None:
    """The handler does all there is to do, an hour after it came in."""
    await world.advance(timedelta(hours=1))
    steps = [
        ("accept", {}),
        ("contact", {"heard": True, "restated": True, "apologised": True}),
        ("resolve", {"outcome": "upheld", "reason": "排班不足", "remedy": "增开窗口",
                     "told_at": world.clock.now().isoformat()}),
        ("callback", {"result": "satisfied"}),
        ("close", {}),
    ]  # fmt: skip
    for name, body in steps:
        answer = await world.command(number, name, body)
        assert answer.status_code == 200, (name, answer.text)
        await world.settle()


@pytest.mark.slow  # learns a model
async def test_a_changed_pack_tells_what_would_have_changed_and_why(world: World) -> None:
    queue, _ = await world.complain(QUEUE), await world.complain(FEE)
    await world.settle()

    report = await simulate(world, **shop())

    assert (report["pack"], report["replayed"], report["left_out"]) == ("shop@1.0", 2, 0)
    categories = {one["new"]: one["count"] for one in report["changes"]["category"]}
    assert categories["SHP-QUE"] == 1
    [shown] = [one for one in report["complaints"] if one["number"] == queue["number"]]
    assert shown["changes"]["category"]["new"] == "SHP-QUE"
    assert shown["changes"]["severity"]["new"] == "high"
    assert "排队" in shown["reason"]["zh"]
    assert report["share"] == report["changed"] / 2
    assert {one["clock"] for one in report["clocks"]} >= {"acknowledge", "first_contact"}


async def test_the_pack_in_force_changes_nothing(world: World) -> None:
    for text in (QUEUE, FEE):
        await world.complain(text)
    await world.settle()

    report = await simulate(world, pack="generic@1.0")

    assert (report["replayed"], report["changed"], report["owners"]["moved"]) == (2, 0, 0)
    assert report["changes"] == {}
    assert all(one["earlier"] == one["later"] == 0 for one in report["clocks"])


@pytest.mark.slow  # learns a model
async def test_nothing_is_stored_and_nothing_is_said(world: World) -> None:
    made = await world.complain(QUEUE)
    await world.settle()
    before = (
        await world.said("routing"),
        (await world.get(f"/routing/v1/decisions/{made['number']}")).json(),
    )

    await simulate(world, **shop())
    await world.settle()

    assert await world.said("routing") == before[0]
    assert (await world.get(f"/routing/v1/decisions/{made['number']}")).json() == before[1]
    assert "shop@1.0" not in world.policy.packs


@pytest.mark.slow  # learns a model
async def test_deadlines_are_held_against_when_things_were_done(world: World) -> None:
    made = await world.complain(FEE)
    await world.settle()
    await close(world, made["number"])

    report = await simulate(world, **shop(PACK + SLOWER))

    clocks = {one["clock"]: one for one in report["clocks"]}
    assert (clocks["first_contact"]["earlier"], clocks["first_contact"]["known"]) == (1, 1)
    assert (clocks["first_contact"]["late_before"], clocks["first_contact"]["late_after"]) == (0, 1)
    assert (clocks["acknowledge"]["later"], clocks["acknowledge"]["late_after"]) == (1, 0)


async def test_a_roster_that_nobody_fits_leaves_complaints_without_an_owner(world: World) -> None:
    await world.complain(FEE)
    await world.settle()
    one = {"id": "h1", "team": "security"}

    report = await simulate(world, handlers=[one])

    assert (report["owners"]["nobody_before"], report["owners"]["nobody_after"]) == (0, 1)
    assert report["owners"]["moved"] == 1
    [load] = report["loads"]
    assert (load["before"], load["after"]) == (1, 0)


@pytest.mark.slow  # learns a model
async def test_a_corrected_one_is_held_against_what_the_person_said(world: World) -> None:
    made = await world.complain(QUEUE)
    await world.settle()
    correction = {
        "kind": "complaint",
        "category": "GEN-DLY",
        "severity": "low",
        "reason": "其实是预约",
    }
    path = f"/routing/v1/decisions/{made['number']}/corrections"
    assert (await world.post(path, correction)).status_code == 200
    await world.settle()

    report = await simulate(world, **shop())

    assert report["corrected"] == {"of": 1, "agreeing": 0}
    assert report["changed"] == 0


async def test_no_more_are_replayed_than_asked_for_and_the_rest_is_told(world: World) -> None:
    for _ in range(3):
        await world.complain(FEE)
    await world.settle()

    report = await simulate(world, pack="generic", most=2)

    assert (report["replayed"], report["left_out"]) == (2, 1)


async def test_what_came_in_before_is_left_alone(world: World) -> None:
    await world.complain(FEE)
    await world.settle()
    await world.advance(timedelta(days=2))
    since = (world.clock.now() - timedelta(days=1)).isoformat()

    assert (await simulate(world, pack="generic", since=since))["replayed"] == 0


async def test_another_unit_s_complaints_are_not_replayed(world: World) -> None:
    for unit in ("east", "west"):
        await world.post("/desk/v1/units", {"id": unit, "title_zh": unit})
    key = {"label": "east", "scopes": ["routing:read"], "unit": "east"}
    await world.settle()
    world.first_run["east"] = (await world.post("/desk/v1/keys", key)).json()["key"]
    await world.settle()
    await world.complain(FEE, unit="east")
    await world.complain(FEE, unit="west")
    await world.settle()

    assert (await simulate(world, key="east", pack="generic"))["replayed"] == 1
    assert (await world.post(SIMULATIONS, {"unit": "west"}, key="east")).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"pack": "nowhere"}, "pack"),
        ({"pack": "generic", "most": 0}, "most"),
        ({"pack": "generic", "files": {"pack.yaml": ""}}, "body"),
        ({"since": "yesterday"}, "since"),
        ({"handlers": [{"id": "x", "capacity": 0}]}, "handlers.0.capacity"),
        (shop(PACK.replace("team: service", "team: nobody")), "taxonomy[SHP-QUE].team"),
    ],
)
async def test_a_bad_request_names_the_field(
    world: World, body: dict[str, Any], field: str
) -> None:
    answer = await world.post(SIMULATIONS, body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_what_was_heard_before_this_release_is_left_out(world: World) -> None:
    """Its subject and fields were not kept: a replay would be of another complaint."""
    await world.complain(FEE)
    await world.settle()
    database = world.service("routing").service.database
    await database.run(lambda tx: tx.execute(heard.HEARD.delete()))

    assert (await simulate(world, pack="generic"))["replayed"] == 0
