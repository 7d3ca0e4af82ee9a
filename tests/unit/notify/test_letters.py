"""What people get to read, scenario by scenario: kept as text that a person has read."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.notify.model import Planned, Word, moment
from services.notify.policy.choose import customer, staff
from services.notify.policy.questions import missing
from services.notify.policy.wording import in_words
from shared.contracts.desk import PolicyAccount
from shared.contracts.followup import CallbackDue, CaseChanged
from shared.contracts.intake import ComplaintCodeRequested
from shared.contracts.values import (
    CaseClock,
    Decision,
    Owner,
    Promise,
    Reply,
    Resolution,
    Solution,
)
from shared.packs.letters import write_letter
from shared.packs.lints import remarks
from shared.packs.load import load_folder, shipped_folder
from tests.unit.notify.fillers import words
from tests.unit.notify.scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.packs.model import Pack
    from shared.packs.parts import Template

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
PACKS = ("generic", "power", "cement", "property", "catering", "ecommerce", "automotive")
NUMBER = "1234-5678-903"
SOLUTION = Solution.model_validate(
    {
        "round": 1, "proposed_at": NOW,
        "actions": [
            {"id": "a1", "what": "【第一件事】", "owner": "h", "due_at": NOW + timedelta(days=1)},
            {"id": "a2", "what": "【第二件事】", "owner": "h", "due_at": NOW + timedelta(days=2)},
        ],
    }
)  # fmt: skip
DECISION = Decision.model_validate(
    {"outcome": "upheld", "reason": "【认定的原因】", "by": "h", "decided_at": NOW}
)
HOLES = re.compile(r"\{\{|\}\}|None|（）|\(\)|“”|  |，，|。。|\[\]")


@cache
def pack_of(name: str) -> Pack:
    return load_folder(shipped_folder(), name)


def clock(name: str, hours: int) -> CaseClock:
    return CaseClock(
        name=name, state="running", started_at=NOW, due_at=NOW + timedelta(hours=hours)
    )


def case_of(scenario: Scenario, **more: object) -> CaseChanged:
    facts = {
        "number": NUMBER, "state": "assigned", "cycle": 1, "version": 2, "channel": "web", "language": "zh",
        "complainant_id": "c", "reachable": True, "kind": scenario.kind, "category": scenario.category,
        "severity": "critical" if scenario.cue else "normal", "owner": Owner(team="service", handler="h"),
        "received_at": NOW, "opened_at": NOW, "pack": scenario.pack, "pack_version": "1.0",
        "clocks": (clock("first_contact", 2), clock("solution", 48)),
    } | more  # fmt: skip
    return CaseChanged.model_validate(facts)


def life(scenario: Scenario) -> Iterator[Planned]:
    """Everything that a customer may get from receipt to closing."""
    pack, case = pack_of(scenario.pack), case_of(scenario)
    yield customer.acknowledgement(case, owner="王工", pack=pack, known=scenario.known)
    bare = case_of(scenario, clocks=())
    yield replace(
        customer.acknowledgement(bare, owner=None, pack=pack, known={}), purpose="no owner yet"
    )
    if advice := customer.safety(pack, number=NUMBER, cue=scenario.cue):
        yield advice
    yield from customer.of_case(case_of(scenario, state="investigating"))
    yield from customer.of_case(case_of(scenario, state="executing"))
    for reply in (
        {"questions": ("当时是几点？", "有照片吗？"), "template": "ask"},
        {"text": "【处理人写的话】"},
    ):
        said = Reply.model_validate({"id": "r", "replied_at": NOW} | reply)
        yield from customer.of_case(case_of(scenario, reply=said))
    yield from customer.of_case(
        case_of(scenario, state="solution_proposed", solutions=(SOLUTION,), decision=DECISION)
    )
    late = customer.at_risk(clock("solution", 48), number=NUMBER, fraction=0.8, owner="王工")
    later = customer.extended(clock("solution", 72), number=NUMBER, was_due_at=NOW, owner="王工")
    promised = Promise(id="p", what="【承诺的事】", due_at=NOW, made_at=NOW)
    yield from filter(None, (late, later))
    yield customer.broken(promised, number=NUMBER, owner=None)
    for outcome in ("upheld", "partly_upheld", "not_upheld"):
        told = {"reason": "【原因】", "remedy": "【补救】", "told_at": NOW, "resolved_at": NOW}
        said_ = Resolution.model_validate(told | {"outcome": outcome})
        yield from filter(None, [customer.result(case_of(scenario, resolution=said_))])
    for due in ({}, {"by": "link"}, {"second": True}):
        call = CallbackDue.model_validate({"number": NUMBER, "cycle": 1, "due_at": NOW} | due)
        yield from filter(None, [customer.callback(call, pack)])
    yield customer.closing(case, pack)
    yield replace(
        customer.closing(case_of(scenario, recourse=("supervisor", "12315")), pack),
        purpose="closed, not agreed",
    )
    yield customer.closing(case_of(scenario, state="withdrawn"), pack)
    again = customer.acknowledgement(case_of(scenario, cycle=2), owner="王工", pack=pack, known={})
    yield replace(again, purpose="acknowledgement of the next cycle")
    asked = ComplaintCodeRequested.model_validate(
        {
            "number": NUMBER, "complainant_id": "c", "language": "zh", "pack": scenario.pack,
            "pack_version": "1.0", "requested_at": NOW,
        }
    )  # fmt: skip
    yield customer.code_again(asked, pack)
    told_all: dict[str, Word] = {
        "what": {"zh": "【通报的事】", "en": "【what happened】"},
        "next": {"zh": "【下一步】", "en": "【what comes next】"},
        "by": moment(NOW),
    }
    yield customer.bulletin("bulletin", told_all, id_="b", number=NUMBER, is_danger=False)


def written(planned: Planned, pack: Pack, language: str) -> str:
    values = {
        name: in_words(word, language=language, zone="Asia/Shanghai")
        for name, word in planned.variables.items()
    }
    values |= {
        "name": "王女士" if language == "zh" else "Ms Wang",
        "org": "示例公司" if language == "zh" else "Example Ltd",
    }
    values |= {"link": "https://x.example/1", "code": "K7M2"}
    template = pack.template(planned.letter)
    known = {name: value for name, value in values.items() if name in template.variables}
    letter = write_letter(template, language=language, values=known)
    return f"== {planned.purpose} ({planned.letter}, {language})\n{letter.subject}\n\n{letter.body}"


@pytest.mark.req("R-028")
@pytest.mark.req("R-052")
@pytest.mark.req("R-097")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.id)
def test_what_a_customer_reads_is_what_a_person_has_read_and_found_good(scenario: Scenario) -> None:
    pack = pack_of(scenario.pack)
    text = "\n".join(
        written(planned, pack, language) for planned in life(scenario) for language in ("zh", "en")
    )

    assert not HOLES.search(text), HOLES.search(text)
    must_be_as_read(scenario.id, text)


@pytest.mark.req("R-103")
@pytest.mark.parametrize("name", PACKS)
def test_every_letter_of_a_pack_reads_well_with_all_that_it_can_say_and_with_nothing(
    name: str,
) -> None:
    pack, inherited = pack_of(name), {one.id: one for one in pack_of("generic").templates}
    mine = [one for one in pack.templates if name == "generic" or one != inherited.get(one.id)]
    text = "\n".join(
        _read(template, language, is_full=is_full)
        for template in mine
        for language in ("zh", "en")
        for is_full in (True, False)
    )

    assert not HOLES.search(text), HOLES.search(text)
    must_be_as_read(f"pack-{name}", text)


def _read(template: Template, language: str, *, is_full: bool) -> str:
    known = words(template.id, template.variables if is_full else template.requires, language)
    letter = write_letter(template, language=language, values=known)
    head = f"== {template.id} ({language}, {'everything' if is_full else 'nothing'} known)"
    return f"{head}\n{letter.subject}\n\n{letter.body}"


def must_be_as_read(name: str, text: str) -> None:
    """The text is the one that a person has read and found good."""
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("REDRESS_WRITE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.id)
def test_every_template_can_be_written_for_every_scenario(scenario: Scenario) -> None:
    pack = pack_of(scenario.pack)
    case = case_of(scenario)
    planned = customer.acknowledgement(case, owner="王工", pack=pack, known=scenario.known)
    for template in pack.templates:
        for language in ("zh", "en"):
            known = words(template.id, template.variables, language) | {
                name: in_words(word, language=language, zone="Asia/Shanghai")
                for name, word in planned.variables.items()
                if name in template.variables
            }
            letter = write_letter(template, language=language, values=known)
            assert not HOLES.search(letter.subject + letter.body), template.id


@pytest.mark.req("R-050")
@pytest.mark.req("R-058")
@pytest.mark.req("R-073")
@pytest.mark.parametrize("name", PACKS)
def test_no_template_that_we_ship_sounds_wrong(name: str) -> None:
    assert list(remarks(pack_of(name))) == []


@pytest.mark.req("R-050")
@pytest.mark.req("R-053")
@pytest.mark.req("R-058")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("抱歉。这是您操作不当造成的。", "R-050"), ("按规定办理，请知悉。", "R-050"), ("我们承认违约。", "R-053"),
        ("因系统故障，请联系其他部门。", "R-073"), ("工单流转中。", "R-058"), ("长" * 301, "R-058"),
        ("您的户号是多少？非常抱歉。", "R-052"), ("{{ nothing }}", "nothing"), ("{% if %}", "line 2"),
    ],
)  # fmt: skip
def test_a_template_that_sounds_wrong_is_named_with_its_line(text: str, said: str) -> None:
    generic = pack_of("generic")
    template = generic.template("progress")
    letter = template.zh.model_copy(update={"body": f"您好：\n{text}\n"})
    bad = template.model_copy(update={"zh": letter})
    found = list(remarks(generic.model_copy(update={"templates": (bad,)})))

    assert any(said in one.message and one.template == "progress" for one in found), found


@pytest.mark.req("R-030")
def test_what_is_missing_is_asked_for_three_at_most_and_no_more_once_it_is_known() -> None:
    pack = pack_of("power")
    asked = missing(pack, "PWR-MTR", {})
    assert 0 < len(asked) <= 3
    references = [fact.id for fact in asked]
    later = missing(pack, "PWR-MTR", {"references": references})
    assert not {fact.id for fact in later} & set(references)
    assert missing(pack, None, {}) == ()


@pytest.mark.req("R-028")
def test_the_restatement_names_thing_place_and_time_and_is_nobody_s_own_text() -> None:
    scenario = next(one for one in SCENARIOS if one.id == "CAT-1")
    known = scenario.known | {"occurred_on": "2026-03-01"}
    planned = customer.acknowledgement(
        case_of(scenario), owner=None, pack=pack_of("catering"), known=known
    )
    said = planned.variables["restated"]
    assert isinstance(said, dict)
    for word in ("糖醋里脊", "西湖店"):
        assert word in said["zh"]
        assert word in said["en"]
    assert "2026年3月1日" in said["zh"]


@pytest.mark.req("R-106")
def test_the_apology_for_a_delay_is_ready_at_four_fifths_and_due_when_the_time_is_over() -> None:
    late = clock("solution", 48)
    assert customer.at_risk(late, number=NUMBER, fraction=0.5, owner=None) is None
    ready = customer.at_risk(late, number=NUMBER, fraction=0.8, owner=None)
    assert ready
    assert ready.not_before == late.due_at
    assert customer.at_risk(clock("triage", 1), number=NUMBER, fraction=1, owner=None) is None
    assert "delay.solution" in customer.superseded("resolved")
    promised = Promise(id="p", what="更换电表", due_at=NOW, made_at=NOW)
    assert (
        customer.broken(promise=promised, number=NUMBER, owner=None).variables["what"] == "更换电表"
    )


def account(id_: str, role: str, unit: str, *, active: bool = True) -> PolicyAccount:
    return PolicyAccount.model_validate(
        {"id": id_, "login": id_, "display": id_, "role": role, "unit": unit, "active": active}
    )


def test_the_nearest_unit_upwards_that_has_somebody_is_told() -> None:
    people = [
        account("a", "supervisor", "root"), account("b", "supervisor", "hangzhou"),
        account("c", "supervisor", "west", active=False), account("d", "handler", "west"),
    ]  # fmt: skip
    found = staff.nearest(people, "supervisor", ["west", "hangzhou", "root"])
    assert [one.id for one in found] == ["b"]
    assert staff.nearest(people, "watch", ["west", "root"]) == []


@pytest.mark.req("R-146")
def test_danger_goes_first_to_people_and_groups_and_to_the_customer_where_there_is_advice() -> None:
    pack = pack_of("automotive")
    advice = customer.safety(pack, number=NUMBER, cue="control_loss_driving")
    assert advice
    assert (advice.letter, advice.lane) == ("stop_driving_advice", 0)
    assert customer.safety(pack, number=NUMBER, cue="emotion_extreme") is None
    told = staff.danger(
        number=NUMBER,
        category="x",
        cue="y",
        people=[account("a", "watch", "root")],
        groups=["duty"],
    )
    assert [one.recipient for one in told] == ["staff/a", "group/duty"]
    assert {one.lane for one in told} == {0}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_staff_read_what_and_by_when(language: str) -> None:
    scenario, pack = SCENARIOS[0], pack_of("power")
    case = case_of(scenario, what="solution", escalation_level=2)
    late = clock("solution", 48)
    mine = staff.assigned(case, pack, {})
    near = staff.at_risk(late, number=NUMBER, fraction=0.8, handler="h", pack=pack)
    above = [account("s", "supervisor", "root")]
    assert mine
    assert near
    missed = staff.breached(late, number=NUMBER, handler="h", above=above, pack=pack)
    assert [one.recipient for one in missed] == ["staff/h", "staff/s"]
    assert staff.role_at(pack, 2) == "supervisor"
    for planned in (mine, near, *missed, *staff.escalated(case, pack, above)):
        text = written(planned, pack, language)
        assert NUMBER in text
        assert not HOLES.search(text)
    due = in_words(moment(late.due_at), language=language, zone="Asia/Shanghai")
    assert due in written(missed[0], pack, language)
