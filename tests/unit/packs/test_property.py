"""The property pack: its scenarios come out, and the facts of the trade stand in it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.packs.model import SEVERITIES
from tests.unit.packs.industry import due, limit, pack_of, read

PLAYGROUND = "小区儿童区护栏断了、旁边路灯也不亮,报修三天没人来,孩子差点摔了"
FEE = "物业费凭什么从1.8涨到2.3,公摊也看不懂,要求公开账目"
TRAPPED = "我被困在9号楼电梯里,十几分钟了,对讲没人应,我有心脏病!"
WATER = (
    "Your staff turned off our water because the management fee is in dispute. "
    "There is a baby here. I am calling 12345."
)


@pytest.mark.parametrize(
    ("text", "category", "severity", "team", "cues"),
    [
        (PLAYGROUND, "PRP-REP", "critical", "engineering", {"minor_child", "hazard", "repeat"}),
        (FEE, "PRP-FEE", "normal", "finance", set()),
        (FEE + "，再不公开我打12345", "PRP-FEE", "high", "finance", {"regulator"}),
        (TRAPPED, "PRP-LFT", "critical", "engineering", {"trapped_now", "vulnerable"}),
        (WATER, "PRP-UTL", "high", "engineering", {"minor_child", "regulator"}),
    ],
)
def test_the_scenarios_come_out(
    text: str, category: str, severity: str, team: str, cues: set[str]
) -> None:
    understanding = read("property", text)

    assert understanding.kind == "complaint"
    assert understanding.category == category
    assert not understanding.unsure
    assert (understanding.severity, understanding.team) == (severity, team)
    assert cues <= {cue.id for cue in understanding.cues}


@pytest.mark.req("R-044")
def test_the_four_types_of_property_complaints_are_the_groups() -> None:
    groups: dict[str, set[str]] = {}
    for category in pack_of("property").taxonomy:
        if category.code.startswith("PRP-"):
            groups.setdefault(category.group, set()).add(category.code.removeprefix("PRP-"))

    assert groups == {
        "service": {"CLN", "SEC", "GRN", "ATT"},
        "product": {"REP", "LFT", "LEK", "UTL"},
        "charge": {"FEE", "FND"},
        "management": {"FIR", "OBJ", "NOI", "PRK", "PET", "MGT"},
        "general": {"OTH"},
    }


@pytest.mark.parametrize(
    ("clock", "severity", "start", "expected"),
    [
        ("made_safe", "critical", "2026-03-06T18:20", "2026-03-06 19:20"),
        ("repaired", "critical", "2026-03-06T18:20", "2026-03-07 18:20"),
        ("fee_explanation", "normal", "2026-03-04T10:00", "2026-03-07 18:00"),
        ("fee_forum", "normal", "2026-03-04T10:00", "2026-03-14 18:00"),
        ("lift_own_staff", "critical", "2026-03-08T23:10", "2026-03-08 23:20"),
        ("lift_rescue", "critical", "2026-03-08T23:10", "2026-03-08 23:40"),
        ("first_contact", "critical", "2026-03-08T23:10", "2026-03-08 23:15"),
        ("first_contact", "high", "2026-03-04T10:00", "2026-03-04 10:30"),
        ("supply_back", "high", "2026-03-04T10:00", "2026-03-04 12:00"),
        ("first_contact", "normal", "2026-03-04T18:00", "2026-03-05 10:00"),
        ("statutory", "normal", "2026-03-04T10:00", "2026-03-12 00:00"),
    ],
)
def test_the_deadlines_of_the_scenarios_are_kept(
    clock: str, severity: str, start: str, expected: str
) -> None:
    assert due("property", clock, severity, start) == expected  # type: ignore[arg-type]


def test_the_law_s_limit_stands_beside_the_promise() -> None:
    pack = pack_of("property")

    assert limit("property", "lift_rescue", "critical", "2026-03-08T23:10") == "2026-03-08 23:40"
    assert str(pack.clock("lift_rescue_elsewhere").statutory_term) == "60m"
    assert pack.clock("lift_rescue").verify
    assert str(pack.clock("statutory").statutory_term) == "15d"
    assert pack.clock("statutory").statutory_source == "G-4"


@pytest.mark.parametrize(
    ("clock", "terms"),
    [
        ("first_contact", ["1wd", "4wh", "30m", "5m"]),
        ("on_site", ["2wd", "4h", "30m", "15m"]),
        ("repaired", ["5wd", "24h", "24h", "24h"]),
        ("fee_explanation", ["5wd", "3wd", "1wd", "1wd"]),
        ("noise_stop", [None, "1h", "30m", "30m"]),
        ("solution", ["7wd", "3wd", "1wd", "12h"]),
        ("closure", ["10wd", "5wd", "3wd", "2wd"]),
        ("callback", ["5wd", "2wd", "1wd", "24h"]),
        ("recurrence_check", ["7d"] * 4),
    ],
)
def test_the_clocks_promise_what_the_facts_say(clock: str, terms: list[str | None]) -> None:
    found = [pack_of("property").clock(clock).target(severity) for severity in SEVERITIES]

    assert [str(term) if term else None for term in found] == terms


def test_a_hotline_s_order_has_clocks_of_its_own() -> None:
    pack = pack_of("property")

    for name, term in (("hotline_contact", "2h"), ("hotline_answer", "7d")):
        assert pack.clock(name).channels == ("regulator",)
        assert str(pack.clock(name).target("normal")) == term


def test_the_facts_of_the_trade_stand_in_the_pack() -> None:
    pack = pack_of("property")

    assert len([one for one in pack.taxonomy if one.code.startswith("PRP-")]) == 17
    assert pack.thresholds.large_amount == Decimal(5000)
    assert [one.up_to for one in pack.remedy("PRP-C1").approvals] == [200, 2000, None]
    assert "30%" in pack.remedy("PRP-C1").amount.zh  # type: ignore[union-attr]
    assert [one.up_to for one in pack.remedy("PRP-C4").approvals] == [5000, None]
    assert {rule.id for rule in pack.early_warning} >= {f"PRP-E{n}" for n in range(1, 8)}
    cut = next(hint for hint in pack.hints if hint.id == "utl_cut_for_fee")
    assert (cut.verdict, cut.categories) == ("upheld", ("PRP-UTL",))
    assert "944" in cut.reason.en
    assert pack.callback.second_check_after == "30d"
    assert pack.calendar_spec("quiet_hours").open == {"daily": ("00:00-06:00", "22:00-24:00")}


@pytest.mark.parametrize(
    ("text", "severity", "cue"),
    [
        ("昨晚我被狗咬了一口", "high", "dog_bite"),
        ("我孩子在楼下被狗咬了", "critical", "dog_bite_child"),
        ("My daughter was bitten by a neighbour's dog", "critical", "dog_bite_child"),
        ("楼道着火了，浓烟滚滚", "critical", "fire_now"),
        ("配电间进水了，还在漏", "critical", "water_into_live"),
        ("我妈被砸到头了，楼上掉的花盆", "critical", "falling_injury"),
        ("电梯突然往下掉，吓死人", "critical", "lift_drop"),
    ],
)
def test_danger_counts_whatever_it_is_about(text: str, severity: str, cue: str) -> None:
    understanding = read("property", text)

    assert understanding.severity == severity
    assert cue in {hit.id for hit in understanding.cues}
