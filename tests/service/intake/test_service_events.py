"""What a company's systems report opens no case, and tells who answers what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.contracts.intake import ComplaintReceived
from tests.service.intake.doors import count

if TYPE_CHECKING:
    from tests.world import World

PATH = "/intake/v1/service-events"
OUTAGE: dict[str, Any] = {
    "event_id": "out-1", "kind": "outage", "area": "xihu", "title": "10kV 文三线检修",
    "starts_at": "2026-03-02T08:00:00+08:00", "references": {"meter": "33010001"},
}  # fmt: skip


async def outages(world: World, query: str = "") -> list[str]:
    answer = await world.get(f"/intake/v1/outages{query}")
    assert answer.status_code == 200, answer.text
    return [one["event_id"] for one in answer.json()["items"]]


async def test_a_known_outage_is_shown_where_it_is_until_it_ends_and_opens_no_case(
    world: World,
) -> None:
    later = OUTAGE | {"event_id": "out-2", "starts_at": "2026-03-02T23:00:00+08:00"}
    order = OUTAGE | {"event_id": "13800138000", "kind": "order"}
    for _ in range(2):
        reported = await world.post(PATH, {"items": [OUTAGE, later, order]}, key="adapter_key")
        assert reported.json() == {"kept": 3}

    there, elsewhere, all_ = (
        await outages(world, "?area=xihu"),
        await outages(world, "?area=binjiang"),
        await world.get(f"{PATH}?kind=order"),
    )
    ended = OUTAGE | {"ends_at": "2026-03-02T08:30:00+08:00"}
    await world.post(PATH, {"items": [ended]}, key="adapter_key")
    await world.settle()

    assert (there, elsewhere) == (["out-1"], [])
    assert [one["event_id"] for one in all_.json()["items"]] == ["[phone]"]
    assert await outages(world) == []
    assert await count(world) == 0
    assert await world.said("intake", ComplaintReceived) == []


@pytest.mark.parametrize(("change", "field"), [
    ({"event_id": ""}, "items.0.event_id"), ({"kind": "storm"}, "items.0.kind"),
    ({"starts_at": "yesterday"}, "items.0.starts_at"), ({"starts_at": "9999-12-31T23:59:59-14:00"}, "items.0.starts_at"),
    ({"ends_at": "2026-03-01T08:00:00+08:00"}, "items.0"), ({"unit": "nowhere"}, "unit"),
    ({"references": {"X": "1"}}, "items.0.references.X"),
])  # fmt: skip
async def test_a_wrong_report_is_named_and_nothing_is_kept(
    world: World, change: dict[str, Any], field: str
) -> None:
    answer = await world.post(PATH, {"items": [OUTAGE | change]}, key="adapter_key")

    assert answer.status_code == 422, answer.text
    assert [one["field"].removesuffix(".[key]") for one in answer.json()["errors"]] == [field]
    listed = await world.get(PATH)
    assert listed.json()["items"] == []


async def test_reports_of_another_unit_are_out_of_reach(world: World) -> None:
    for unit in ("hangzhou", "ningbo"):
        await world.post("/desk/v1/units", {"id": unit, "title_zh": unit, "title_en": unit})
    await world.settle()
    made = await world.post(
        "/desk/v1/keys", {"label": "n", "scopes": ["intake:read", "intake:write"], "unit": "ningbo"}
    )
    await world.settle()
    await world.post(PATH, {"items": [OUTAGE | {"unit": "hangzhou"}]})

    headers = {"Authorization": f"Bearer {made.json()['key']}"}
    seen = await world.client.get("/intake/v1/outages", headers=headers)
    put = await world.client.post(
        PATH, json={"items": [OUTAGE | {"unit": "hangzhou"}]}, headers=headers
    )

    assert seen.json()["items"] == []
    assert put.status_code == 404
    assert await outages(world) == ["out-1"]
