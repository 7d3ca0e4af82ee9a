"""What is done on a case step by step, over HTTP: cause, decision, proposal, answer, execution, help and messages."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.contracts.followup import CaseClosed, CaseEscalated, CaseRefused, CaseReopened
from shared.contracts.intake import ComplaintMessageAdded
from shared.contracts.routing import ComplaintUnassigned
from tests.service.followup.bench import assigned, resolution
from tests.service.followup.steps import execute, propose, whole_way, work_out

if TYPE_CHECKING:
    from tests.service.followup.bench import Bench

HOUR = timedelta(hours=1)


def fields(answer: Any) -> list[str]:
    return [one["field"] for one in answer.json()["errors"]]


def added(bench: Bench, number: str, text: str, *, id_: str = "m1", by: str = "complainant") -> Any:
    values = {
        "number": number, "message_id": id_, "by": by, "channel": "wechat", "language": "zh", "text": text,
        "added_at": bench.clock.now(),
    }  # fmt: skip
    return ComplaintMessageAdded.model_validate(values)


@pytest.mark.req("R-062")
@pytest.mark.req("R-065")
@pytest.mark.req("R-066")
async def test_the_full_way_passes_through_every_state(bench: Bench) -> None:
    _, number = await bench.assigned(severity="critical")
    early = await bench.command(number, "resolve", resolution(bench.clock.now()))
    assert fields(early) == [
        "accepted", "contacted", "critical_apologised", "critical_cause", "critical_solution",
    ]  # fmt: skip

    await work_out(bench, number)
    case = await bench.case(number)
    assert case["state"] == "investigating"
    assert (case["finding"]["code"], case["decision"]["outcome"]) == ("process", "upheld")
    case = await propose(bench, number, "换表", "退费")
    assert case["state"] == "solution_proposed"
    assert (await bench.clock_of(number, "solution"))["met_at"] is not None
    waiting = await bench.command(number, "resolve", resolution(bench.clock.now()))
    assert fields(waiting) == ["answered", "critical_solution"]
    case = await bench.do(number, "answer", {"accepted": True, "channel": "phone"})
    assert case["state"] == "executing"
    undone = await bench.command(number, "resolve", resolution(bench.clock.now()))
    assert fields(undone) == ["executed"]
    await execute(bench, number)

    case = await bench.do(number, "resolve", resolution(bench.clock.now()))
    assert case["state"] == "resolved"
    assert [one["state"] for one in case["solutions"][0]["actions"]] == ["done", "done"]


@pytest.mark.req("R-039")
@pytest.mark.req("R-056")
async def test_nothing_is_proposed_without_cause_and_for_the_grave_without_what_it_means(
    bench: Bench,
) -> None:
    _, number = await bench.assigned(severity="high")
    await bench.do(number, "accept")
    await bench.do(number, "contact")
    due = (bench.clock.now() + HOUR).isoformat()
    offer = {"actions": [{"what": "换货", "owner": "an", "due_at": due}]}

    refused = await bench.command(number, "propose", offer)

    assert fields(refused) == ["cause", "impact"]
    for actions in ([], [{"what": "换货", "owner": "an"}]):
        assert (await bench.command(number, "propose", {"actions": actions})).status_code == 422


@pytest.mark.req("R-040")
@pytest.mark.req("R-051")
@pytest.mark.req("R-072")
async def test_not_upheld_takes_evidence_two_persons_and_help(bench: Bench) -> None:
    _, number = await bench.assigned()
    await bench.do(number, "accept", **bench.as_staff("an"))
    await bench.do(number, "contact")
    blank = {"outcome": "not_upheld", "reason": "使用不当", "responsibility": "customer"}
    assert fields(await bench.command(number, "decide", blank)) == ["evidence"]
    lacking = {"outcome": "not_upheld", "reason": "r", "told_at": bench.clock.now().isoformat()}
    assert fields(await bench.command(number, "resolve", lacking)) == [
        "decision", "second_person", "remedy",
    ]  # fmt: skip

    await bench.do(number, "decide", blank | {"evidence": ["检测报告"]}, **bench.as_staff("an"))
    for who in (bench.as_staff("an"), bench.as_key("root"), bench.as_staff("cai")):
        assert (await bench.command(number, "confirm_decision", **who)).status_code == 403
    case = await bench.do(number, "confirm_decision", **bench.as_staff("su"))

    assert case["decision"]["confirmed_by"] == "account/su"
    other = await bench.command(number, "resolve", resolution(bench.clock.now()))
    assert fields(other) == ["outcome"]
    case = await bench.do(number, "resolve", lacking | {"remedy": "免费技术指导"})
    assert case["outcome"] == "not_upheld"


@pytest.mark.req("R-067")
async def test_three_refusals_go_one_level_up_and_a_refused_proposal_ends_nothing(
    bench: Bench,
) -> None:
    subject, number = await bench.assigned()
    await work_out(bench, number)

    for round_ in (1, 2, 3):
        await propose(bench, number)
        case = await bench.do(number, "answer", {"accepted": False, "channel": "phone"})
        assert (case["state"], len(case["solutions"])) == ("investigating", round_)

    [escalated] = await bench.said(subject, CaseEscalated)
    assert (escalated.what, escalated.escalation_level) == ("refused_three_times", 2)
    refused = await bench.command(number, "resolve", resolution(bench.clock.now()))
    assert fields(refused) == ["not_refused"]
    await bench.do(number, "tell_recourse", {"where": ["12315", "主管"]})
    case = await bench.do(number, "resolve", resolution(bench.clock.now()))
    assert case["recourse"] == ["12315", "主管"]


async def test_one_or_two_by_message_answers_what_was_proposed_and_nothing_else_does(
    bench: Bench,
) -> None:
    subject, number = await bench.assigned()
    await bench.tell(added(bench, number, "1", id_="m0"), subject=subject)  # nothing was proposed
    await work_out(bench, number)
    await propose(bench, number)
    bench.clock.advance(HOUR)
    await bench.tell(added(bench, number, "1块钱也要退", id_="m1"), subject=subject)
    assert (await bench.case(number))["state"] == "solution_proposed"

    await bench.tell(added(bench, number, "２。", id_="m2"), subject=subject)

    case = await bench.case(number)
    assert (case["state"], case["solutions"][0]["answer"]) == ("investigating", "refused")
    assert case["solutions"][0]["channel"] == "wechat"
    assert [one["message_id"] for one in case["awaiting_review"]] == ["m0", "m1"]


async def test_what_the_customer_adds_awaits_review_and_reopens_nothing(bench: Bench) -> None:
    subject, number = await bench.assigned(anonymous=True)
    await bench.resolved(number)
    await bench.tell(added(bench, number, "谢谢", id_="m1"), subject=subject)
    assert fields(await bench.command(number, "close")) == ["reviewed"]
    await bench.do(number, "review_message", {"message": "m1", "note": "只是道谢"})
    await bench.do(number, "close")

    await bench.tell(added(bench, number, "又坏了", id_="m2"), subject=subject)
    await bench.tell(added(bench, number, "内部", id_="m3", by="staff"), subject=subject)

    case = await bench.case(number)
    assert (case["state"], case["cycle"]) == ("closed", 1)
    assert [one["message_id"] for one in case["awaiting_review"]] == ["m2"]
    assert await bench.said(subject, CaseReopened) == []
    again = await bench.command(number, "review_message", {"message": "m1"})
    assert (again.status_code, fields(again)) == (422, ["message"])


async def test_a_case_given_back_has_no_handler_and_routing_hears_of_it(bench: Bench) -> None:
    subject, number = await bench.assigned()
    assert (
        await bench.command(number, "refuse", {"reason": "x"}, **bench.as_staff("bo"))
    ).status_code == 403

    case = await bench.do(
        number, "refuse", {"reason": "不归我们，电13800138000"}, **bench.as_staff("an")
    )

    assert (case["state"], case["owner"]["handler"]) == ("received", None)
    [refused] = await bench.said(subject, CaseRefused)
    assert (refused.handler, refused.reason, refused.cycle) == ("an", "不归我们，电[phone]", 1)
    now = bench.clock.now()
    taken = ComplaintUnassigned(number=number, cycle=1, handler="an", reason="refused")
    await bench.tell(taken, subject=subject)
    await bench.tell(assigned(number, now, handler="bo"), subject=subject)
    case = await bench.case(number)
    assert (case["state"], case["owner"]["handler"]) == ("assigned", "bo")


@pytest.mark.req("R-070")
async def test_a_helper_task_has_an_owner_and_a_clock_and_does_not_hold_the_case(
    bench: Bench,
) -> None:
    subject, number = await bench.assigned()
    due = bench.clock.now() + HOUR
    task = {"what": "查线路", "team": "line", "owner": "bo", "due_at": due.isoformat()}
    await bench.do(number, "give_task", task)
    await bench.do(number, "give_task", task | {"what": "补手续", "team": "finance"})
    await bench.do(number, "finish_task", {"task": "t1.1", "finding": "线路正常"})

    await bench.advance(HOUR)

    case = await bench.case(number)
    assert [one["state"] for one in case["tasks"]] == ["done", "overdue"]
    assert [one.what for one in await bench.said(subject, CaseEscalated)] == ["task_overdue"]
    case = await bench.resolved(number)
    assert case["state"] == "resolved"
    case = await bench.do(number, "finish_task", {"task": "t1.2", "finding": "已补"})
    assert case["tasks"][1]["finding"] == "已补"
    again = await bench.command(number, "finish_task", {"task": "t1.2", "finding": "x"})
    assert fields(again) == ["task"]


@pytest.mark.req("R-068")
async def test_an_accepted_action_that_is_not_done_in_time_escalates(bench: Bench) -> None:
    subject, number = await bench.assigned()
    await work_out(bench, number)
    await propose(bench, number)
    await bench.do(number, "answer", {"accepted": True, "channel": "web"})

    await bench.advance(timedelta(days=1))

    assert (await bench.case(number))["solutions"][0]["actions"][0]["state"] == "overdue"
    assert "action_overdue" in [one.what for one in await bench.said(subject, CaseEscalated)]


@pytest.mark.req("R-089")
async def test_a_visit_takes_two_roles_and_keeps_findings_photos_and_the_witness(
    bench: Bench,
) -> None:
    _, number = await bench.assigned()
    going = [{"role": "quality", "account": "an"}, {"role": "technical", "account": "bo"}]
    when = (bench.clock.now() + HOUR).isoformat()
    alone = await bench.command(
        number, "plan_visit", {"visit_at": when, "visitors": [going[0], going[0]]}
    )
    assert fields(alone) == ["visitors"]

    await bench.do(number, "plan_visit", {"visit_at": when, "visitors": going})
    seen = {"visit": "v1.1", "findings": "河砂含泥", "photos": ["p1"], "witness": "客户签字"}
    case = await bench.do(number, "record_visit", seen)

    [visit] = case["visits"]
    assert (visit["state"], visit["photos"], len(visit["visitors"])) == ("done", ["p1"], 2)


@pytest.mark.req("R-031")
async def test_a_promise_is_kept_by_what_happened_and_the_rate_is_counted(bench: Bench) -> None:
    _, number = await bench.assigned()
    ids = []
    for hours in (1, 2):
        by = (bench.clock.now() + hours * HOUR).isoformat()
        case = await bench.do(
            number, "contact", {"promised": {"what": "回电", "by": by, "who": "客服"}}
        )
        ids.append(case["promises"][-1]["id"])

    await bench.do(number, "keep_promise", {"promise": ids[0], "evidence": "已通话"})
    await bench.advance(3 * HOUR)

    case = await bench.case(number)
    assert {one["id"]: one["state"] for one in case["promises"]} == {
        ids[0]: "kept",
        ids[1]: "broken",
    }
    assert case["promises"][0]["who"] == "客服"
    shown = (await bench.get("/promises?state=broken")).json()["items"]
    assert [(one["id"], one["number"]) for one in shown] == [(ids[1], number)]
    rate = (await bench.get("/promises/rate")).json()
    assert (rate["kept"], rate["broken"], rate["rate"]) == (1, 1, 0.5)
    assert (await bench.get("/promises", **bench.as_key("south"))).json()["items"] == []


async def test_a_withdrawn_case_says_closed_and_its_clocks_end(bench: Bench) -> None:
    subject, number = await bench.assigned()

    case = await bench.do(number, "withdraw", {"reason": "客户已自行解决"})

    assert (case["state"], case["closed_at"] is not None) == ("withdrawn", True)
    [closed] = await bench.said(subject, CaseClosed)
    assert closed.state == "withdrawn"
    assert {one["state"] for one in case["clocks"]} <= {"met", "cancelled"}
    await bench.advance(timedelta(days=9))
    assert await bench.said(subject, CaseEscalated) == []
    assert (await bench.do(number, "reopen", {"reason": "又来"}))["cycle"] == 2


async def test_a_body_outside_has_a_reference_and_later_a_result(bench: Bench) -> None:
    _, number = await bench.assigned()
    over = {"body": "12315", "reference": "R-77", "reason": "客户要求"}
    await bench.do(number, "hand_over", over)

    case = await bench.do(number, "outside_result", {"outside": "o1.1", "result": "调解达成"})

    assert case["outside"][0]["result"] == "调解达成"
    gone = await bench.command(number, "outside_result", {"outside": "o1.1", "result": "x"})
    assert fields(gone) == ["outside"]


async def test_questions_and_replies_go_to_the_customer_and_facts_answer_them(bench: Bench) -> None:
    _, number = await bench.assigned()
    case = await bench.do(number, "ask_customer", {"questions": ["户号？", "电表号？"]})
    assert (case["reply"]["template"], case["reply"]["questions"]) == (
        "ask",
        ["户号？", "电表号？"],
    )
    ids = [one["id"] for one in case["questions"]]

    facts = {"values": {"what_happened": "电表走快"}, "answers": [ids[0]]}
    case = await bench.do(number, "record_facts", facts)
    assert [one["answered_at"] is not None for one in case["questions"]] == [True, False]
    case = await bench.do(
        number, "reply", {"text": "师傅明天到，电话13800138000", "apologised": True}
    )

    assert case["reply"]["text"] == "师傅明天到，电话[phone]"
    for body, field in (
        ({}, "text"),
        ({"text": "x", "template": "closed"}, "text"),
        ({"template": "none_such"}, "template"),
    ):
        refused = await bench.command(number, "reply", body)
        assert (refused.status_code, fields(refused)) == (422, [field])
    wrong = await bench.command(number, "record_facts", {"values": {"shoe_size": "42"}})
    assert fields(wrong) == ["values.shoe_size"]
    many = await bench.command(number, "ask_customer", {"questions": ["?"] * 4})
    assert many.status_code == 422


async def test_where_nobody_agreed_the_closing_tells_where_else_to_turn(bench: Bench) -> None:
    _, agreed = await bench.assigned()
    await whole_way(bench, agreed)
    await bench.do(agreed, "callback", {"result": "unreached"})
    assert (await bench.do(agreed, "close"))["recourse"] == []

    _, unreached = await bench.assigned()
    await bench.resolved(unreached)
    await bench.do(unreached, "callback", {"result": "unreached"})

    case = await bench.do(unreached, "close")

    assert (case["state"], case["recourse"]) == ("closed", ["supervisor", "regulator"])
