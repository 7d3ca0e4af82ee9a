"""What supervisors, callers and customers do on their pages beside reading, over the real services in process."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.service.desk.browsing import Browser

if TYPE_CHECKING:
    from tests.world import World


@pytest.mark.req("R-093")
async def test_a_supervisor_takes_note_decides_and_hurries_with_one_button_each(
    world: World,
) -> None:
    made, vague = await world.complain("电费多收了两百块"), await world.complain("东西不行。")
    await world.settle()
    number = made["number"]
    await world.command(number, "ask_supervisor", {"reason": "没人管"})
    asked = {"clock": "closure", "by": "2wd", "reason": "等配件"}
    assert (await world.command(number, "ask_extension", asked)).status_code == 200
    await world.settle()
    browser = Browser(world)
    await browser.sign_in("supervisor")
    board = await browser.get("/desk/board")
    decided = board.one("button[name=is]").attributes["value"]

    done = [
        await browser.send(board, "/desk/board/do", act=f"{act}/{number}")
        for act in ("take", "grant", "urge", "grant")
    ]
    triaged = await browser.send(board, "/desk/board/triage", **{"is": decided})
    await world.settle()

    case = (await world.get(f"/followup/v1/cases/{number}")).json()
    assert [one.status for one in done] == [200, 200, 200, 422]
    assert done[2].one(".done").text() == "已催办。"
    assert (case["taken_level"], case["urged"], case["extension"]) == (2, 1, None)
    assert triaged.one(".done").text() == "已定性，系统会从中学习。"
    assert str(decided).startswith(vague["number"])
    decision = (await world.get(f"/routing/v1/decisions/{vague['number']}")).json()
    assert f"{vague['number']}/{decision['categories'][0]['code']}" == decided


@pytest.mark.req("R-032")
async def test_a_caller_reads_a_filled_script_with_history_and_the_retry_is_planned(
    world: World,
) -> None:
    made = await world.complain("营业厅窗口的工作人员态度很差")
    await world.settle()
    number = made["number"]
    await world.command(number, "accept")
    await world.command(number, "contact", {"restated": True})
    told = {
        "outcome": "upheld",
        "reason": "接待不规范",
        "remedy": "致歉",
        "told_at": world.clock.now().isoformat(),
    }
    assert (await world.command(number, "resolve", told)).status_code == 200
    at = (world.clock.now() + timedelta(minutes=5)).isoformat()
    await world.command(number, "plan_callback", {"at": at})
    await world.advance(timedelta(minutes=6))
    browser = Browser(world)
    await browser.sign_in("caller")
    page = await browser.get("/desk/callbacks")

    tried = await browser.send(
        page, "/desk/callbacks/done", outcome=f"{number}/no_answer", note="响铃无人接"
    )
    await world.settle()
    await world.advance(timedelta(hours=5))
    # The session is over by then; the next call waits behind the door.
    await browser.sign_in("caller")
    again = await browser.get("/desk/callbacks")
    settled = await browser.send(again, "/desk/callbacks/done", outcome=f"{number}/satisfied")
    nothing = await browser.send(again, "/desk/callbacks/done", outcome=f"{number}/delete")

    assert "{{" not in page.text
    assert "您好，这里是总部" in page.text
    assert "接待不规范" in page.text
    assert tried.one(".done").text() == "已记录未接通，并按计划安排下次回访。"
    assert "第2次" in again.text
    assert settled.one(".done").text() == "已记录：满意。"
    assert not nothing.all(".done")


@pytest.mark.req("R-027")
@pytest.mark.req("R-063")
async def test_the_portal_asks_for_what_is_missing_sends_lost_codes_and_is_a_units_own(
    world: World,
) -> None:
    await world.post(
        "/desk/v1/units", {"id": "north", "title_zh": "北区营业部", "title_en": "North"}
    )
    await world.settle()
    browser = Browser(world)
    form = await browser.get("/portal/complain?unit=north")
    asked = await browser.client.post("/portal/asked", data={"text": "空调坏了，一直没有人来修"})
    silent = await browser.client.post("/portal/asked", data={"text": " "})

    done = await browser.send(
        form, "/portal/complain", text="空调坏了，一直没有人来修", contact="a@example.com"
    )
    await world.settle()
    number = done.one(".big.number").text()
    lost = await browser.get(f"/portal/lost?number={number}")
    sent = await browser.send(lost, "/portal/lost", contact="a@example.com")
    wrong = await browser.send(lost, "/portal/lost", number="12", contact="a@example.com")
    case = (await world.get(f"/followup/v1/cases/{number}")).json()

    assert "是哪件产品" in asked.text
    assert silent.text.strip() == ""
    assert any("是哪件产品" in one.text() for one in done.all("main li"))
    assert case["unit"] == "north"
    assert "北区营业部" in form.one("footer").text()
    assert "北区营业部" in (await browser.get("/portal/privacy?unit=north")).text
    assert "总部" in (await browser.get("/portal/privacy?unit=nowhere")).text
    assert "查询码" in sent.one(".done").text()
    assert wrong.status == 422
    assert wrong.one("[name=number]").attributes["aria-invalid"] == "true"
