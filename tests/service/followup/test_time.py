"""Time over HTTP: pauses, extensions, recorded steps, supervision, the ladder; every stretch explained."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared import faults
from shared.contracts.followup import (
    CaseEscalated,
    ClockBreached,
    ClockExtended,
    ClockPaused,
    ClockResumed,
)
from shared.contracts.values import Regulator

if TYPE_CHECKING:
    from tests.service.followup.bench import Bench

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def clocks(bench: Bench, number: str, *, explain: str = "1") -> list[dict[str, Any]]:
    answer = await bench.get(f"/cases/{number}/clocks?explain={explain}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_clock_stands_still_while_the_customer_is_waited_for_and_every_stretch_is_explained(
    bench: Bench,
) -> None:
    subject, number = await bench.assigned(severity="high")
    await bench.do(number, "accept")
    await bench.do(number, "contact")
    await bench.advance(DAY)  # Tuesday 09:00

    asked = await bench.do(number, "ask_customer", {"questions": ["表号是多少？"]})
    assert asked["waiting_for"] == ["waiting_customer"]
    solution = await bench.clock_of(number, "solution")
    assert (solution["state"], at(solution["resumes_at"])) == (
        "paused",
        at("2026-03-17T18:00:00+08:00"),
    )
    await bench.advance(2 * DAY)  # over the deadline as it was: nothing is breached
    await bench.advance(4 * HOUR)
    refused = await bench.command(number, "resume_clocks", {"reason": "waiting_customer"})
    assert refused.status_code == 422
    question = asked["questions"][0]["id"]
    case = await bench.do(number, "record_facts", {"answers": [question]})

    assert case["waiting_for"] == []
    solution = await bench.clock_of(number, "solution")
    # two of the two working days, and 22 working hours (Tuesday, Wednesday, Thursday till 13:00)
    assert (solution["state"], at(solution["due_at"])) == (
        "running",
        at("2026-03-09T13:00:00+08:00"),
    )
    explained = {one["name"]: one for one in await clocks(bench, number)}["solution"]
    intervals = explained["intervals"]
    assert sum(one["counted_seconds"] for one in intervals) == 18 * 3600
    assert {one["reason"] for one in intervals} == {"open", "closed", "paused", "first_day"}
    assert intervals[0]["start"] == explained["started_at"]
    assert intervals[-1]["end"] == explained["due_at"]
    assert [one["why"] for one in intervals if one["reason"] == "paused"] == ["waiting_customer"]
    said = [type(body) for body in await bench.said(subject, ClockPaused)]
    assert said == [ClockPaused] * 2  # solution and closure
    assert len(await bench.said(subject, ClockResumed)) == 2
    breached = {one.clock.name for one in await bench.said(subject, ClockBreached)}
    assert breached == {"progress"}


async def test_a_pause_ends_by_itself_and_then_the_deadline_comes(bench: Bench) -> None:
    subject, number = await bench.assigned(severity="high")
    await bench.do(number, "accept")
    wrong = await bench.command(number, "pause_clocks", {"reason": "holiday"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "reason")
    await bench.do(number, "pause_clocks", {"reason": "waiting_lab", "note": "样品送检"})
    twice = await bench.command(number, "pause_clocks", {"reason": "waiting_lab"})
    assert twice.status_code == 422

    await bench.advance(15 * DAY)  # past ten working days

    solution = await bench.clock_of(number, "solution")
    assert (solution["state"], solution["resumes_at"]) == ("running", None)
    await bench.advance(7 * DAY)
    assert (await bench.clock_of(number, "solution"))["state"] == "breached"
    assert {one.clock.name for one in await bench.said(subject, ClockResumed)} == {
        "solution",
        "closure",
    }


async def test_an_extension_is_asked_for_in_time_and_granted_by_a_second_person(
    bench: Bench,
) -> None:
    subject, number = await bench.assigned(severity="high")
    await bench.do(number, "accept", **bench.as_staff("an"))
    ask = {"clock": "solution", "by": "2wd", "reason": "等配件，电话13800138000"}
    own = bench.as_staff("an")

    for wrong, field in (
        ({"clock": "nothing"}, "clock"),
        ({"by": "2d"}, "by"),
        ({"by": "soon"}, "by"),
    ):
        answer = await bench.command(number, "ask_extension", ask | wrong, **own)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    case = await bench.do(number, "ask_extension", ask, **own)
    assert (case["extension"]["clock"], case["extension"]["by"]) == ("solution", "2wd")
    again = await bench.command(number, "ask_extension", ask, **own)
    assert again.status_code == 409
    for who in (own, bench.as_key("root")):
        refused = await bench.command(number, "decide_extension", {"granted": True}, **who)
        assert refused.status_code == 403
    before = at((await bench.clock_of(number, "solution"))["due_at"])
    case = await bench.do(number, "decide_extension", {"granted": True}, **bench.as_staff("su"))

    assert case["extension"] is None
    assert at((await bench.clock_of(number, "solution"))["due_at"]) - before == 2 * DAY
    [told] = await bench.said(subject, ClockExtended)
    assert (told.clock.name, told.was_due_at) == ("solution", before)

    await bench.advance(5 * DAY)
    late = await bench.command(number, "ask_extension", ask, **bench.as_staff("an"))
    assert (late.status_code, late.json()["errors"][0]["code"]) == (409, "late")


async def test_the_regulators_deadline_runs_from_receipt_and_only_the_authority_puts_it_off(
    bench: Bench,
) -> None:
    due = bench.clock.now() + 5 * DAY
    regulator = Regulator(authority="12345", number="HZ-1", due_at=due)
    _, number = await bench.assigned(channel="regulator", regulator=regulator)
    await bench.do(number, "accept", **bench.as_staff("an"))
    ask = {"clock": "regulator", "by": "3d", "reason": "案情复杂"}

    bare = await bench.command(number, "ask_extension", ask, **bench.as_staff("an"))
    assert (bare.status_code, bare.json()["errors"][0]["field"]) == (409, "basis")
    with_basis = ask | {"basis": "12345 平台同意延期"}
    await bench.do(number, "ask_extension", with_basis, **bench.as_staff("an"))
    await bench.do(number, "decide_extension", {"granted": True}, **bench.as_staff("su"))

    clock = await bench.clock_of(number, "regulator")
    assert at(clock["due_at"]) == at(clock["statutory_due_at"])
    assert at(clock["due_at"]) == at("2026-03-11T00:00:00+08:00")
    [explained] = [one for one in await clocks(bench, number) if one["name"] == "regulator"]
    assert "12345" in explained["rule"]


async def test_recorded_steps_stop_clocks_that_somebody_had_run(bench: Bench) -> None:
    _, number = await bench.assigned(severity="high")
    await bench.do(number, "accept")
    wrong = await bench.command(number, "start_clock", {"clock": "solution", "reason": "x"})
    assert wrong.status_code == 422
    await bench.do(number, "start_clock", {"clock": "site_visit", "reason": "电话无法说明"})
    unknown = await bench.command(number, "mark", {"step": "flown"})
    assert unknown.status_code == 422
    visitors = [{"role": "quality", "account": "an"}, {"role": "service", "account": "bo"}]
    going = {"visit_at": (bench.clock.now() + HOUR).isoformat(), "visitors": visitors}
    case = await bench.do(number, "plan_visit", going)
    await bench.advance(2 * HOUR)
    seen = bench.clock.now()

    visit = {"visit": case["visits"][0]["id"], "findings": "已到现场"}
    await bench.do(number, "record_visit", visit)

    clock = await bench.clock_of(number, "site_visit")
    assert (clock["state"], at(clock["met_at"])) == ("met", seen)


@pytest.mark.req("R-093")
@pytest.mark.req("R-153")
async def test_an_escalation_nobody_takes_note_of_climbs_and_one_that_is_taken_stays(
    bench: Bench,
) -> None:
    subject, number = await bench.assigned(severity="high")
    none = await bench.command(number, "take_escalation")
    assert none.status_code == 409
    await bench.do(number, "accept")
    await bench.do(number, "contact")
    await bench.do(number, "ask_supervisor", {"reason": "没人理"})
    assert (await bench.case(number))["escalation_level"] == 2

    await bench.advance(5 * HOUR)  # the supervisor had four
    raised = [(one.escalation_level, one.what) for one in await bench.said(subject, CaseEscalated)]
    assert raised == [(2, "customer_asks"), (3, "not_taken")]
    refused = await bench.command(number, "take_escalation", {}, **bench.as_staff("an"))
    assert refused.status_code == 403
    case = await bench.do(number, "take_escalation", {"note": "我来跟"}, **bench.as_staff("su"))
    assert case["taken_level"] == 3
    await bench.do(number, "reply", {"text": "正在核查"})
    await bench.advance(20 * HOUR)

    assert (await bench.case(number))["escalation_level"] == 3


@pytest.mark.req("R-093")
async def test_a_deadline_is_noticed_once_though_that_breaks_off_and_the_clock_jumps_ahead_and_back(
    bench: Bench,
) -> None:
    subject, number = await bench.assigned(severity="high")
    reached: list[str] = []

    def break_off(point: str) -> None:
        if point == "timers.after_claim" and not reached:
            reached.append(point)
            raise ValueError("on purpose: what was claimed is rolled back")

    faults.install(break_off)
    try:
        await bench.advance(3 * HOUR)  # over the first contact, due after two
    finally:
        faults.install(None)
    await bench.advance(-2 * HOUR)
    back = await bench.clock_of(number, "first_contact")
    await bench.advance(2 * HOUR)

    assert reached
    assert back["state"] == "breached"
    breached = [one.clock.name for one in await bench.said(subject, ClockBreached)]
    assert breached == ["first_contact"]


async def test_urging_and_supervision_are_counted(bench: Bench) -> None:
    _, number = await bench.assigned()
    await bench.do(number, "urge", {"text": "客户来电催办"})
    await bench.do(number, "urge", {"text": "again"}, **bench.as_staff("cai"))
    due = (bench.clock.now() + DAY).isoformat()
    refused = await bench.command(number, "supervise", {"reason": "x"}, **bench.as_staff("an"))
    assert refused.status_code == 403

    order = {"reason": "市局督办", "due_at": due}
    case = await bench.do(number, "supervise", order, **bench.as_staff("su"))

    assert (case["urged"], case["supervised"]) == (2, 1)
    assert at(case["supervised_until"]) == at(due)


async def test_an_unknown_version_of_the_pack_is_refused_and_a_known_one_is_on_record(
    bench: Bench,
) -> None:
    _, number = await bench.assigned()
    unknown = await bench.command(number, "adopt_pack", {"pack_version": "9.9", "reason": "x"})
    assert unknown.status_code == 422, unknown.text
    assert unknown.json()["errors"][0]["field"] == "pack_version"
    before = (await bench.case(number))["clocks"]
    version = bench.environment.policy.in_force("root", bench.clock.now())[1]

    order = {"pack_version": version, "reason": "按新标准"}
    await bench.do(number, "adopt_pack", order, **bench.as_staff("su"))

    assert (await bench.case(number))["clocks"] == before
    told = (await bench.get(f"/cases/{number}/timeline")).json()["items"]
    assert [(one["fact"], one["by"]) for one in told if one["fact"] == "pack_adopted"] == [
        ("pack_adopted", "account/su")
    ]
