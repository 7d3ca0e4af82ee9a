"""A pack is changed while complaints come in; a bad one stops itself, and nothing else."""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

from services.desk.usecases import packs
from services.desk.usecases.packs import Why
from shared.contracts.followup import CaseOpened
from shared.contracts.intake import ComplaintReceived
from shared.contracts.routing import ComplaintUnderstood
from shared.packs.wire import WirePack

if TYPE_CHECKING:
    from shared.store.transaction import Tx
    from tests.world import World

HEAD = {
    "id": "shop",
    "name": {"zh": "门店", "en": "Shop"},
    "inherits": "generic@1.0",
    "in_force_from": "2026-01-01",
}
QUEUES = """\
pack:
  id: shop
  version: "{version}"
  name: {{zh: 门店, en: Shop}}
  inherits: generic
  in_force_from: 2026-01-01
taxonomy:
  - code: SHP-QUE
    name: {{zh: 排队, en: Queues}}
    team: service
    keywords: {{zh: [排队太久, 叫号不准], en: [long queue]}}
"""
COMPLAINT = "办业务排队太久，叫号不准，等了三个小时"


async def put_in_force(world: World, version: str) -> None:
    upload = {"folder": "shop", "files": {"pack.yaml": QUEUES.format(version=version)}}
    assert (await world.post("/desk/v1/packs", upload)).status_code == 201
    body = {"pack": "shop", "version": version, "reason": "试行"}
    answer = await world.client.put("/desk/v1/in-force/root", json=body, headers=world.headers())
    assert answer.status_code == 200


async def slip_in_a_bad_one(world: World, version: str) -> None:
    """What a newer desk would say: this program does not know one of its sections."""
    data = {"pack": HEAD | {"version": version}, "feelings": [{"id": "new"}]}
    body = base64.b64encode(zlib.compress(json.dumps(data).encode())).decode()
    ref = f"shop@{version}"

    async def unit(tx: Tx) -> None:
        await packs.add_pack(tx, WirePack(ref=ref, inherits="generic@1.0", body=body))
        await packs.put_in_force(tx, unit="root", ref=ref, since=None, why=Why("newer"))

    await world.service("desk").service.database.run(unit)


async def ready(world: World) -> dict[str, Any]:
    answer = await world.client.get("/readyz")
    found: dict[str, Any] = answer.json()
    return found | {"code": answer.status_code}


async def judged_by(world: World) -> dict[str, str]:
    """Which version intake stamped each complaint with."""
    said = await world.said("intake", ComplaintReceived)
    return {one.subject: f"{one.body.pack}@{one.body.pack_version}" for one in said}


async def test_a_changed_pack_judges_what_comes_after_it_and_a_bad_one_nothing(
    world: World,
) -> None:
    first = await world.complain(COMPLAINT)
    await world.settle()
    await put_in_force(world, "1.0")
    meanwhile = await world.complain(COMPLAINT)
    await world.settle()
    second = await world.complain(COMPLAINT)
    await world.settle()
    assert (await ready(world))["status"] == "ready"

    await slip_in_a_bad_one(world, "2.0")
    await world.settle()
    third = await world.complain(COMPLAINT)
    await world.settle()

    judged = await judged_by(world)
    assert [judged[one["id"]] for one in (first, meanwhile, second, third)] == [
        "generic@1.0", "generic@1.0", "shop@1.0", "shop@1.0",
    ]  # fmt: skip
    told = await ready(world)
    assert (told["code"], told["status"]) == (200, "degraded")
    for service in ("intake", "routing", "followup", "notify"):
        assert "shop@2.0 for root" in told["checks"][service]["packs"]
        assert "feelings: there is no such field" in told["checks"][service]["packs"]

    await put_in_force(world, "2.1")
    await world.settle()
    fourth = await world.complain(COMPLAINT)
    await world.settle()

    assert (await judged_by(world))[fourth["id"]] == "shop@2.1"
    assert (await ready(world))["status"] == "ready"
    understood = {one.subject: one.body for one in await world.said("routing", ComplaintUnderstood)}
    assert understood[first["id"]].pack == "generic"
    for made in (second, third, fourth):
        assert understood[made["id"]].categories[0].code == "SHP-QUE"
    case = (await world.get(f"/followup/v1/cases/{first['number']}")).json()
    assert case["clocks"], "an open case keeps its clocks"
    assert len(await world.said("followup", CaseOpened)) == 5
    assert len(world.mails()) == 5
    for one in world.hosted:
        figures = await one.operations.figures()
        assert (figures.parked, figures.timers_parked) == (0, 0), one.service.name


async def test_what_a_newer_intake_stamped_is_judged_by_the_last_good_one(world: World) -> None:
    """While an upgrade rolls, one service may read what another cannot."""
    await put_in_force(world, "1.0")
    await world.settle()
    await slip_in_a_bad_one(world, "2.0")
    await world.settle()
    policy = world.policy
    policy._packs._refused.pop("shop@2.0", None)
    policy._packs._read["shop@2.0"] = policy.pack("shop", "1.0")  # intake's program can read it
    made = await world.complain(COMPLAINT)
    policy._packs._read.pop("shop@2.0")

    await world.settle()

    assert await judged_by(world) == {made["id"]: "shop@2.0"}
    [understood] = await world.said("routing", ComplaintUnderstood)
    assert (understood.body.pack, understood.body.pack_version) == ("shop", "1.0")
    assert understood.body.categories[0].code == "SHP-QUE"
    case = (await world.get(f"/followup/v1/cases/{made['number']}")).json()
    assert case["state"] == "assigned"
    assert len(world.mails()) == 1
