"""Each of followup's commands that concerns the customer brings them the right letter, and none brings two."""

from __future__ import annotations

import email
import email.policy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from services.notify.store.tables import KNOWN
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAY = timedelta(days=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One world for all: each test looks at its own complaint's letters."""
    async with open_world(tmp_path_factory.mktemp("letters")) as opened:
        yield opened


class Case:
    """One complaint: does things to it, and gives the letters that came since."""

    def __init__(self, world: World, number: str) -> None:
        self.world, self.number = world, number
        self._read: set[str] = set()

    async def do(self, name: str, body: object = None) -> dict[str, Any]:
        answer = await self.world.command(self.number, name, body)
        assert answer.status_code == 200, answer.text
        await self.world.settle()
        found: dict[str, Any] = answer.json()
        return found

    async def new(self) -> list[str]:
        """The letters since the last look, each whole: its subject and its text."""
        found = []
        for path in self.world.mails():
            mail: Any = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if mail["X-Redress-Number"] == self.number and path.name not in self._read:
                self._read.add(path.name)
                text = mail.get_content().replace("\r\n", "\n")
                found.append(f"{mail['Subject']}\n{text}")
        return found

    async def only(self) -> str:
        [letter] = await self.new()
        return letter


async def acknowledged(world: World, text: str = "客服态度差，我要投诉") -> Case:
    made = await world.complain(text)
    await world.settle()
    case = Case(world, made["number"])
    assert "已收到" in await case.only() or text.isascii()
    return case


async def looked_into(case: Case) -> None:
    await case.do("accept")
    await case.do("contact", {"restated": True, "apologised": True})
    cause = {"code": "process", "text": "核实清楚", "preliminary": False}
    await case.do("find_cause", cause)
    await case.do(
        "decide", {"outcome": "upheld", "reason": "当班人员说话生硬", "evidence": ["录音"]}
    )


async def resolved(case: Case) -> None:
    await case.do("accept")
    await case.do("contact", {"restated": True, "apologised": True})
    told = {"outcome": "upheld", "reason": "核实属实", "remedy": "当面致歉"}
    await case.do("resolve", told | {"told_at": case.world.clock.now().isoformat()})


@pytest.mark.req("R-030")
@pytest.mark.req("R-067")
@pytest.mark.req("R-097")
async def test_from_questions_over_the_proposal_to_the_thanks_each_step_is_one_letter(
    world: World,
) -> None:
    case = await acknowledged(world)
    await looked_into(case)
    assert "开始核实" in await case.only()

    await case.do("ask_customer", {"questions": ["当时是几点？", "哪位接待的您？"]})
    asked = await case.only()
    assert "1. 当时是几点？\n2. 哪位接待的您？" in asked
    assert asked.index("抱歉") < asked.index("当时是几点")
    await case.do("record_facts", {"answers": ["q1.1", "q1.2"]})
    await case.do("reply", {"text": "已调取当天的录音，谢谢您。"})
    assert "已调取当天的录音，谢谢您。" in await case.only()

    due = (world.clock.now() + DAY).isoformat()
    actions = [{"what": one, "owner": "an", "due_at": due} for one in ("当面致歉", "重新培训")]
    await case.do("propose", {"actions": actions, "impact": "受了委屈"})
    proposed = await case.only()
    for said in ("当班人员说话生硬", "· 当面致歉\n· 重新培训", "2026年3月3日", "“1”", "“2”"):
        assert said in proposed
    answer = await world.post(f"/intake/v1/complaints/{case.number}/messages", {"text": "1"})
    assert answer.status_code == 202, answer.text
    await world.settle()
    assert "正在落实" in await case.only()

    shown = (await world.get(f"/followup/v1/cases/{case.number}")).json()
    for one in shown["solutions"][-1]["actions"]:
        await case.do("execute", {"action": one["id"], "evidence": ["照片"]})
    told = {"outcome": "upheld", "reason": "当班人员说话生硬", "remedy": "已当面致歉"}
    await case.do("resolve", told | {"told_at": world.clock.now().isoformat()})
    assert "已当面致歉" in await case.only()


@pytest.mark.req("R-106")
async def test_more_time_is_asked_of_a_supervisor_and_once_granted_told_to_the_customer(
    world: World,
) -> None:
    case = await acknowledged(world)
    await case.do("accept")
    clocks = (await world.get(f"/followup/v1/cases/{case.number}")).json()["clocks"]
    before = next(one for one in clocks if one["name"] == "solution")["due_at"]
    await case.do("ask_extension", {"clock": "solution", "by": "3wd", "reason": "等待检测"})
    assert await case.new() == []
    asked = (await world.get(f"/notify/v1/messages?recipient=staff&number={case.number}")).json()
    assert [one["letter"] for one in asked["items"] if one["letter"] == "approval_staff"] != []

    supervisor = next(one for one in world.policy.accounts.values() if one.role == "supervisor")
    headers = {
        "Authorization": f"Bearer {world.environment.guard.staff_token(supervisor)}",
        "If-Match": "*",
    }
    path = f"/followup/v1/cases/{case.number}/commands/decide_extension"
    answer = await world.client.post(path, json={"granted": True}, headers=headers)
    assert answer.status_code == 200, answer.text
    await world.settle()

    letter = await case.only()
    after = next(one for one in answer.json()["clocks"] if one["name"] == "solution")["due_at"]
    assert before < after
    assert "需要更多时间" in letter
    assert "抱歉" in letter
    assert f"新的时间是 2026年3月{int(after[8:10])}日" in letter or after[11:13] >= "16"


async def test_a_complaint_taken_back_ends_with_thanks_and_an_answer_after_it_still_arrives(
    world: World,
) -> None:
    case = await acknowledged(world)
    await case.do("withdraw", {"reason": "不需要了"})
    letter = await case.only()
    assert "按您的意愿" in letter
    assert "致歉" in letter

    await case.do("reply", {"text": "如有需要随时联系。"})
    assert "如有需要随时联系。" in await case.only()
    await case.do("note", {"text": "内部备注"})
    assert await case.new() == []


async def test_the_closing_says_where_else_to_turn_by_its_name_and_a_new_cycle_apologises(
    world: World,
) -> None:
    case = await acknowledged(world)
    await resolved(case)
    assert "当面致歉" in await case.only()
    await case.do("tell_recourse", {"where": ["12315", "消费者协会"]})
    assert await case.new() == []
    await case.do("callback", {"result": "satisfied"})
    await case.do("close")
    letter = await case.only()
    assert "已办结" in letter
    assert "12315消费者投诉举报热线或消费者协会" in letter

    await case.do("reopen", {"reason": "又出现了"})
    assert "没有让您的问题真正解决" in await case.only()


@pytest.mark.req("R-111")
async def test_a_callback_is_announced_once_and_in_the_end_a_link_is_sent_that_opens_the_portal(
    world: World,
) -> None:
    case = await acknowledged(world)
    await resolved(case)
    await case.new()
    wished = world.clock.now() + timedelta(hours=1)
    await case.do("plan_callback", {"at": wished.isoformat()})
    letters: list[str] = []
    for _ in range(8):
        await world.advance(timedelta(hours=12))
        letters += await case.new()
        await world.command(case.number, "try_callback", {"outcome": "no_answer"})
        await world.settle()
    letters += await case.new()

    announced = [one for one in letters if "给您打一个电话" in one]
    links = [one for one in letters if "致电回访未接通" in one]
    assert len(announced) == len(links) == 1
    assert f"/portal/follow?number={case.number}" in links[0]


async def test_english_gets_every_letter_in_english(world: World) -> None:
    case = await acknowledged(world, "The staff were rude to me and I want to complain")
    await looked_into(case)
    await case.do("ask_customer", {"questions": ["When was it?"]})
    await case.do("withdraw", {"reason": "no longer"})

    letters = await case.new()
    assert [one.splitlines()[0].partition(" (")[0] for one in letters] == [
        "News of your complaint", "A few things we would like to ask", "Withdrawn as you wished",
    ]  # fmt: skip
    assert all("sorry" in one or "What has happened" in one for one in letters)


async def test_who_gave_a_case_back_hears_no_more_of_its_deadlines(world: World) -> None:
    case = await acknowledged(world)
    shown = (await world.get(f"/followup/v1/cases/{case.number}")).json()
    handler = shown["owner"]["handler"]
    async with world.service("notify").service.database.reading() as connection:
        before = await handler_known(connection, shown["id"])
    answer = await world.command(case.number, "refuse", {"reason": "不归我"})
    assert answer.status_code == 200, answer.text
    for one in world.hosted:
        await world._relay(one)
    await world._consume(world.service("notify"))
    async with world.service("notify").service.database.reading() as connection:
        after = await handler_known(connection, shown["id"])
    assert (before, after) == (handler, None)


async def handler_known(connection: Any, complaint: str) -> str | None:
    row = (await connection.execute(select(KNOWN).where(KNOWN.c.complaint == complaint))).one()
    found: str | None = row.facts["about"]["handler"]
    return found
