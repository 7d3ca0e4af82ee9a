"""Packs at the desk: added, put in force, put back; a bad one is refused; every change is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.world import World

HEAD = """\
pack:
  id: shop
  version: "{version}"
  name: {{zh: 门店, en: Shop}}
  inherits: {inherits}
  in_force_from: 2026-01-01
"""


def shop(version: str = "1.0", body: str = "", *, inherits: str = "generic") -> dict[str, Any]:
    text = HEAD.format(version=version, inherits=inherits) + body
    return {"folder": "shop", "files": {"pack.yaml": text}, "reason": "门店自有规则"}


async def added(world: World, version: str = "1.0", body: str = "", **more: str) -> dict[str, Any]:
    answer = await world.post("/desk/v1/packs", shop(version, body, **more))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def use(world: World, version: str, unit: str = "root", **more: object) -> Any:
    body = {"pack": "shop", "version": version, "reason": "试行"} | more
    answer = await world.client.put(f"/desk/v1/in-force/{unit}", json=body, headers=world.headers())
    await world.settle()
    return answer


async def back(world: World, unit: str = "root") -> Any:
    answer = await world.post(f"/desk/v1/in-force/{unit}/back", {"reason": "收回"})
    await world.settle()
    return answer


async def test_a_version_is_added_with_what_it_inherits_and_judges_nobody_yet(world: World) -> None:
    made = await added(world, inherits="power")
    await world.settle()

    assert made == {
        "pack": "shop",
        "version": "1.0",
        "inherits": "power@1.0",
        "added": ["power@1.0", "shop@1.0"],
    }
    assert set(world.policy.packs) == {"generic@1.0", "power@1.0", "shop@1.0"}
    assert world.policy.in_force("root", world.clock.now()) == ("generic", "1.0")
    assert world.policy.pack("shop", "1.0").category("PWR-MTR").team == "metering"


async def test_the_same_version_again_is_harmless_and_another_content_is_refused(
    world: World,
) -> None:
    await added(world)

    again = await added(world)
    other = await world.post("/desk/v1/packs", shop("1.0", "callback: {attempts: 4}"))

    assert again["added"] == []
    assert other.status_code == 409
    assert "Count it up" in other.json()["detail"]


async def test_a_bad_pack_is_refused_with_file_line_and_field(world: World) -> None:
    body = "taxonomy:\n  - code: SHP-X\n    name: {zh: 甲, en: A}\n    team: nobody\n    keywords: {zh: [甲]}\n"

    answer = await world.post("/desk/v1/packs", shop("1.0", body), **{"Accept-Language": "zh"})
    await world.settle()

    assert answer.status_code == 422
    [error] = answer.json()["pack_errors"]
    assert (error["file"], error["line"]) == ("shop/pack.yaml", 10)
    assert error["field"] == "taxonomy[SHP-X].team"
    assert "nobody" in error["message"]
    assert "第 10 行" in answer.json()["errors"][0]["message"]
    assert set(world.policy.packs) == {"generic@1.0"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (shop() | {"files": {}}, "files"),
        (shop() | {"files": {"../pack.yaml": "x"}}, "files.../pack.yaml.[key]"),
        (shop() | {"folder": "other"}, "pack.id"),
        (shop(inherits="nowhere"), "pack.inherits"),
        (shop(inherits="generic@9.9"), "pack.inherits"),
        (shop("1.0", "callback: " + "[" * 100_000), "callback" + "[0]" * 20),
    ],
)
async def test_a_bad_upload_names_the_field(world: World, body: dict[str, Any], field: str) -> None:
    answer = await world.post("/desk/v1/packs", body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_what_is_inherited_without_a_version_is_the_newest_there(world: World) -> None:
    await added(world, "1.9")
    await added(world, "1.10")
    head = HEAD.format(version="1.0", inherits="shop").replace("id: shop", "id: kiosk")

    body = {"folder": "kiosk", "files": {"pack.yaml": head}}
    answer = await world.post("/desk/v1/packs", body)

    assert answer.json()["inherits"] == "shop@1.10"


async def test_a_version_put_in_force_judges_the_unit_and_those_below(world: World) -> None:
    await added(world)
    await world.post("/desk/v1/units", {"id": "east", "title_zh": "东"})

    assert (await use(world, "1.0")).status_code == 200

    assert world.policy.in_force("east", world.clock.now()) == ("shop", "1.0")
    listed = (await world.get("/desk/v1/packs")).json()["items"]
    assert {one["pack"]: one["units"] for one in listed} == {"generic": [], "shop": ["root"]}
    in_force = (await world.get("/desk/v1/in-force")).json()["items"]
    assert [(one["unit"], one["pack"], one["state"]) for one in in_force] == [
        ("root", "shop", "in_force")
    ]


async def test_a_version_nobody_added_is_not_put_in_force(world: World) -> None:
    answer = await use(world, "7.0")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "version"


async def test_a_version_that_begins_later_leaves_the_present_one_until_then(world: World) -> None:
    await added(world)
    since = world.clock.now() + timedelta(days=1)
    await use(world, "1.0", since=since.isoformat())

    assert world.policy.in_force("root", world.clock.now()) == ("generic", "1.0")
    states = [one["state"] for one in (await world.get("/desk/v1/in-force")).json()["items"]]
    assert states == ["in_force", "later"]

    await world.advance(timedelta(days=1))

    assert world.policy.in_force("root", world.clock.now()) == ("shop", "1.0")


async def test_what_would_begin_before_the_present_one_is_refused(world: World) -> None:
    await added(world)

    answer = await use(world, "1.0", since=(world.clock.now() - timedelta(days=1)).isoformat())

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "since"


async def test_the_last_one_is_put_back_and_again_undoes_that(world: World) -> None:
    await added(world)
    await use(world, "1.0")

    first = await back(world)
    second = await back(world)

    assert (first.json()["pack"], second.json()["pack"]) == ("generic", "shop")
    assert world.policy.in_force("root", world.clock.now()) == ("shop", "1.0")


async def test_a_unit_s_first_own_pack_is_taken_back_to_its_parent_s(world: World) -> None:
    await world.post("/desk/v1/units", {"id": "east", "title_zh": "东"})
    await world.settle()
    await added(world)
    await use(world, "1.0", "east")

    assert (await back(world, "east")).json()["pack"] == "generic"


async def test_where_nothing_was_before_nothing_is_put_back(world: World) -> None:
    answer = await back(world)

    assert answer.status_code == 409
    assert world.policy.in_force("root", world.clock.now()) == ("generic", "1.0")


async def test_every_change_is_kept_with_who_when_and_why(world: World) -> None:
    await added(world)
    await use(world, "1.0")
    await back(world)

    found = (await world.get("/desk/v1/pack-changes")).json()["items"]

    assert [(one["action"], one["pack"], one["was"], one["reason"]) for one in found] == [
        ("put_back", "generic", "shop@1.0", "收回"),
        ("put_in_force", "shop", "generic@1.0", "试行"),
        ("added", "shop", None, "门店自有规则"),
        ("put_in_force", "generic", None, "comes with Redress"),
        ("added", "generic", None, "comes with Redress"),
    ]
    assert {one["by"] for one in found[:3]} == {
        "key/" + world.first_run["operator_key"].split("_")[1]
    }
    page = (await world.get("/desk/v1/pack-changes?limit=2")).json()
    rest = (await world.get(f"/desk/v1/pack-changes?limit=3&after={page['next']}")).json()
    assert [one["id"] for one in page["items"] + rest["items"]] == [one["id"] for one in found]


async def test_a_version_can_be_had_whole_to_compare_it(world: World) -> None:
    await added(world)

    found = (await world.get("/desk/v1/packs/shop/1.0")).json()

    assert [one["ref"] for one in found["chain"]] == ["generic@1.0", "shop@1.0"]
    assert (await world.get("/desk/v1/packs/shop/9.9")).status_code == 404


async def test_who_answers_for_a_part_only_changes_packs_there(world: World) -> None:
    await world.post("/desk/v1/units", {"id": "east", "title_zh": "东"})
    await world.post("/desk/v1/units", {"id": "west", "title_zh": "西"})
    await world.settle()
    await added(world)
    key = {"label": "east", "scopes": ["administer"], "unit": "east"}
    world.first_run["east"] = (await world.post("/desk/v1/keys", key)).json()["key"]
    await world.settle()
    body = {"pack": "shop", "version": "1.0"}

    async def put(unit: str) -> int:
        path, headers = f"/desk/v1/in-force/{unit}", world.headers("east")
        return (await world.client.put(path, json=body, headers=headers)).status_code

    assert [await put(unit) for unit in ("east", "west", "root")] == [200, 404, 404]
    assert (await world.post("/desk/v1/packs", shop("2.0"), key="east")).status_code == 404
    told = (await world.get("/desk/v1/pack-changes", key="east")).json()["items"]
    assert {(one["action"], one["unit"]) for one in told} >= {("put_in_force", "east")}
    assert ("put_in_force", "root") not in {(one["action"], one["unit"]) for one in told}
