"""One cause behind many complaints: members, bulletins, one result for all; each case keeps clocks and closing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.followup.model.chain import Head
from services.followup.policy import clocks
from services.followup.policy.case import fold
from services.followup.policy.telling import whole
from services.followup.store import clock_facts_of, facts_of, find
from services.followup.store import incidents as rows
from services.followup.usecases import cascading
from services.followup.usecases.audit import broken_link
from services.followup.usecases.cascading import carry
from shared.contracts.followup import CaseChanged, CaseEscalated, CaseResolved
from shared.contracts.incidents import (
    IncidentBulletin,
    IncidentClosed,
    IncidentOpened,
    IncidentUpdated,
)
from shared.ids import new_id
from tests.service.followup.bench import received, understood
from tests.service.followup.together import (
    BULLETIN,
    TITLE,
    ask,
    do,
    gone_on,
    led,
    members,
    opened,
    post,
    solution,
    warning,
)

if TYPE_CHECKING:
    from tests.service.followup.bench import Bench

HOUR = timedelta(hours=1)


async def told(bench: Bench, complaint: str) -> list[IncidentBulletin]:
    """The copies of bulletins for one member alone."""
    return await bench.said(complaint, IncidentBulletin)


@pytest.mark.req("R-094")
async def test_staff_open_an_incident_and_take_it_to_its_report(bench: Bench) -> None:
    (first, number), (_, other) = await bench.assigned(), await bench.assigned()
    clocks_before = (await bench.case(number))["clocks"]
    made = await opened(bench, number, other)
    id_ = made["id"]

    assert (made["state"], made["members"], made["origin"]) == ("open", 2, "staff")
    assert [one["number"] for one in await members(bench, id_)] == [number, other]
    case = await bench.case(number)
    assert case["incident"]["id"] == id_
    assert case["clocks"] == clocks_before
    await led(bench, id_)
    planned = {"objects": [{"object": "8号楼电梯"}, {"object": "10号楼电梯", "place": "东侧"}]}
    await do(bench, id_, "plan_inspections", planned)
    listed = (await bench.get(f"/incidents/{id_}/inspections")).json()["items"]
    await do(bench, id_, "record_inspection",
             {"inspection": listed[0]["id"], "faulty": True, "finding": "钢丝绳磨损"})  # fmt: skip
    await do(bench, id_, "investigate")
    await gone_on(bench)
    assert (await bench.case(number))["incident"]["state"] == "investigating"
    await do(bench, id_, "solve", solution(bench))
    await gone_on(bench)

    for one in (number, other):
        case = await bench.case(one)
        assert (case["state"], case["outcome"], case["incident"]["state"]) == (
            "resolved", "upheld", "solved",
        )  # fmt: skip
    early = await ask(bench, id_, "close", {"summary": "部件磨损"})
    assert early.status_code == 409
    assert [one["field"] for one in early.json()["errors"]] == ["cause", "inspections"]
    await do(bench, id_, "record_inspection",
             {"inspection": listed[1]["id"], "faulty": False, "finding": "正常"})  # fmt: skip
    await do(bench, id_, "find_cause", {"code": "equipment", "text": "磨损", "preliminary": False})
    closed = await do(bench, id_, "close", {"summary": "部件磨损", "prevention": "缩短检查周期"})
    await gone_on(bench)

    assert closed["inspections"] == {"objects": 2, "done": 2, "faulty": 1}
    report = (await bench.get(f"/incidents/{id_}/report")).json()
    assert report["incident"]["report"]["summary"] == "部件磨损"
    assert report["counts"]["membership"] == {"in": 2}
    assert report["counts"]["case_state"] == {"resolved": 2}
    assert [(one["state"], one["reached"], one["is_open"]) for one in report["moves"]] == [
        ("investigating", 2, False), ("solved", 2, False), ("closed", 2, False),
    ]  # fmt: skip
    said = await bench.said(id_)
    assert (type(said[0]), type(said[-1])) == (IncidentOpened, IncidentClosed)
    versions = [body.version for body in said if not isinstance(body, IncidentBulletin)]
    assert versions == list(range(1, len(versions) + 1))
    assert len(await bench.said(first, CaseResolved)) == 1
    assert (await bench.case(number))[
        "state"
    ] == "resolved"  # its callback and its closing are its own


async def test_what_a_move_does_to_a_case_is_what_its_facts_fold_into(bench: Bench) -> None:
    complaint, number = await bench.assigned()
    id_ = (await opened(bench, number))["id"]
    await do(bench, id_, "investigate")
    await do(bench, id_, "act")
    await gone_on(bench)

    async with bench.service.database.reading() as connection:
        facts = [one for one, _ in await facts_of(connection, complaint)]
        about = [one for one, _ in await clock_facts_of(connection, complaint)]
        row: Any = await find(connection, number)
        broken = await broken_link(connection, complaint, Head(row.links, row.seal))
    kept = CaseChanged.model_validate(row.body)
    case = fold(facts)
    assert case is not None
    again = whole(case, clocks.read(about), version=kept.version, by=kept.by, what=kept.what)

    assert again == kept
    assert kept.incident is not None
    assert kept.incident.state == "acting"
    assert broken is None
    states = [body.incident and body.incident.state for body in await bench.said(complaint)
              if isinstance(body, CaseChanged)]  # fmt: skip
    assert states[-3:] == ["open", "investigating", "acting"]


@pytest.mark.req("R-127")
async def test_a_warning_opens_one_incident_and_later_complaints_of_its_sign_join(
    bench: Bench,
) -> None:
    made = [await bench.assigned(area="330106") for _ in range(3)]
    raised = warning(*(one for one, _ in made[:2]))
    for _ in range(2):
        await bench.tell(raised, subject=raised.warning_id)
    again = warning(made[2][0], warning_id=new_id())
    again = again.model_copy(update={"complaints": (made[2][0], made[1][0])})
    await bench.tell(again, subject=again.warning_id)
    await gone_on(bench)

    [found] = (await bench.get("/incidents?open=true")).json()["items"]
    assert (found["origin"], found["members"], found["sign"]) == (
        "warning", 3, {"by": "area", "value": "330106"},
    )  # fmt: skip
    _, later = await bench.assigned(area="330106")
    _, elsewhere = await bench.assigned(area="330107")
    await gone_on(bench)
    assert [one["number"] for one in await members(bench, found["id"])] == [
        *(number for _, number in made), later,
    ]  # fmt: skip
    assert (await bench.case(elsewhere))["incident"] is None


async def test_a_warning_of_work_or_of_one_person_opens_nothing(bench: Bench) -> None:
    complaints = [(await bench.assigned())[0] for _ in range(2)]
    for more in ({"measure": "breach_rate"}, {"shared": {"complainant": "c1"}}):
        raised = warning(*complaints, **more)
        await bench.tell(raised, subject=raised.warning_id)

    assert (await bench.get("/incidents")).json()["items"] == []


async def test_who_shows_the_sign_joins_once_it_is_known_to_be_of_the_category(
    bench: Bench,
) -> None:
    made = await opened(
        bench, sign={"by": "batch_no", "value": "B-7"}, categories=["GEN-SVC"], is_candidate=True
    )
    same, other = new_id(), new_id()
    bodies = {one: received(bench.clock.now(), batch_no="B-7") for one in (same, other)}
    for subject, body in bodies.items():
        await bench.tell(body, subject=subject)
    await gone_on(bench)
    assert await members(bench, made["id"]) == []

    for subject, code in ((same, "GEN-SVC"), (other, "GEN-RFD")):
        said = understood(bodies[subject].number, bench.clock.now())
        [category] = said.categories
        said = said.model_copy(update={"categories": (category.model_copy(update={"code": code}),)})
        await bench.tell(said, subject=subject)
    bench.clock.advance(timedelta(seconds=6))
    await gone_on(bench)

    assert made["origin"] == "candidate"
    assert [one["complaint"] for one in await members(bench, made["id"])] == [same]
    [out] = await members(bench, made["id"], state="out")
    assert (out["complaint"], out["reason"]) == (other, "category")


async def test_a_warning_may_name_what_nobody_has_received_yet(bench: Bench) -> None:
    early, here = new_id(), (await bench.assigned())[0]
    raised = warning(early, here, shared={})
    await bench.tell(raised, subject=raised.warning_id)
    await gone_on(bench)
    [found] = (await bench.get("/incidents")).json()["items"]
    assert found["members"] == 1

    await bench.tell(received(bench.clock.now()), subject=early)
    bench.clock.advance(timedelta(minutes=6))
    await gone_on(bench)

    assert [one["complaint"] for one in await members(bench, found["id"])] == [here, early]


@pytest.mark.req("R-100")
async def test_a_bulletin_is_said_once_and_who_joins_late_has_the_last_one_as_a_copy(
    bench: Bench,
) -> None:
    made = [await bench.assigned() for _ in range(3)]
    numbers = [number for _, number in made]
    id_ = (await opened(bench, numbers[0]))["id"]
    await do(bench, id_, "tell", BULLETIN)
    after = await do(bench, id_, "tell", {"zh": "预计18点恢复", "en": "Back at 18:00"})
    await do(bench, id_, "attach", {"numbers": numbers[1:2]})
    await do(bench, id_, "attach", {"numbers": numbers[:2]})
    await do(bench, id_, "detach", {"numbers": numbers[1:2], "reason": "另一部电梯"})
    await do(bench, id_, "attach", {"numbers": numbers[1:2]})

    assert after["bulletins"] == 2
    assert len(await bench.said(id_, IncidentBulletin)) == 2
    assert await told(bench, made[0][0]) == []
    copies = await told(bench, made[1][0])
    assert {one.bulletin_id for one in copies} == {
        (await bench.said(id_, IncidentBulletin))[-1].bulletin_id
    }
    assert copies[0].only is not None
    assert (copies[0].only.number, copies[0].only.language) == (numbers[1], "zh")
    listed = (await bench.get(f"/incidents/{id_}/bulletins")).json()["items"]
    assert [one["zh"] for one in listed] == ["预计18点恢复", BULLETIN["zh"]]


async def test_who_joins_what_is_solved_is_resolved_with_all_and_what_was_begun_is_finished_alone(
    bench: Bench,
) -> None:
    (_, begun), (_, plain), (_, late) = [await bench.assigned() for _ in range(3)]
    (critical, hurt) = await bench.assigned(severity="critical")
    from tests.service.followup.steps import propose, work_out

    await work_out(bench, begun)
    await propose(bench, begun)
    id_ = (await opened(bench, begun, plain, hurt))["id"]
    await led(bench, id_)
    await do(bench, id_, "solve", solution(bench))
    await gone_on(bench)
    await do(bench, id_, "attach", {"numbers": [late]})

    lacks = {one["number"]: one["lacks"] for one in await members(bench, id_)}
    assert lacks[plain] is None
    assert lacks[begun] == ["answered"]
    assert lacks[hurt] == ["critical_apologised", "critical_cause", "critical_solution"]
    assert (await bench.case(begun))["state"] == "solution_proposed"
    assert (await bench.case(hurt))["incident"]["state"] == "solved"
    assert (await bench.case(late))["outcome"] == "upheld"
    [move] = (await bench.get(f"/incidents/{id_}/report")).json()["moves"]
    assert (move["reached"], move["blocked"]) == (3, 2)
    assert await bench.said(critical, CaseResolved) == []


async def test_a_complaint_is_part_of_one_open_incident_at_a_time(bench: Bench) -> None:
    _, number = await bench.assigned()
    first, second = (await opened(bench, number))["id"], (await opened(bench))["id"]

    refused = await ask(bench, second, "attach", {"numbers": [number]})
    await do(bench, first, "detach", {"numbers": [number], "reason": "不是同一原因"})
    await do(bench, second, "attach", {"numbers": [number]})

    assert refused.status_code == 409
    assert first in refused.json()["detail"]
    assert (await bench.case(number))["incident"]["id"] == second
    assert await members(bench, first) == []


@pytest.mark.req("R-093")
async def test_a_group_of_ten_goes_up_the_ladder_by_the_one_that_stands_for_it(
    bench: Bench,
) -> None:
    made = [await bench.assigned() for _ in range(10)]
    id_ = (await opened(bench, *(number for _, number in made[:9])))["id"]
    assert (await bench.case(made[0][1]))["escalation_level"] == 1
    await do(bench, id_, "attach", {"numbers": [made[9][1]]})

    levels = [(await bench.case(number))["escalation_level"] for _, number in made]
    assert levels == [4] + [1] * 9
    [up] = await bench.said(made[0][0], CaseEscalated)
    assert up.what == "group_of_10"


async def test_what_is_wrong_is_refused_and_nothing_is_kept(bench: Bench) -> None:
    _, number = await bench.assigned()
    id_ = (await opened(bench, number))["id"]

    assert (await ask(bench, id_, "attach", {"numbers": ["none"]})).status_code == 422
    assert (await ask(bench, id_, "tell", {"zh": "只有中文"})).status_code == 422
    assert (await ask(bench, id_, "form_team", {"lead": "nobody"})).status_code == 422
    assert (await ask(bench, id_, "find_cause", {"code": "x", "text": "x"})).status_code == 422
    assert (await ask(bench, "none", "investigate")).status_code == 404
    assert (await ask(bench, id_, "investigate", **{"If-Match": '"9"'})).status_code == 412
    solving = await ask(bench, id_, "solve", solution(bench))
    assert (solving.status_code, solving.json()["errors"][0]["field"]) == (409, "lead")
    path = f"/incidents/{id_}/commands/investigate"
    assert (await post(bench, path, {})).status_code == 428
    an = bench.as_staff("an")
    assert (await post(bench, path, {}, who=an | {"If-Match": "*"})).status_code == 403
    late = {"by": (bench.clock.now() - HOUR).isoformat()}
    assert (await ask(bench, id_, "tell", BULLETIN | late)).status_code == 422
    assert (await bench.get(f"/incidents/{id_}")).json()["version"] == 2


async def test_a_retry_under_one_key_does_nothing_twice(bench: Bench) -> None:
    key = bench.as_key("root") | {"Idempotency-Key": "once"}
    first = await post(bench, "/incidents", TITLE, who=key)
    again = await post(bench, "/incidents", TITLE, who=key)
    id_ = first.json()["id"]
    for _ in range(2):
        answer = await ask(bench, id_, "tell", BULLETIN, **{"Idempotency-Key": "bulletin"})
        assert answer.status_code == 200

    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(await bench.said(id_, IncidentBulletin)) == 1
    other = await post(bench, "/incidents", TITLE | {"zh": "别的"}, who=key)
    assert other.status_code == 422


async def test_another_unit_s_incident_and_complaints_are_not_there(bench: Bench) -> None:
    _, mine = await bench.assigned(unit="north")
    _, other = await bench.assigned(unit="south")
    north = bench.as_key("north")
    made = await post(bench, "/incidents", TITLE | {"numbers": [mine]}, who=north)
    id_ = made.json()["id"]

    both = await post(bench, "/incidents", TITLE | {"numbers": [other]}, who=north)
    assert both.status_code == 422
    south = bench.as_key("south")
    for path in (f"/incidents/{id_}", f"/incidents/{id_}/members", f"/incidents/{id_}/report"):
        answer = await bench.client.get(f"/followup/v1{path}", headers=south)
        assert answer.status_code == 404, path
    listed = await bench.client.get("/followup/v1/incidents", headers=south)
    assert listed.json()["items"] == []
    refused = await ask(bench, id_, "attach", {"numbers": [other]})
    assert refused.status_code == 422
    raised = warning(
        (await bench.assigned(unit="south"))[0], (await bench.assigned(unit="north"))[0]
    )
    await bench.tell(raised, subject=raised.warning_id, unit="north")
    await gone_on(bench)
    [found] = [one for one in (await bench.get("/incidents")).json()["items"] if one["id"] != id_]
    assert [one["unit"] for one in await members(bench, found["id"])] == ["north"]


async def test_pages_reach_everybody_once_whoever_did_them_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cascading, "PAGE", 3)
    made = [await bench.assigned() for _ in range(7)]
    id_ = (await opened(bench, *(number for _, number in made)))["id"]
    await do(bench, id_, "investigate")
    await do(bench, id_, "act")
    async with bench.service.database.reading() as connection:
        [stale] = await rows.open_moves(connection)
    await gone_on(bench)
    # Another process that read the same page before does it again.
    page = {one: at for at, (one, _) in enumerate(made[:3], start=1)}
    await bench.service.database.run(
        lambda tx: carry(tx, bench.service.context, stale, page, is_last=False)
    )

    for complaint, _ in made:
        said = [
            body.incident.state
            for body in await bench.said(complaint, CaseChanged)
            if body.incident
        ]
        assert said == ["open", "investigating", "acting"]
    moves = (await bench.get(f"/incidents/{id_}/report")).json()["moves"]
    assert [one["reached"] for one in moves] == [7, 7]
    assert {one["seen"] for one in await members(bench, id_, limit="2")} == {2}


async def test_a_grave_case_that_is_not_solved_in_two_working_days_is_heard_of_higher_up(
    bench: Bench,
) -> None:
    complaint, number = await bench.assigned(severity="high")
    _, solved = await bench.assigned(severity="high")
    await bench.resolved(solved)
    await bench.do(number, "accept")
    await bench.do(number, "contact", {"restated": True})
    # Its clocks stand still: nothing but that it is not solved brings it up.
    await bench.do(number, "pause_clocks", {"reason": "waiting_customer"})

    for _ in range(5):
        await bench.advance(timedelta(hours=12))
        await bench.do(number, "contact", {"restated": True})

    assert [one.what for one in await bench.said(complaint, CaseEscalated)] == ["high_unsolved_2wd"]
    assert (await bench.case(number))["escalation_level"] == 3


async def test_updates_count_the_members(bench: Bench) -> None:
    _, number = await bench.assigned()
    id_ = (await opened(bench))["id"]
    await do(bench, id_, "attach", {"numbers": [number]})
    await do(bench, id_, "detach", {"numbers": [number], "reason": "误加"})

    said = await bench.said(id_, IncidentUpdated)
    assert [(one.what, one.members, one.joined) for one in said] == [
        ("attach", 1, 1), ("detach", 0, 1),
    ]  # fmt: skip
