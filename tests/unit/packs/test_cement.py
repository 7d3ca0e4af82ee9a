"""The cement pack: its scenarios come out, and the facts of the trade stand in it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.packs.model import SEVERITIES
from tests.unit.packs.industry import due, limit, pack_of, read

STRENGTH = "我是农村自建房的,用你们42.5水泥打的楼面起砂、强度不够,一踩一层灰,编号2509-031。"
WEIGHT = "拉了400袋,抽了20袋过磅才982公斤,袋重不足,给个说法。"
REPORT = "28天强度报告至今未收到,工地停工等报验,请今日内提供。"
RENDER_ZH = "墙面抹灰三天就鼓包开裂,编号A2511"
RENDER_EN = "Render made with lot A2511 is cracking and lifting everywhere."


@pytest.mark.parametrize(
    ("text", "category", "severity", "team", "cues"),
    [
        (STRENGTH, "CEM-STR", "high", "quality", set()),
        (WEIGHT, "CEM-WGT", "normal", "packing", set()),
        (REPORT, "CEM-CRT", "high", "service", {"work_stopped"}),
        (RENDER_ZH, "CEM-SND", "high", "quality", set()),
        (RENDER_EN, "CEM-SND", "high", "quality", set()),
    ],
)
def test_the_scenarios_come_out(
    text: str, category: str, severity: str, team: str, cues: set[str]
) -> None:
    understanding = read("cement", text)

    assert understanding.kind == "complaint"
    assert understanding.category == category
    assert not understanding.unsure
    assert (understanding.severity, understanding.team) == (severity, team)
    assert {cue.id for cue in understanding.cues} == cues


def test_the_laboratory_s_cases_need_who_can_test_cement() -> None:
    strength = read("cement", STRENGTH)
    attitude = read("cement", "业务员态度差，不接电话")

    assert strength.skills == {"gb175_test"}
    assert "gb175_test" in pack_of("cement").team("quality").skills
    assert "gb175_test" not in pack_of("cement").team("service").skills
    assert attitude.skills == frozenset()


@pytest.mark.req("R-046")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("试块强度不够，标号不够", "CEM-STR"),
        ("安定性不合格，全开裂了", "CEM-SND"),
        ("袋重不足，一袋不够50公斤", "CEM-WGT"),
        ("编号不清，喷码看不清", "CEM-LBL"),
        ("到货就结块受潮", "CEM-LMP"),
        ("落地灰重新装袋卖给我", "CEM-RPK"),
        ("车上少了几袋，数量不对", "CEM-SHT"),
        ("质保书一直不给", "CEM-CRT"),
        ("怀疑是假冒的，假水泥", "CEM-FAK"),
    ],
)
def test_every_defect_that_is_named_has_its_category(text: str, code: str) -> None:
    assert read("cement", text).category == code


@pytest.mark.req("R-046")
def test_the_five_types_of_cement_complaints_are_the_groups() -> None:
    groups = {category.group for category in pack_of("cement").taxonomy}

    assert groups >= {"performance", "packaging", "storage", "service", "other"}


@pytest.mark.parametrize(
    ("clock", "severity", "start", "expected"),
    [
        ("first_contact", "high", "2026-03-04T15:00", "2026-03-04 17:00"),
        ("on_site", "high", "2026-03-04T15:00", "2026-03-05 15:00"),
        ("on_site_far", "high", "2026-03-04T15:00", "2026-03-06 15:00"),
        ("samples_sealed", "high", "2026-03-04T15:00", "2026-03-06 15:00"),
        ("weight_settled", "normal", "2026-03-04T10:00", "2026-03-04 11:00"),
        ("certificate_electronic", "high", "2026-03-02T08:30", "2026-03-02 12:30"),
        ("certificate", "high", "2026-03-02T08:30", "2026-03-03 18:00"),
        ("first_contact", "normal", "2026-03-02T18:00", "2026-03-03 13:00"),
        ("callback", "high", "2026-03-04T15:00", "2026-03-05 20:30"),
    ],
)
def test_the_deadlines_of_the_scenarios_are_kept(
    clock: str, severity: str, start: str, expected: str
) -> None:
    assert due("cement", clock, severity, start) == expected  # type: ignore[arg-type]


def test_a_report_that_is_36_days_old_has_passed_the_standard_s_limit() -> None:
    dispatched = "2026-03-02T08:30"

    assert limit("cement", "report_28d", "high", dispatched) == "2026-04-04 00:00"
    assert limit("cement", "report_7d", "high", dispatched) == "2026-03-10 00:00"
    assert pack_of("cement").clock("report_28d").statutory_source == "C-4"
    assert pack_of("cement").clock("report_28d").verify


@pytest.mark.parametrize(
    ("clock", "terms"),
    [
        ("first_contact", ["2wd", "8wh", "2h", "30m"]),
        ("site_visit", [None, "3wd", "24h", "12h"]),
        ("preliminary_finding", ["10wd", "5wd", "3wd", "24h"]),
        ("solution", ["10wd", "5wd", "5wd", "48h"]),
        ("closure", ["15wd", "10wd", "7wd", "5wd"]),
        ("callback", ["5wd", "2wd", "1wd", "24h"]),
    ],
)
def test_the_clocks_promise_what_the_facts_say(clock: str, terms: list[str | None]) -> None:
    found = [pack_of("cement").clock(clock).target(severity) for severity in SEVERITIES]

    assert [str(term) if term else None for term in found] == terms


def test_the_facts_of_the_trade_stand_in_the_pack() -> None:
    pack = pack_of("cement")

    assert len([one for one in pack.taxonomy if one.code.startswith("CEM-")]) == 17
    assert pack.thresholds.large_amount == Decimal(20000)
    assert pack.thresholds.large_amount_business == Decimal(200000)
    assert pack.remedy("CEM-C5").minimum == Decimal(500)
    assert pack.callback.second_check_after == "28d"
    assert pack.pausing.cap == "35d"
    assert {rule.id for rule in pack.early_warning} >= {f"CEM-E{n}" for n in range(1, 8)}
    assert {"structure_at_risk", "re_bagged", "counterfeit"} <= set(pack.escalation[3].triggers)
    assert next(hint for hint in pack.hints if hint.id == "rpk_any").verdict == "upheld"
    assert all(hint.verdict == "upheld" for hint in pack.hints if hint.categories == ("CEM-RPK",))


def test_field_staff_settle_short_weight_on_the_spot_up_to_their_limit() -> None:
    approvals = pack_of("cement").remedy("CEM-C1").approvals

    assert [(one.role, one.up_to) for one in approvals] == [
        ("handler", Decimal(2000)),
        ("supervisor", Decimal(10000)),
    ]


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("大梁浇了以后一直开裂，用的你们水泥", "structure_at_risk"),
        ("新砌的墙倒了，灰缝一捏就碎", "collapse"),
        ("The caustic burn on his leg is third degree", "caustic_injury"),
    ],
)
def test_danger_is_critical_whatever_it_is_about(text: str, cue: str) -> None:
    understanding = read("cement", text)

    assert understanding.severity == "critical"
    assert cue in {hit.id for hit in understanding.cues}


def test_twenty_thousand_is_a_large_amount_for_a_rural_user() -> None:
    assert read("cement", "货款对不上，差了25000元，请退").severity == "high"
    assert read("cement", "货款对不上，差了15000元，请退").severity == "normal"
