"""Staff hear once a day what concerned them, and nobody gets two."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from services.notify.policy.choose.digest import Told, digest, due_day, since
from services.notify.sender import Digester
from shared.contracts.notify import MessageBody
from tests.world import MONDAY, open_world

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_digest_counts_the_day_names_what_is_urgent_and_comes_once(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        made = await world.complain("客服态度差，我要投诉")
        await world.settle()
        await world.advance(timedelta(days=1))
        planned = await world.digester().plan_due()
        assert planned > 0
        await world.settle()

        database = world.service("notify").service.database
        again = Digester(database=database, notify=world.sender()._notify)
        assert await world.digester().plan_due() == await again.plan_due() == 0
        handler = next(one for one in world.policy.accounts.values() if one.role == "handler")
        path = f"/notify/v1/messages?recipient=staff/{handler.id}"
        items = (await world.get(path)).json()["items"]
        [mine] = [one for one in items if one["purpose"].startswith("digest.")]
        assert (mine["state"], mine["number"]) == ("accepted", "")
        text = (await world.get(f"/notify/v1/messages/{mine['id']}/attempts")).json()["items"]
        assert [one["channel"] for one in text] == ["desk"]
        said = await world.said("notify", MessageBody)
        assert {one.body.number for one in said} == {made["number"]}


def test_a_digest_says_the_urgent_first_each_number_once_and_nothing_where_nothing_was() -> None:
    day = MONDAY.date()
    told = [Told("assigned.a", "1"), Told("breached.solution", "2"), Told("breached.x", "2")]
    planned = digest("a", told, day=day, waiting=0)
    assert planned is not None
    assert planned.variables["news"] == {
        "zh": "· 已超时 1 件：2\n· 新分配 1 件：1",
        "en": "· deadlines missed: 1 (2)\n· new cases: 1 (1)",
    }
    assert "waiting" not in planned.variables
    assert digest("a", [], day=day, waiting=0) is None
    only = digest("a", [], day=day, waiting=3)
    assert only is not None
    assert "3" in str(only.variables["waiting"])
    many = digest("a", [Told("assigned.a", str(at)) for at in range(12)], day=day, waiting=0)
    assert many is not None
    assert "12 件" in str(many.variables["news"])
    assert "等" in str(many.variables["news"])


@pytest.mark.parametrize(("hours", "is_due"), [(-2, False), (-1, True), (10, True)])
def test_the_day_begins_at_eight_in_the_company_s_zone(hours: int, is_due: bool) -> None:
    day = due_day(MONDAY + timedelta(hours=hours), "Asia/Shanghai")
    assert (day == MONDAY.date()) is is_due
    assert since(MONDAY.date(), "Asia/Shanghai") == MONDAY - timedelta(days=1, hours=1)
