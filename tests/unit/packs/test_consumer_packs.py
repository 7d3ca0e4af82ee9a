"""Catering, e-commerce, automotive: their scenarios come out, their facts stand in them, their examples are enough."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest

from services.followup.policy.rules import Rules
from services.routing.model import Understanding
from services.routing.policy.evidence import find_words, normalised
from services.routing.policy.understand import understand
from shared.packs.letters import write_letter
from shared.packs.load import load_folder, read_chain, shipped_folder
from shared.packs.model import SEVERITIES, Category, Examples, Pack, Severity
from shared.packs.wire import MAX_BYTES, chain_to_wire

PACKS = ("catering", "ecommerce", "automotive")
LATE_REFUND = (
    "You received my return on 1 November (tracking RT8812). Today is the 12th and there is still no"
    " refund of 899. I have asked three times."
)
SENT_AROUND = (
    "The dealer says call the manufacturer, the manufacturer says call the dealer. My car has waited"
    " 12 days for a part and I have no car. This is my third message."
)


@cache
def pack_of(name: str) -> Pack:
    return load_folder(shipped_folder(), name)


def read(pack: str, text: str, *, channel: str = "web") -> Understanding:
    language = "en" if text.isascii() else "zh"
    return understand(
        text=text, subject=None, fields={}, channel=channel, pack=pack_of(pack), language=language
    )


@pytest.mark.parametrize(
    ("text", "kind", "category", "severity", "team"),
    [
        (
            "这道糖醋里脊又酸又硬,味道不好,跟上次完全不一样。",
            "complaint", "CAT-TST", "normal", "kitchen",
        ),
        (
            "昨晚在你们店吃海鲜,我们四个人都上吐下泻,老人在医院输液,你们管不管?",
            "complaint", "CAT-PSN", "critical", "food_safety",
        ),
        (
            "结账多了茶位费、餐具费一共60,事先没告诉,菜单也没写,不退就打12315。",
            "complaint", "CAT-BIL", "high", "store",
        ),
        ("等了一个多小时才上菜,算了,下次不来了。", "grumble", "CAT-WAI", "low", "store"),
        (
            "订单E20251101778显示派送中已经四天了,快递一直没送,我急用!",
            "complaint", "ECM-DLY", "normal", "logistics",
        ),
        (
            "你们卖的充电宝充电时爆炸起火,我手烫伤去了医院,沙发烧了。",
            "complaint", "ECM-SAF", "critical", "quality",
        ),
        (LATE_REFUND, "complaint", "ECM-RFD", "high", "finance"),
        (
            "冒充你们客服打来,知道我的订单和地址,骗走我8600,客服电话13700000000。",
            "complaint", "ECM-PRI", "critical", "security",
        ),
        (
            "碰撞时安全气囊没有弹出,我额头缝了五针,车架号LSVAA…001234。",
            "complaint", "AUT-AIR", "critical", "technical_safety",
        ),
        (
            "高速上刹车失灵,踩到底都没用,差点出大事,车停在服务区,车上有孩子。",
            "complaint", "AUT-BRK", "critical", "technical_safety",
        ),
        (
            "同一故障变速箱顿挫修了五次,累计38天,要求按三包换车。",
            "complaint", "AUT-WAR", "high", "after_sales",
        ),
        (SENT_AROUND, "complaint", "AUT-PRT", "high", "parts"),
    ],
)  # fmt: skip
def test_the_scenarios_are_understood(
    text: str, kind: str, category: str, severity: str, team: str
) -> None:
    pack = {"CAT": "catering", "ECM": "ecommerce", "AUT": "automotive"}[category[:3]]

    found = read(pack, text)

    assert (found.kind, found.categories[0].code) == (kind, category)
    assert (found.severity, found.team) == (severity, team)
    assert not found.unsure


def test_a_lost_sum_decides_how_bad_a_fraud_was() -> None:
    less = read("ecommerce", "冒充你们客服打来，知道我的订单，骗走我300")

    assert less.severity == "high"
    assert [cue.id for cue in less.cues] == ["fraud_followed"]


def test_both_sides_of_a_car_owner_sent_around_are_among_the_first_three() -> None:
    found = read("automotive", SENT_AROUND)

    assert {candidate.code for candidate in found.categories} >= {"AUT-PRT", "AUT-ATT"}


def due(pack: str, clock: str, severity: Severity, start: str) -> tuple[datetime, datetime | None]:
    """When the clock is due, and its statutory limit."""
    rules = Rules(pack_of(pack), "Asia/Shanghai")
    plan = rules.plan(
        rules.pack.clock(clock), severity=severity, start=datetime.fromisoformat(start)
    )
    assert plan is not None
    return plan.due_at, plan.statutory_due_at


@pytest.mark.parametrize(
    ("pack", "clock", "severity", "start", "end"),
    [
        ("catering", "table_response", "normal", "2026-03-03T12:40+08:00", "2026-03-03T12:45+08:00"),
        ("catering", "first_contact", "critical", "2026-03-08T08:15+08:00", "2026-03-08T08:30+08:00"),
        ("catering", "food_sealed", "critical", "2026-03-08T08:15+08:00", "2026-03-08T08:45+08:00"),
        ("catering", "regulator_report", "critical", "2026-03-08T08:15+08:00", "2026-03-08T10:15+08:00"),
        ("catering", "solution", "high", "2026-03-03T20:00+08:00", "2026-03-04T20:00+08:00"),
        ("catering", "first_contact", "normal", "2026-03-03T20:00+08:00", "2026-03-04T12:00+08:00"),
        ("ecommerce", "carrier_check", "normal", "2026-03-02T14:00+08:00", "2026-03-03T14:00+08:00"),
        ("ecommerce", "redelivery", "normal", "2026-03-02T14:00+08:00", "2026-03-04T00:00+08:00"),
        ("ecommerce", "first_contact", "critical", "2026-03-02T03:00+08:00", "2026-03-02T03:15+08:00"),
        ("automotive", "first_contact", "critical", "2026-03-07T20:15+08:00", "2026-03-07T20:30+08:00"),
        ("automotive", "tow", "critical", "2026-03-07T20:15+08:00", "2026-03-07T22:15+08:00"),
        ("automotive", "evidence_secured", "critical", "2026-03-07T20:15+08:00", "2026-03-08T00:15+08:00"),
        ("automotive", "claim_answer", "critical", "2026-03-07T20:15+08:00", "2026-03-11T18:00+08:00"),
        ("automotive", "claim_answer", "high", "2026-03-02T10:00+08:00", "2026-03-09T18:00+08:00"),
        ("automotive", "spare_car", "high", "2026-03-02T10:00+08:00", "2026-03-04T00:00+08:00"),
    ],
)  # fmt: skip
def test_the_scenarios_are_due_when_the_facts_say(
    pack: str, clock: str, severity: Severity, start: str, end: str
) -> None:
    at, _ = due(pack, clock, severity, start)

    assert at == datetime.fromisoformat(end)


@pytest.mark.parametrize(
    ("pack", "clock", "severity", "start", "limit"),
    [
        ("catering", "regulator_report", "critical", "2026-03-08T08:15+08:00", "2026-03-08T10:15+08:00"),
        ("ecommerce", "refund_after_return", "high", "2025-11-01T10:00+08:00", "2025-11-09T00:00+08:00"),
        ("ecommerce", "courier_answer", "normal", "2026-03-02T14:00+08:00", "2026-03-10T00:00+08:00"),
        ("ecommerce", "statutory", "normal", "2026-03-02T14:00+08:00", "2026-03-18T00:00+08:00"),
        ("automotive", "claim_answer", "high", "2026-03-02T10:00+08:00", "2026-03-16T18:00+08:00"),
        ("automotive", "spare_car", "normal", "2026-03-02T10:00+08:00", "2026-03-09T00:00+08:00"),
        ("automotive", "recall_published", "high", "2026-03-02T10:00+08:00", "2026-03-09T18:00+08:00"),
    ],
)  # fmt: skip
def test_what_the_law_gives_stands_beside_what_is_promised(
    pack: str, clock: str, severity: Severity, start: str, limit: str
) -> None:
    at, last = due(pack, clock, severity, start)

    assert last == datetime.fromisoformat(limit)
    assert at <= last


def clocks_of(pack: str, **case: str) -> set[str]:
    known = {"kind": "complaint", "category": "", "severity": "normal", "channel": "web"} | case
    return {clock.name for clock in pack_of(pack).clocks_for(**known)}  # type: ignore[arg-type]


def test_a_grumble_about_a_meal_gets_a_reply_and_no_other_clock() -> None:
    assert clocks_of("catering", kind="grumble", severity="low") == {"acknowledge", "triage"}


def test_the_manager_comes_to_the_table_only_of_those_who_sit_at_one() -> None:
    assert "table_response" in clocks_of("catering", channel="walk_in")
    assert "table_response" not in clocks_of("catering", channel="phone")


def test_only_illness_is_reported_to_the_authorities_and_only_late_parcels_go_out_again() -> None:
    assert "regulator_report" in clocks_of("catering", category="CAT-PSN", severity="critical")
    assert "regulator_report" not in clocks_of("catering", category="CAT-TST", severity="critical")
    assert "redelivery" in clocks_of("ecommerce", category="ECM-DLY")
    assert "redelivery" not in clocks_of("ecommerce", category="ECM-QLT")


@pytest.mark.parametrize(
    ("pack", "remedy", "category", "minimum", "source"),
    [
        ("catering", "CAT-C1", "CAT-TST", None, "S003"),
        ("catering", "CAT-C3", "CAT-EXP", Decimal(1000), "F-2"),
        ("catering", "CAT-C8", "CAT-CRD", None, "F-6"),
        ("ecommerce", "ECM-C1", "ECM-DLY", None, "S003"),
        ("ecommerce", "ECM-C6", "ECM-FAK", Decimal(500), "E-8"),
        ("ecommerce", "ECM-C6F", "ECM-FAK", Decimal(1000), "E-8"),
        ("automotive", "AUT-C1", "AUT-BRK", None, "A-2"),
        ("automotive", "AUT-C3", "AUT-PRT", None, "A-4"),
        ("automotive", "AUT-C5", "AUT-SAL", Decimal(500), "A-9"),
    ],
)
def test_what_the_customer_can_get_has_its_law_and_its_least(
    pack: str, remedy: str, category: str, minimum: Decimal | None, source: str
) -> None:
    found = pack_of(pack).remedy(remedy)

    assert category in found.categories
    assert (found.minimum, found.source) == (minimum, source)
    assert source in {one.id for one in pack_of(pack).sources}


def test_a_kitchen_mistake_is_settled_by_whoever_serves() -> None:
    [approval] = pack_of("catering").remedy("CAT-C1").approvals

    assert (approval.role, approval.up_to) == ("handler", None)


def test_amounts_above_a_limit_ask_the_next_one_up() -> None:
    lost = pack_of("ecommerce").remedy("ECM-C3").approvals

    assert [(one.role, one.up_to) for one in lost] == [
        ("handler", Decimal(500)),
        ("supervisor", Decimal(3000)),
        ("department_head", None),
    ]


@pytest.mark.parametrize(
    ("pack", "amount"), [("catering", 1000), ("ecommerce", 3000), ("automotive", 10_000)]
)
def test_what_counts_as_a_large_amount_is_each_trades_own(pack: str, amount: int) -> None:
    assert pack_of(pack).thresholds.large_amount == amount


@pytest.mark.parametrize(
    ("pack", "sources"),
    [
        ("catering", {"F-7", "F-8a", "F-9"}),
        ("ecommerce", {"E-7", "E-10"}),
        ("automotive", {"A-3a", "A-5", "A-7a", "A-10"}),
    ],
)
def test_law_that_was_not_read_again_says_so(pack: str, sources: set[str]) -> None:
    own = {one.id for one in pack_of(pack).sources} - {one.id for one in pack_of("generic").sources}

    assert {one.id for one in pack_of(pack).sources if one.verify and one.id in own} == sources


@pytest.mark.parametrize("pack", PACKS)
def test_every_source_that_is_named_is_listed(pack: str) -> None:
    found = pack_of(pack)
    listed = {source.id for source in found.sources}
    named = {
        *(clock.source for clock in found.clocks),
        *(clock.statutory_source for clock in found.clocks if clock.statutory_source),
        *(cue.source for cue in found.cues),
        *(hint.source for hint in found.hints),
        *(remedy.source for remedy in found.remedies),
        *(rule.source for rule in found.early_warning),
    }

    assert named <= listed


@pytest.mark.parametrize(
    ("pack", "category", "rule"),
    [("ecommerce", "ECM-SAF", "ECM-DG1"), ("automotive", "AUT-BRK", "AUT-DG1")],
)
def test_a_grave_category_may_only_be_lowered_to_high_by_its_named_rule(
    pack: str, category: str, rule: str
) -> None:
    found = {one.id: one for one in pack_of(pack).downgrades}

    assert (found[rule].category, found[rule].to) == (category, "high")
    assert pack_of(pack).category(category).base_severity == "critical"


@pytest.mark.req("R-047")
def test_food_service_and_surroundings_are_told_apart() -> None:
    groups = {one.group for one in pack_of("catering").taxonomy}

    assert {"food", "service", "environment"} <= groups
    assert pack_of("catering").category("CAT-TST").group == "food"
    assert pack_of("catering").category("CAT-SVC").group == "service"
    assert pack_of("catering").category("CAT-HYG").group == "environment"


@pytest.mark.req("R-048")
def test_late_lost_damaged_and_last_mile_are_causes_of_their_own() -> None:
    logistics = [one.code for one in pack_of("ecommerce").taxonomy if one.group == "logistics"]

    assert {"ECM-DLY", "ECM-LST", "ECM-DMG", "ECM-DLV"} <= set(logistics)
    assert {pack_of("ecommerce").category(code).team for code in logistics} == {
        "logistics",
        "merchant",
    }


@pytest.mark.parametrize(
    ("pack", "prefix", "count"),
    [("catering", "CAT-", 15), ("ecommerce", "ECM-", 18), ("automotive", "AUT-", 18)],
)
def test_a_pack_has_its_own_categories_alone_each_with_words_and_questions(
    pack: str, prefix: str, count: int
) -> None:
    found = pack_of(pack)

    assert [one.code.startswith(prefix) for one in found.taxonomy] == [True] * count
    assert [one.code for one in found.taxonomy if one.general] == [f"{prefix}OTH"]
    for one in found.taxonomy:
        assert min(len(one.keywords.zh), len(one.keywords.en)) >= 15, one.code
        assert one.facts, one.code


@pytest.mark.parametrize("pack", PACKS)
def test_every_own_cue_has_words_in_both_languages_that_are_not_too_short(pack: str) -> None:
    inherited = {cue.id for cue in pack_of("generic").cues}
    for cue in pack_of(pack).cues:
        if cue.id not in inherited:
            assert min(len(cue.examples.zh), len(cue.examples.en)) >= 8, cue.id
            assert all(len(word) >= 2 for word in cue.examples.zh), cue.id
            assert all(len(word) >= 2 for word in cue.examples.en), cue.id


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_trades_own_messages_begin_with_sympathy_and_read_without_values(
    pack: str, language: str
) -> None:
    inherited = {one.id for one in pack_of("generic").templates}
    own = [
        one
        for one in pack_of(pack).templates
        # In danger what to do comes first.
        if one.id not in inherited and one.purpose != "safety_advice"
    ]

    assert len(own) == 4
    for template in own:
        # What a letter requires it is never written without.
        required = {name: f"[{name}]" for name in template.requires}
        empty = write_letter(template, language=language, values=required)
        full = write_letter(
            template, language=language, values={name: f"[{name}]" for name in template.variables}
        )
        assert all(f"[{name}]" in full.subject + full.body for name in template.variables)
        for letter in (empty, full):
            first = next(line for line in letter.body.splitlines()[1:] if line)
            words = ("歉", "过意不去") if language == "zh" else ("sorry",)
            assert any(word in first for word in words), template.id
            assert "None" not in letter.body
            assert "\n\n\n" not in letter.body


def examples_of(pack: str) -> dict[str, Examples]:
    return {one.category: one for one in pack_of(pack).examples}


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in text)


@pytest.mark.parametrize("pack", ["generic", *PACKS])
def test_every_category_has_enough_examples_in_both_languages(pack: str) -> None:
    there = examples_of(pack)

    assert set(there) == {category.code for category in pack_of(pack).taxonomy}
    for code, examples in there.items():
        chinese = sum(_is_chinese(example.text) for example in examples.texts)
        assert chinese >= 12, code
        assert len(examples.texts) - chinese >= 12, code


@pytest.mark.parametrize("pack", ["generic", *PACKS])
def test_examples_show_other_kinds_too_and_are_not_the_words_again(pack: str) -> None:
    texts = [
        (pack_of(pack).category(code), example)
        for code, examples in examples_of(pack).items()
        for example in examples.texts
    ]

    others = sum(example.kind != "complaint" for _, example in texts)
    worded = sum(_has_keyword(category, example.text) for category, example in texts)

    assert 0.2 <= others / len(texts) <= 0.45
    assert worded / len(texts) <= 1 / 3


def _has_keyword(category: Category, text: str) -> bool:
    return bool(find_words(category.keywords, {"text": normalised(text)}, negatable=False))


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_still_travels_with_its_examples(pack: str) -> None:
    wires = chain_to_wire(read_chain(shipped_folder(), pack))

    assert all(len(wire.body) <= MAX_BYTES for wire in wires)


@pytest.mark.parametrize("pack", PACKS)
def test_no_target_is_later_for_a_graver_case(pack: str) -> None:
    start = datetime.fromisoformat("2026-03-02T10:00+08:00")
    rules = Rules(pack_of(pack), "Asia/Shanghai")
    for clock in rules.pack.clocks:
        plans = [rules.plan(clock, severity=each, start=start) for each in SEVERITIES]
        ends = [plan.due_at for plan in plans if plan]
        if (pack, clock.name) != (
            "catering",
            "closure",
        ):  # that of a critical case waits for the laboratory
            assert ends == sorted(ends, reverse=True), clock.name
        assert all(end - start < timedelta(days=120) for end in ends), clock.name
