"""The power pack: its scenarios come out, and the facts of the trade stand in it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.packs.model import SEVERITIES
from tests.unit.packs.industry import due, limit, pack_of, plan_of, read

METER = (
    "我家户号3300112233,换了智能电表以后电费比去年同期多一倍,空调都没怎么开,怀疑电表走得快,"
    "要求校表,多收的钱要退。"
)
OXYGEN = "没接到任何催费通知就停电了,钱刚在微信交了,我妈在家吸氧,机器停了!"
STORM = "整栋楼没电一个多小时了,打了报修没人来修,家里有小孩"
BAKERY = (
    "The notice said power would be off 9:00–13:00 on Monday. It came back at 18:30. I run a small "
    "bakery and lost the whole afternoon. I want an explanation."
)


@pytest.mark.parametrize(
    ("text", "categories", "severity", "team", "cues"),
    [
        (METER, {"PWR-MTR"}, "normal", "metering", set()),
        (OXYGEN, {"PWR-ARR"}, "critical", "billing", {"life_support"}),
        (STORM, {"PWR-REP", "PWR-OUT"}, "high", "repair", {"minor_child"}),
        (BAKERY, {"PWR-PLN"}, "normal", "dispatch", set()),
    ],
)
def test_the_scenarios_come_out(
    text: str, categories: set[str], severity: str, team: str, cues: set[str]
) -> None:
    understanding = read("power", text)

    assert understanding.kind == "complaint"
    assert understanding.category in categories
    assert not understanding.unsure
    assert (understanding.severity, understanding.team) == (severity, team)
    assert cues <= {cue.id for cue in understanding.cues}


@pytest.mark.req("R-045")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("新电表不准，要求校表", "PWR-MTR"),
        ("抄表员抄错表了，读数不对", "PWR-RDG"),
        ("窗口的人态度恶劣，还挂电话", "PWR-ATT"),
        ("一分不欠却被欠费停电，催费短信也没有", "PWR-ARR"),
        ("你们施工把电缆沟挖开就不管了", "PWR-EQP"),
        ("报修三个小时没人来修", "PWR-REP"),
        ("营业厅排队一个小时，窗口少", "PWR-QUE"),
        ("计划停电没有提前通知", "PWR-PLN"),
    ],
)
def test_the_eight_focuses_of_power_complaints_are_told_apart(text: str, code: str) -> None:
    assert read("power", text).category == code


@pytest.mark.parametrize(
    ("clock", "severity", "start", "expected"),
    [
        ("first_contact", "normal", "2026-03-03T10:20", "2026-03-04 10:20"),
        ("meter_result", "normal", "2026-03-03T10:20", "2026-03-10 18:00"),
        ("solution", "normal", "2026-03-03T10:20", "2026-03-10 18:00"),
        ("first_contact", "critical", "2026-03-07T21:40", "2026-03-07 21:50"),
        ("reconnect_life_support", "critical", "2026-03-07T21:44", "2026-03-07 22:44"),
        ("reconnect", "high", "2026-03-07T21:44", "2026-03-08 21:44"),
        ("on_site", "high", "2026-03-06T19:05", "2026-03-06 19:50"),
        ("outage_progress", "high", "2026-03-06T19:50", "2026-03-06 21:50"),
        ("solution", "normal", "2026-03-03T09:10", "2026-03-10 18:00"),
        ("callback", "normal", "2026-03-03T15:00", "2026-03-04 20:30"),
    ],
)
def test_the_deadlines_of_the_scenarios_are_kept(
    clock: str, severity: str, start: str, expected: str
) -> None:
    assert due("power", clock, severity, start) == expected  # type: ignore[arg-type]


def test_the_law_s_limit_stands_beside_the_promise() -> None:
    assert limit("power", "on_site", "high", "2026-03-06T19:05") == "2026-03-06 20:05"
    assert limit("power", "on_site_rural", "high", "2026-03-06T19:05") == "2026-03-06 21:05"
    assert limit("power", "on_site_remote", "high", "2026-03-06T19:05") == "2026-03-06 23:05"
    assert limit("power", "answer_limit", "normal", "2026-03-03T10:20") == "2026-03-17 18:00"
    assert pack_of("power").clock("answer_limit").statutory_source == "P-5"
    assert pack_of("power").clock("answer_limit").verify


def test_a_late_crew_is_warned_of_before_the_promise_is_broken() -> None:
    plan = plan_of("power", "on_site", "high", "2026-03-06T19:05")

    assert 0.8 in pack_of("power").clock("on_site").warn_at
    assert plan.statutory_due_at is not None
    assert plan.due_at < plan.statutory_due_at


@pytest.mark.parametrize(
    ("clock", "terms"),
    [
        ("first_contact", ["2wd", "24h", "1h", "10m"]),
        ("site_visit", [None, "2wd", "24h", "45m"]),
        ("bill_answer", ["5wd", "5wd", "3wd", "2wd"]),
        ("reconnect", ["24h", "24h", "24h", "4h"]),
        ("solution", ["9wd", "5wd", "3wd", "24h"]),
        ("closure", ["10wd", "7wd", "5wd", "3wd"]),
        ("callback", ["5wd", "1wd", "1wd", "24h"]),
        ("connection_household", ["5wd"] * 4),
        ("connection_hv_dual", ["32wd"] * 4),
    ],
)
def test_the_clocks_promise_what_the_facts_say(clock: str, terms: list[str | None]) -> None:
    found = [pack_of("power").clock(clock).target(severity) for severity in SEVERITIES]

    assert [str(term) if term else None for term in found] == terms


def test_the_facts_of_the_trade_stand_in_the_pack() -> None:
    pack = pack_of("power")

    assert len([one for one in pack.taxonomy if one.code.startswith("PWR-")]) == 14
    assert pack.category("PWR-SAF").base_severity == "critical"
    assert pack.thresholds.large_amount == Decimal(2000)
    assert pack.thresholds.large_amount_business == Decimal(20000)
    assert [approval.up_to for approval in pack.remedy("PWR-C3").approvals] == [2000, 10000, None]
    assert pack.remedy("PWR-C3").verify
    assert "5倍" in pack.remedy("PWR-C4").amount.zh  # type: ignore[union-attr]
    assert pack.callback.sample["low"] == 1
    assert pack.downgrades[0].category == "PWR-SAF"
    assert {rule.id for rule in pack.early_warning} >= {f"PWR-E{n}" for n in range(1, 7)}
    assert "12398" in pack.escalation[-1].name.zh
    assert {"outage_notice", "bill_clarity"} <= {one.id for one in pack.survey.questions}


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("我儿子摸了一下路灯杆被电到了", "electric_shock"),
        ("路口有根高压线掉下来横在路上", "live_line_down"),
        ("The meter cabinet is smoking", "fire_smoke"),
        ("他靠呼吸机，停电了怎么办", "life_support"),
    ],
)
def test_danger_is_critical_whatever_it_is_about(text: str, cue: str) -> None:
    understanding = read("power", text)

    assert understanding.severity == "critical"
    assert cue in {hit.id for hit in understanding.cues} or cue == "live_line_down"
