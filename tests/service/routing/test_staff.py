"""Staff data: said one by one or as a file, within one's units, all of it or nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.service.routing.staffed import (
    ATTITUDE,
    FEE,
    account,
    complain,
    decision,
    put,
    staffed,
    token,
    workbook,
)
from tests.service.test_batches import counting, take

if TYPE_CHECKING:
    import httpx

    from tests.world import World


async def send(world: World, raw: bytes, *, dry_run: bool = False, zh: bool = False) -> httpx.Response:  # fmt: skip
    headers = world.headers(**({"Accept-Language": "zh"} if zh else {}))
    path = f"/routing/v1/staff/imports?dry_run={str(dry_run).lower()}"
    return await world.client.post(path, content=raw, headers=headers)


CHINESE = """类型,班组,班组名称,主管,处理人,技能,容量,每周工时,开始,结束,代理人
班组,billing,账务一组,boss,,bill_check、refund,,,,,
处理人,billing,,,amy,bill_check refund,30,周一至周五 09:00-12:00 13:00-18:00,,,
处理人,billing,,,ben,refund,30,,,,
班次,,,,ben,,,,2026-03-02 08:00,2026-03-02 16:00,
休假,,,,amy,,,,2026-03-05,2026-03-06,ben
"""


async def people(world: World) -> dict[str, str]:
    made = {login: await account(world, login) for login in ("amy", "ben")}
    return made | {"boss": await account(world, "boss", role="supervisor")}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
async def test_a_list_in_chinese_is_taken_over_and_again_changes_nothing(
    world: World, encoding: str
) -> None:
    ids = await people(world)

    first = await send(world, CHINESE.encode(encoding))
    again = await send(world, CHINESE.encode(encoding))

    assert first.status_code == 200, first.text
    assert (first.json()["added"], first.json()["wrong"]) == (5, 0)
    assert (again.json()["same"], again.json()["added"], again.json()["changed"]) == (5, 0, 0)
    [leave] = (await world.get("/routing/v1/leaves")).json()["items"]
    assert (leave["handler"], leave["substitute"]) == (ids["amy"], ids["ben"])
    assert leave["ends_at"] == "2026-03-06T16:00:00Z"  # the end of that day in Shanghai
    amy = (await world.get(f"/routing/v1/handlers/{ids['amy']}")).json()
    assert (amy["team"], amy["capacity"], amy["zone"]) == ("billing", 30, "Asia/Shanghai")


async def test_a_workbook_says_the_same_as_a_text(world: World) -> None:
    ids = await people(world)
    rows = [
        line.split(",") for line in CHINESE.replace("bill_check、refund", "refund").splitlines()
    ]

    answer = await send(world, workbook(*rows))

    assert answer.status_code == 200, answer.text
    assert answer.json()["added"] == 5
    [shift] = (await world.get(f"/routing/v1/shifts?handler={ids['ben']}")).json()["items"]
    assert (shift["starts_at"], shift["ends_at"]) == (
        "2026-03-02T00:00:00Z",
        "2026-03-02T08:00:00Z",
    )


async def test_a_sheets_name_says_what_its_lines_are(world: World) -> None:
    await people(world)

    answer = await send(
        world, workbook(["处理人", "班组"], ["amy", "billing"], sheet="处理人"), dry_run=True
    )

    assert answer.json()["lines"] == [{"line": 2, "action": "added", "errors": []}]


async def test_what_was_exported_is_taken_in_again_as_the_same(world: World) -> None:
    await people(world)
    await send(world, CHINESE.encode())

    exported = await world.get("/routing/v1/staff/export")
    again = await send(world, exported.content)

    assert exported.content.startswith("\ufeff".encode())
    assert again.json()["same"] == 5


async def test_a_dry_run_tells_each_line_and_changes_nothing(world: World) -> None:
    await people(world)
    raw = "record,handler,team\nhandler,amy,billing\nhandler,nobody,billing\n"

    answer = await send(world, raw.encode(), dry_run=True)

    assert answer.status_code == 200
    told = [(one["line"], one["action"]) for one in answer.json()["lines"]]
    assert told == [(2, "added"), (3, "wrong")]
    handlers = (await world.get("/routing/v1/handlers")).json()["items"]
    assert [one["team"] for one in handlers if one["team"]] == []


HEAD = "record,team,handler"


async def test_a_bad_line_is_named_with_its_field_and_nothing_is_taken_over(world: World) -> None:
    await people(world)
    raw = f"{HEAD}\nhandler,,amy\nhandler,billing,ben\n".encode()

    english, chinese = await send(world, raw), await send(world, raw, zh=True)

    assert (english.status_code, chinese.status_code) == (422, 422)
    assert [(one["field"], one["code"]) for one in english.json()["errors"]] == [
        ("line 2.team", "missing")
    ]
    assert english.json()["detail"] != chinese.json()["detail"]
    assert chinese.json()["errors"][0]["message"] == "缺少必填内容"
    handlers = (await world.get("/routing/v1/handlers")).json()["items"]
    assert [one["team"] for one in handlers if one["team"]] == []


BAD = [
    ("/handlers/{amy}", {}, "team"),
    ("/handlers/{amy}", {"team": "nope"}, "team"),
    ("/handlers/{amy}", {"team": "billing", "hours": "Mon 9-5"}, "hours"),
    ("/handlers/{amy}/shifts/2026-03-02T08:00:00Z", {"ends_at": "2026-03-02T09:00:00Z"}, "handler"),
    ("/handlers/{amy}/leaves/2026-03-02T08:00:00Z", {}, "ends_at"),
    ("/teams/Billing", {"name_zh": "账务"}, "team"),
    ("/teams/billing", {"name_zh": "账务", "supervisor": "nobody"}, "supervisor"),
]


async def test_bad_staff_data_names_the_field(world: World) -> None:
    amy = await account(world, "amy")

    for path, body, field in BAD:
        answer = await put(world, path.format(amy=amy), body)

        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["field"] == field


async def test_teams_are_the_packs_until_staff_data_says_otherwise(world: World) -> None:
    async def billing() -> dict[str, Any]:
        items = (await world.get("/routing/v1/teams?limit=200")).json()["items"]
        found: dict[str, Any] = next(one for one in items if one["id"] == "billing")
        return found

    before = await billing()
    assert (await put(world, "/teams/billing", {"name_zh": "账务一组"})).status_code == 204
    after = await billing()
    path = "/routing/v1/teams/billing"
    gone = await world.client.delete(path, headers=world.headers())
    again = await world.client.delete(path, headers=world.headers())

    assert (before["said_by"], after["said_by"]) == ("pack", "staff")
    assert after["name_en"] == "账务一组"
    assert (gone.status_code, again.status_code) == (204, 404)
    assert await billing() == before


async def test_lists_go_on_where_a_page_ended(world: World) -> None:
    amy = await staffed(world, "amy")
    for day in (2, 3, 4):
        path = f"/handlers/{amy}/shifts/2026-03-0{day}T01:00:00Z"
        assert (await put(world, path, {"ends_at": f"2026-03-0{day}T09:00:00Z"})).status_code == 204

    first = (await world.get("/routing/v1/shifts?limit=2")).json()
    rest = (await world.get(f"/routing/v1/shifts?limit=2&after={first['next']}")).json()
    teams = (await world.get("/routing/v1/teams?limit=3")).json()
    more = (await world.get(f"/routing/v1/teams?limit=3&after={teams['next']}")).json()

    starts = [one["starts_at"] for one in (*first["items"], *rest["items"])]
    assert starts == sorted(starts)
    assert (len(starts), rest["next"]) == (3, None)
    assert teams["items"][-1]["id"] < more["items"][0]["id"]


async def test_another_units_staff_is_not_there(world: World) -> None:
    for name in ("east", "west"):
        await world.post("/desk/v1/units", {"id": name, "title_zh": name, "title_en": name})
    await world.settle()
    amy = await account(world, "amy", unit="east")
    assert (await put(world, f"/handlers/{amy}", {"team": "billing"})).status_code == 204
    shift = f"/routing/v1/handlers/{amy}/shifts/2026-03-02T01:00:00Z"
    body = {"ends_at": "2026-03-02T09:00:00Z"}
    assert (await world.client.put(shift, json=body, headers=world.headers())).status_code == 204
    key = {"label": "w", "scopes": ["routing:read", "routing:write"], "unit": "west"}
    west = {"Authorization": f"Bearer {(await world.post('/desk/v1/keys', key)).json()['key']}"}
    await world.settle()

    refused = [
        await world.client.get(f"/routing/v1/handlers/{amy}", headers=west),
        await world.client.put(f"/routing/v1/handlers/{amy}", json={"team": "billing"}, headers=west),
        await world.client.delete(f"/routing/v1/handlers/{amy}", headers=west),
        await world.client.put(shift, json=body, headers=west),
        await world.client.delete(shift, headers=west),
        await world.client.put("/routing/v1/teams/billing?unit=east", json={"name_zh": "x"}, headers=west),
        await world.client.get("/routing/v1/teams?unit=east", headers=west),
        await world.client.get("/routing/v1/staff/export?unit=east", headers=west),
    ]  # fmt: skip
    raw = f"{HEAD}\nhandler,billing,amy\n".encode()
    imported = await world.client.post("/routing/v1/staff/imports", content=raw, headers=west)

    assert [one.status_code for one in refused] == [404] * len(refused)
    assert imported.json()["errors"][0]["field"] == "line 2.handler"
    for path in ("shifts", "leaves", "handlers"):
        listed = await world.client.get(f"/routing/v1/{path}", headers=west)
        assert listed.json()["items"] == []


async def test_who_may_only_read_changes_no_staff_data(world: World) -> None:
    amy = await staffed(world, "amy")

    answer = await world.client.put(
        f"/routing/v1/handlers/{amy}", json={"team": "service"}, headers=token(world, amy)
    )

    assert answer.status_code == 403


@pytest.mark.req("R-087")
async def test_work_goes_to_the_team_that_has_staff_data_and_to_everybody_where_none_has(
    world: World,
) -> None:
    amy = await staffed(world, "amy")

    fee, attitude = await complain(world, FEE), await complain(world, ATTITUDE)

    assert (await decision(world, fee))["handler"] == amy
    assert (await decision(world, attitude))["handler"] not in {amy, None}


async def test_a_handler_of_whom_nothing_is_known_any_more_takes_every_teams_work_again(
    world: World,
) -> None:
    amy = await staffed(world, "amy", capacity=1)
    path = f"/routing/v1/handlers/{amy}"

    gone = await world.client.delete(path, headers=world.headers())

    assert gone.status_code == 204
    now = (await world.get(path)).json()
    assert (now["team"], now["skills"], now["capacity"], now["languages"]) == (None, None, 2000, ["zh", "en"])  # fmt: skip
    assert (await world.client.delete(path, headers=world.headers())).status_code == 404


async def test_a_shift_begins_and_ends_at_its_time(world: World) -> None:
    amy = await staffed(world, "amy")
    begins, ends = world.clock.now() + timedelta(hours=1), world.clock.now() + timedelta(hours=9)
    path = f"/handlers/{amy}/shifts/{begins.isoformat().replace('+00:00', 'Z')}"
    assert (await put(world, path, {"ends_at": ends.isoformat()})).status_code == 204

    early = await complain(world)
    before = await decision(world, early)
    await world.advance(timedelta(hours=1))
    during = await decision(world, early)
    await world.advance(timedelta(hours=8))
    late = await decision(world, await complain(world))

    assert (before["state"], before["passed_over"][0]["code"]) == ("waiting", "off_shift")
    assert (during["state"], during["handler"]) == ("assigned", amy)
    assert late["state"] == "waiting"


async def test_hours_of_the_week_hold_in_their_zone(world: World) -> None:
    amy = await staffed(world, "amy", hours="周一至周五 10:00-12:00", zone="Asia/Shanghai")

    made = await complain(world)  # Monday, 09:00 in Shanghai
    early = await decision(world, made)
    await world.advance(timedelta(hours=1))

    assert early["state"] == "waiting"
    assert (await decision(world, made))["handler"] == amy


async def test_the_substitute_gets_what_comes_during_a_leave(world: World) -> None:
    amy = await staffed(world, "amy")
    ben = await staffed(world, "ben", team="service", skills=["refund"])
    now = world.clock.now()
    path = f"/handlers/{amy}/leaves/{now.isoformat().replace('+00:00', 'Z')}"
    body = {"ends_at": (now + timedelta(days=2)).isoformat(), "substitute": ben}
    assert (await put(world, path, body)).status_code == 204

    during = await decision(world, await complain(world))
    await world.advance(timedelta(days=2))
    after = await decision(world, await complain(world))

    assert during["handler"] == ben
    assert "stands_in" in {one["code"] for one in during["reasons"]}
    assert {one["handler"]: one["code"] for one in during["passed_over"]}[amy] == "on_leave"
    assert after["handler"] == amy


async def test_with_staff_data_a_batch_costs_no_statement_more_for_each_complaint(
    world: World,
) -> None:
    await staffed(world, "amy", hours="Mon-Sun 00:00-24:00")
    hosted, costs = world.service("routing"), []

    for count in (2, 8):
        for at in range(count):
            await world.complain(f"{FEE}，第{at}次")
        records = await take(world, "routing")
        with counting(hosted.service.database) as statements:
            await hosted.consumer.apply(records)
        costs.append(len(statements))

    assert costs[1] <= costs[0]
