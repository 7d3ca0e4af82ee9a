"""The life of a case over HTTP, on both databases, time moved by the test clock only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from shared.contracts.followup import (
    CallbackDone,
    CallbackDue,
    CaseBody,
    CaseClosed,
    CaseEscalated,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    ClockBreached,
    ClockMet,
    ClockStarted,
    ClockWarned,
    PromiseBroken,
    PromiseKept,
    PromiseMade,
)
from shared.contracts.notify import MessageFailed
from shared.contracts.routing import ComplaintTriageRequested, ComplaintUnassigned
from tests.service.followup.bench import (
    CODE,
    acknowledged,
    assigned,
    received,
    resolution,
    understood,
)

if TYPE_CHECKING:
    from tests.service.followup.bench import Bench

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def names(case: dict[str, object]) -> set[str]:
    clocks = case["clocks"]
    assert isinstance(clocks, list)
    return {clock["name"] for clock in clocks}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("kind", ["complaint", "grumble", "inquiry", "suggestion", "praise"])
async def test_every_kind_opens_a_case_and_only_the_acknowledgement_is_owed_at_once(
    bench: Bench, kind: str
) -> None:
    subject, number = await bench.receive()

    case = await bench.case(number)
    assert (case["state"], case["cycle"], case["version"]) == ("received", 1, 1)
    assert names(case) == {"acknowledge"}

    await bench.tell(understood(number, bench.clock.now(), kind=kind), subject=subject)

    expected = {
        "complaint": {"acknowledge", "first_contact", "solution", "closure"},
        "grumble": {"acknowledge", "first_contact"},
        "inquiry": {"acknowledge", "first_contact", "solution", "closure"},
        "suggestion": {"acknowledge", "first_contact"},
        "praise": {"acknowledge"},
    }
    case = await bench.case(number)
    assert case["kind"] == kind
    assert names(case) == expected[kind]
    [opened] = await bench.said(subject, CaseOpened)
    assert opened.what == "received"


@pytest.mark.req("R-062")
@pytest.mark.req("R-086")
async def test_a_complaint_goes_from_receipt_to_closing(bench: Bench) -> None:
    subject, number = await bench.assigned()
    case = await bench.case(number)
    assert case["state"] == "assigned"
    assert case["owner"] == {"team": "service", "handler": "an"}

    await bench.advance(HOUR)
    assert (await bench.do(number, "accept"))["state"] == "accepted"
    due = bench.clock.now() + 3 * HOUR
    promised = {"what": "师傅上门，电话13800138000", "by": due.isoformat()}
    case = await bench.do(
        number, "contact", {"restated": True, "apologised": True, "promised": promised}
    )
    assert case["promises"][0]["what"] == "师傅上门，电话[phone]"
    assert (await bench.clock_of(number, "first_contact"))["state"] == "met"
    await bench.advance(HOUR)
    case = await bench.do(number, "resolve", resolution(bench.clock.now()))

    assert (case["state"], case["outcome"]) == ("resolved", "upheld")
    assert case["promises"][0]["state"] == "kept"
    assert (await bench.clock_of(number, "solution"))["state"] == "met"
    refused = await bench.command(number, "close")
    assert [one["field"] for one in refused.json()["errors"]] == ["callback_settled"]

    await bench.advance(timedelta(days=2))
    assert (await bench.case(number))["state"] == "callback"
    [due_event] = await bench.said(subject, CallbackDue)
    # resolved Monday 11:00, two working days: half of them is over when Tuesday's calling hours are
    assert due_event.due_at == at("2026-03-04T08:30:00+08:00")
    case = await bench.do(number, "callback", {"result": "satisfied"})
    assert case["callback_result"] == "satisfied"
    case = await bench.do(number, "close")

    assert case["state"] == "closed"
    assert all(clock["state"] == "met" for clock in case["clocks"])
    bodies = await bench.said(subject)
    cases = [body for body in bodies if isinstance(body, CaseBody)]
    assert [body.version for body in cases] == list(range(1, len(cases) + 1))
    assert {type(body) for body in cases} >= {CaseOpened, CaseResolved, CaseClosed}
    assert [type(body) for body in bodies if isinstance(body, PromiseMade | PromiseKept)] == [
        PromiseMade,
        PromiseKept,
    ]
    assert [body.result for body in await bench.said(subject, CallbackDone)] == ["satisfied"]
    assert {body.clock.name for body in await bench.said(subject, ClockMet)} == {
        "acknowledge", "first_contact", "progress", "solution", "callback", "closure",
    }  # fmt: skip
    assert [body.by for body in cases if body.what == "accept"] == ["key/root"]
    assert await bench.said(subject, ClockBreached) == []


@pytest.mark.req("R-093")
async def test_a_missed_clock_warns_breaches_once_and_escalates_to_the_supervisor_first(
    bench: Bench,
) -> None:
    subject, number = await bench.assigned(severity="high")  # first contact: 2 h

    await bench.advance(HOUR)
    assert await bench.said(subject, CaseEscalated) == []
    await bench.advance(36 * MINUTE)
    assert [
        (body.clock.name, body.fraction) for body in await bench.said(subject, ClockWarned)
    ] == [("first_contact", 0.5), ("first_contact", 0.8)]
    [warned] = await bench.said(subject, CaseEscalated)
    assert (warned.escalation_level, warned.what) == (2, "warned")  # 80 % of the deadline
    await bench.advance(24 * MINUTE)
    await bench.advance(HOUR)

    [breach] = await bench.said(subject, ClockBreached)
    assert breach.clock.name == "first_contact"
    _, escalated = await bench.said(subject, CaseEscalated)
    assert (escalated.escalation_level, escalated.what) == (3, "first_contact")
    case = await bench.case(number)
    assert (case["escalation_level"], case["state"]) == (3, "assigned")
    clock = await bench.clock_of(number, "first_contact")
    assert (clock["state"], clock["breached_at"]) == ("breached", clock["due_at"])

    # taken note of, it climbs no further by itself; the next one missed goes one higher
    await bench.do(number, "take_escalation")
    await bench.do(number, "accept")
    await bench.do(number, "contact")
    clock = await bench.clock_of(number, "first_contact")
    assert (clock["state"], clock["met_at"] is not None) == ("breached", True)
    await bench.advance(timedelta(days=3))
    last = (await bench.said(subject, CaseEscalated))[2]
    assert (last.escalation_level, last.what) == (4, "solution")
    breached = {body.clock.name for body in await bench.said(subject, ClockBreached)}
    assert breached == {"first_contact", "progress", "solution"}


async def test_a_breach_slept_through_is_noticed_without_late_warnings(bench: Bench) -> None:
    subject, _ = await bench.assigned(severity="critical")

    await bench.advance(timedelta(hours=1))

    warned = [(one.clock.name, one.fraction) for one in await bench.said(subject, ClockWarned)]
    assert warned == []
    assert [one.clock.name for one in await bench.said(subject, ClockBreached)] == ["first_contact"]


@pytest.mark.req("R-031")
@pytest.mark.req("R-086")
async def test_a_promise_missed_is_broken_once_and_never_kept_later(bench: Bench) -> None:
    subject, number = await bench.assigned()
    await bench.do(number, "accept")
    by = bench.clock.now() + 2 * HOUR
    await bench.do(number, "contact", {"promised": {"what": "回电", "by": by.isoformat()}})

    await bench.advance(2 * HOUR)
    await bench.advance(2 * HOUR)

    [broken] = await bench.said(subject, PromiseBroken)
    assert (broken.promise.what, broken.promise.due_at) == ("回电", by)
    await bench.do(number, "resolve", resolution(bench.clock.now()))
    assert [one["state"] for one in (await bench.case(number))["promises"]] == ["broken"]
    assert await bench.said(subject, PromiseKept) == []


@pytest.mark.req("R-115")
async def test_a_dissatisfied_callback_reopens_under_the_same_number_with_new_clocks_at_a_higher_level(
    bench: Bench,
) -> None:
    subject, number = await bench.assigned(severity="low", reachable=True)
    await bench.resolved(number)
    await bench.advance(timedelta(days=1))

    case = await bench.do(number, "callback", {"result": "dissatisfied", "note": "还是不制冷"})

    now = bench.clock.now()
    assert (case["number"], case["cycle"], case["state"]) == (number, 2, "received")
    assert (case["severity"], case["escalation_level"]) == ("high", 2)
    assert case["owner"] == {"team": None, "handler": None}
    assert all(at(clock["started_at"]) == now for clock in case["clocks"])
    assert at((await bench.clock_of(number, "first_contact"))["due_at"]) == now + 2 * HOUR
    [reopened] = await bench.said(subject, CaseReopened)
    assert (reopened.cycle, reopened.by) == (2, "key/root")

    # assigned again; what is left over from the first cycle is ignored
    await bench.tell(assigned(number, now, cycle=1, handler="bo"), subject=subject)
    assert (await bench.case(number))["state"] == "received"
    await bench.tell(assigned(number, now, cycle=2, handler="bo"), subject=subject)
    case = await bench.case(number)
    assert (case["state"], case["owner"]["handler"]) == ("assigned", "bo")
    refused = await bench.command(number, "resolve", resolution(now))
    assert [one["field"] for one in refused.json()["errors"]] == ["accepted", "contacted"]
    await bench.resolved(number)
    assert len(await bench.said(subject, CaseResolved)) == 2


@pytest.mark.parametrize("state", ["resolved", "closed"])
async def test_a_case_is_reopened_from(bench: Bench, state: str) -> None:
    subject, number = await bench.assigned(anonymous=True)
    await bench.resolved(number)
    if state == "closed":
        await bench.do(number, "close")

    case = await bench.do(number, "reopen", {"reason": "又坏了，打13800138000"})

    assert (case["cycle"], case["state"], case["callback_result"]) == (2, "received", None)
    assert case["resolution"] is None
    story = (await bench.get(f"/cases/{number}/timeline")).json()["items"]
    [reopened] = [one for one in story if one["fact"] == "reopened"]
    assert reopened["detail"]["reason"] == "又坏了，打[phone]"
    await bench.advance(timedelta(minutes=10))
    breached = await bench.said(subject, ClockBreached)
    assert {(one.cycle, one.clock.name) for one in breached} == {(2, "acknowledge")}


@pytest.mark.parametrize("why", ["anonymous", "unreachable"])
async def test_nobody_is_called_back_who_cannot_be(bench: Bench, why: str) -> None:
    subject, number = await bench.assigned(
        anonymous=why == "anonymous", reachable=why != "unreachable"
    )
    case = await bench.resolved(number)

    assert case["callback_result"] == "skipped"
    story = (await bench.get(f"/cases/{number}/timeline")).json()["items"]
    [settled] = [one for one in story if one["fact"] == "callback_settled"]
    assert (settled["detail"]["note"], settled["by"]) == (why, "followup")
    assert (await bench.do(number, "close"))["state"] == "closed"
    assert await bench.said(subject, CallbackDue) == []


async def test_while_unsure_triage_has_its_own_clock_and_a_sure_understanding_moves_the_others(
    bench: Bench,
) -> None:
    subject, number = await bench.receive()
    began = bench.clock.now()
    unsure = understood(number, began, severity="critical", unsure=True)
    await bench.tell(unsure, subject=subject)
    asked = ComplaintTriageRequested(number=number, cycle=1, reasons=("too close",))
    await bench.tell(asked, subject=subject)

    case = await bench.case(number)
    assert (case["state"], case["unsure"]) == ("received", True)
    assert at((await bench.clock_of(number, "triage"))["due_at"]) == began + 15 * MINUTE
    assert at((await bench.clock_of(number, "first_contact"))["due_at"]) == began + 30 * MINUTE

    await bench.advance(10 * MINUTE)
    sure = understood(number, bench.clock.now(), severity="high", by="account/su")
    await bench.tell(sure, subject=subject)

    assert (await bench.clock_of(number, "triage"))["state"] == "met"
    assert at((await bench.clock_of(number, "first_contact"))["due_at"]) == began + 2 * HOUR
    explained = (await bench.get(f"/cases/{number}/clocks?explain=1")).json()["items"]
    [first] = [one for one in explained if one["name"] == "first_contact"]
    kept = [(one["fact"], one["due_at"]) for one in first["facts"]]
    assert [fact for fact, _ in kept] == ["started", "replanned"]
    assert at(kept[0][1]) == began + 30 * MINUTE
    await bench.advance(30 * MINUTE)
    assert {one.clock.name for one in await bench.said(subject, ClockBreached)} == {"acknowledge"}


async def test_an_assignment_taken_back_needs_to_be_accepted_anew(bench: Bench) -> None:
    subject, number = await bench.assigned()
    await bench.do(number, "accept")
    now = bench.clock.now()

    taken = ComplaintUnassigned(number=number, cycle=1, handler="an", reason="shift over")
    await bench.tell(taken, subject=subject)
    case = await bench.case(number)
    assert (case["state"], case["owner"]) == ("received", {"team": "service", "handler": None})

    await bench.tell(assigned(number, now, handler="bo"), subject=subject)
    assert (await bench.case(number))["state"] == "assigned"
    assert (await bench.do(number, "accept"))["state"] == "accepted"


async def test_without_a_usable_contact_number_and_code_in_the_answer_acknowledge(
    bench: Bench,
) -> None:
    subject, number = await bench.receive(reachable=False)
    await bench.advance(timedelta(minutes=1))
    failed = MessageFailed.model_validate(
        acknowledged(number, bench.clock.now(), reason="no_contact").model_dump()
    )
    await bench.tell(failed, subject=subject)

    clock = await bench.clock_of(number, "acknowledge")
    assert (clock["state"], clock["met_at"]) == ("met", clock["started_at"])


async def test_what_is_not_the_acknowledgement_stops_nothing(bench: Bench) -> None:
    subject, number = await bench.receive()
    now = bench.clock.now()
    for other in ({"template": "progress"}, {"recipient": "staff"}):
        await bench.tell(acknowledged(number, now, **other), subject=subject)
    exhausted = acknowledged(number, now, reason="exhausted").model_dump()
    await bench.tell(MessageFailed.model_validate(exhausted), subject=subject)

    assert (await bench.clock_of(number, "acknowledge"))["state"] == "running"


@pytest.mark.req("R-085")
async def test_friday_half_past_five_is_due_in_the_next_week_in_working_time_and_in_minutes_around_the_clock(
    bench: Bench,
) -> None:
    await bench.advance(at("2026-03-06T17:30:00+08:00") - bench.clock.now())
    _, number = await bench.assigned(severity="high")

    assert (await bench.clock_of(number, "acknowledge"))["due_at"] == "2026-03-06T09:35:00Z"
    # two working days: Monday and Tuesday, to closing time
    assert at((await bench.clock_of(number, "solution"))["due_at"]) == at(
        "2026-03-10T18:00:00+08:00"
    )
    explained = (await bench.get(f"/cases/{number}/clocks?explain=1")).json()["items"]
    [solution] = [one for one in explained if one["name"] == "solution"]
    assert (solution["term"], solution["calendar"], solution["zone"]) == (
        "2wd",
        "standard",
        "Asia/Shanghai",
    )
    assert [one["start"][:10] for one in solution["counted"]] == ["2026-03-09", "2026-03-10"]


@pytest.mark.req("R-014")
async def test_the_timeline_tells_every_fact_with_actor_and_time(bench: Bench) -> None:
    _, number = await bench.assigned()
    await bench.advance(HOUR)
    await bench.do(number, "accept", **bench.as_staff("an"))
    await bench.do(number, "contact", **bench.as_staff("an"))
    await bench.do(number, "resolve", resolution(bench.clock.now()), **bench.as_staff("su"))

    story = (await bench.get(f"/cases/{number}/timeline")).json()

    assert story["next"] is None
    facts = [(one["fact"], one["by"]) for one in story["items"] if "clock" not in one["fact"]]
    assert facts == [
        ("received", "intake"),
        ("understood", "routing"),
        ("assigned", "routing"),
        ("acknowledged", "notify"),
        ("accepted", "account/an"),
        ("contacted", "account/an"),
        ("passed", "account/su"),
        ("passed", "account/su"),
        ("passed", "account/su"),
        ("resolved", "account/su"),
        ("callback_planned", "followup"),
    ]
    passed = [one["detail"]["state"] for one in story["items"] if one["fact"] == "passed"]
    assert passed == ["investigating", "solution_proposed", "executing"]
    assert all(one["at"] and one["recorded_at"] for one in story["items"])
    assert "code_sha256" not in str(story)


async def test_what_came_before_the_receipt_is_kept_until_then(bench: Bench) -> None:
    now = bench.clock.now()
    subject, body = "early", received(now)
    await bench.tell(assigned(body.number, now), subject=subject)
    await bench.tell(acknowledged(body.number, now), subject=subject)
    assert (await bench.get(f"/cases/{body.number}")).status_code == 404
    assert await bench.said(subject) == []

    await bench.tell(body, subject=subject)

    case = await bench.case(body.number)
    assert (case["state"], case["owner"]["handler"], case["version"]) == ("assigned", "an", 1)
    assert (await bench.clock_of(body.number, "acknowledge"))["state"] == "met"


@pytest.mark.req("R-063")
async def test_the_customer_sees_the_four_steps_what_was_promised_and_what_comes_next(
    bench: Bench,
) -> None:
    _, number = await bench.assigned()
    path = f"/followup/v1/public/cases/{number}"
    await bench.do(number, "accept")
    by = bench.clock.now() + HOUR
    await bench.do(number, "contact", {"promised": {"what": "上门维修", "by": by.isoformat()}})

    answer = await bench.client.get(path, headers={"Redress-Code": CODE})

    assert answer.status_code == 200
    shown = answer.json()
    assert set(shown) == {
        "number", "received_at", "state", "closed", "steps", "promises", "next", "offer", "questions", "result",
        "recourse", "may",
    }  # fmt: skip
    assert [(one["name"], one["done_at"] is not None) for one in shown["steps"]] == [
        ("listen", True),
        ("understand", True),
        ("solve", False),
        ("improve", False),
    ]
    assert [one["zh"] for one in shown["steps"]] == [
        "倾听与确认", "理解与同理", "解决问题与补偿", "反馈与改进",
    ]  # fmt: skip
    assert shown["promises"] == [
        {"what": "上门维修", "due_at": "2026-03-02T02:00:00Z", "state": "open"}
    ]
    solution = await bench.clock_of(number, "solution")
    assert shown["next"]["by"] == solution["due_at"]
    assert shown["state"] == {"zh": "专人正在处理", "en": "It is being worked on"}


async def test_the_customers_page_opens_with_the_code_only_and_is_throttled_by_number(
    bench: Bench,
) -> None:
    _, number = await bench.receive()
    _, other = await bench.receive()

    async def ask(number: str, **headers: str) -> int:
        return (
            await bench.client.get(f"/followup/v1/public/cases/{number}", headers=headers)
        ).status_code

    assert await ask(number) == 404
    assert await ask(number, **{"Redress-Code": "AAAA-BBBB-CCCC-DDDE"}) == 404
    assert await ask("0000-0000-001", **{"Redress-Code": CODE}) == 404
    assert await ask(number, **{"Redress-Code": CODE.lower().replace("-", "")}) == 200

    assert 429 in [await ask(number, **{"Redress-Code": CODE}) for _ in range(20)]
    assert await ask(other, **{"Redress-Code": CODE}) == 200
    bench.clock.advance(timedelta(seconds=2))
    assert await ask(number, **{"Redress-Code": CODE}) == 200


async def test_clocks_started_are_said(bench: Bench) -> None:
    subject, _ = await bench.assigned()

    started = [body.clock.name for body in await bench.said(subject, ClockStarted)]

    assert started == ["acknowledge", "closure", "first_contact", "solution"]
