"""Understanding by the generic pack's words: kind, category, severity, and when it is unsure."""

from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.model import Understanding
from services.routing.policy.evidence import find_words, is_negated, normalised
from services.routing.policy.understand import understand
from shared.packs.load import load_folder, shipped_folder
from shared.packs.model import SEVERITIES, Cue, Pack, Text, Words


@cache
def generic() -> Pack:
    return load_folder(shipped_folder(), "generic")


def read(
    text: str, *, subject: str | None = None, channel: str = "web", **fields: str
) -> Understanding:
    return understand(
        text=text, subject=subject, fields=fields, channel=channel, pack=generic(), language="zh"
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("空调买回来三天就坏了，要求退货", "complaint"),
        ("My order never arrived. I want my money back.", "complaint"),
        ("电表箱正在冒烟，快来人！", "complaint"),
        ("这道菜又酸又硬，味道不好", "complaint"),
        ("请问我的退款一直没到，怎么回事？", "complaint"),
        ("请问你们的营业时间是几点到几点？", "inquiry"),
        ("How do I change the address on my account?", "inquiry"),
        ("可以开发票吗？", "inquiry"),
        ("建议你们在大厅增加一台饮水机", "suggestion"),
        ("It would be great if you could open on Sundays", "suggestion"),
        ("算了，再也不来了，服务差", "grumble"),
        ("Whatever, never coming back to this place", "grumble"),
        ("师傅上门很快，服务特别好，非常感谢！", "praise"),
        ("Thank you so much, your driver was fantastic", "praise"),
    ],
)
def test_the_kind_is_what_a_person_would_say(text: str, kind: str) -> None:
    understanding = read(text)

    assert understanding.kind == kind
    assert not understanding.unsure


@pytest.mark.req("R-034")
@pytest.mark.parametrize(
    ("zh", "en", "code"),
    [
        ("收费员态度很差，还骂人，要求道歉", "The clerk was rude and yelled at me", "GEN-ATT"),
        ("同一笔订单重复扣款，请处理", "I was charged twice for one order", "GEN-FEE"),
        ("押金不退，要求退钱", "They refuse to refund my deposit", "GEN-RFD"),
        ("我的个人信息泄露了，天天骚扰电话", "My personal data was leaked", "GEN-PRV"),
        ("银行卡被盗刷，不是我本人操作", "Unauthorised payment, this is fraud", "GEN-FRD"),
        ("客服电话一直打不通，没人接", "I cannot reach anyone, always on hold", "GEN-ACC"),
    ],
)
def test_the_same_complaint_has_the_same_category_in_both_languages(
    zh: str, en: str, code: str
) -> None:
    assert read(zh).category == code
    assert read(en).category == code


@pytest.mark.req("R-037")
@pytest.mark.parametrize(
    ("text", "severity", "cues"),
    [
        ("电表箱正在冒烟，快来人！", "critical", {"life_danger_now"}),
        ("My wife is in hospital after eating your food", "critical", {"injury_serious"}),
        ("再不解决我就不活了", "critical", {"emotion_extreme"}),
        ("你们多收了200元，我要找记者曝光", "high", {"media"}),
        ("多收了8万元，要求退钱", "high", {"amount"}),
        ("I was overcharged £12,000, please refund", "high", {"amount"}),
        ("多收了我200元，要求退钱", "normal", set()),
        ("护栏断了，孩子差点摔了，反映多次没人来", "critical", {"hazard", "minor_child", "repeat"}),
        ("请问营业时间是几点？", "low", set()),
        ("建议给老人加个座位", "high", {"vulnerable"}),
    ],
)
def test_severity_follows_the_cues_and_names_them(text: str, severity: str, cues: set[str]) -> None:
    understanding = read(text)

    assert understanding.severity == severity
    assert {cue.id for cue in understanding.cues} == cues
    assert understanding.urgency == generic().urgency[understanding.severity]
    for cue in understanding.cues:
        assert any(reason.code == f"cue:{cue.id}" for reason in understanding.reasons)
        assert all(item.word in text.lower() for item in cue.evidence)


def test_a_base_high_category_makes_a_complaint_high_but_not_a_question() -> None:
    assert read("我的个人信息泄露了，要求处理").severity == "high"
    assert read("请问个人信息怎么修改？").severity == "low"


@pytest.mark.parametrize(
    "text", ["没有人受伤", "并没有造成受伤", "nobody was injured", "not hospital"]
)
def test_a_negated_word_is_no_cue(text: str) -> None:
    assert read(text).cues == ()


@pytest.mark.parametrize(
    "text", ["不仅受伤了还住院", "not only injured", "没人管，受伤了", "是不是受伤了"]
)
def test_a_not_that_means_something_else_does_not_negate(text: str) -> None:
    assert read(text).cues


@pytest.mark.parametrize("text", ["你好", "hello there", "123", "……"])
def test_without_evidence_it_is_unsure_and_a_person_looks(text: str) -> None:
    understanding = read(text)

    assert understanding.unsure
    assert understanding.unsure_because[0].code == "no_kind"
    assert understanding.categories[0].code == "GEN-OTH"


def test_two_thin_categories_of_different_teams_are_unsure_and_the_stricter_one_counts() -> None:
    understanding = read("合同和诈骗")

    assert [reason.code for reason in understanding.unsure_because] == ["categories_close"]
    assert understanding.severity == "high"


def test_praise_with_a_grievance_is_unsure() -> None:
    understanding = read("真是太棒了，等了三天没收到货")

    assert understanding.kind == "praise"
    assert [reason.code for reason in understanding.unsure_because] == ["maybe_sarcasm"]


def test_what_somebody_asks_for_makes_a_complaint() -> None:
    assert read("电表的事", remedy_sought="退钱").kind == "complaint"
    assert read("转办件，物业费的事", channel="regulator").kind == "complaint"


def test_a_named_product_is_no_cue_but_counts_for_the_category() -> None:
    understanding = read("这个东西怎么回事", product="smoke detector, broken")

    assert understanding.cues == ()
    assert understanding.category == "GEN-PRD"
    assert understanding.categories[0].evidence[0].place == "product"


@pytest.mark.req("R-033")
def test_at_most_three_categories_with_scores_and_evidence() -> None:
    text = "退款没到，态度恶劣，电话打不通，合同违约，重复扣款"

    understanding = read(text)

    assert len(understanding.categories) == 3
    scores = [candidate.score for candidate in understanding.categories]
    assert scores == sorted(scores, reverse=True)
    for candidate in understanding.categories:
        for item in candidate.evidence:
            assert text[item.start : item.end] == item.word


def test_a_longer_phrase_beats_a_shorter_one_inside_it() -> None:
    assert [
        item.word for item in find_words(Words(zh=("退款", "退款没到")), {"text": "退款没到"})
    ] == ["退款没到"]


def test_english_words_match_whole_with_their_endings_and_abbreviations_as_they_are() -> None:
    words = Words(en=("delay", "late", "ER", "bill"))

    found = [item.word for item in find_words(words, {"text": "Delayed later, better ER billing"})]

    assert found == ["delayed", "er", "billing"]


def test_positions_survive_full_width_letters_and_curly_quotes() -> None:
    assert normalised("Ｄoesn’t，") == "Doesn't,"
    assert not is_negated("", 0)


@given(st.text(max_size=300), st.text(max_size=40))
def test_any_text_is_understood_and_an_added_danger_never_lowers_it(
    text: str, subject: str
) -> None:
    plain = read(text, subject=subject)
    worse = read(f"{text}。正在冒烟", subject=subject)

    assert 1 <= len(plain.categories) <= 3
    assert SEVERITIES.index(worse.severity) >= SEVERITIES.index(plain.severity)
    assert worse.severity == "critical"


def test_reasons_are_told_in_both_languages() -> None:
    reasons = read("冰箱坏了，要求退货").reasons

    assert any("投诉" in reason.say("zh") for reason in reasons)
    assert any("Complaint" in reason.say("en") for reason in reasons)


def _with_cues(*cues: Cue) -> Pack:
    return generic().model_copy(update={"cues": cues})


def _ids(text: str, pack: Pack) -> set[str]:
    found = understand(text=text, subject=None, fields={}, channel="web", pack=pack, language="zh")
    return {cue.id for cue in found.cues}


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("冒充客服骗走8600，报警了", True),
        ("冒充客服骗走我600", False),
        ("被骗走了1.2万元", True),
        ("骗走我的会员，订单20251101778", False),
        ("2024年骗走我一张券", False),
        ("They scammed me out of 9,000 yesterday", True),
        ("They scammed me out of a coupon at 10:3000", False),
    ],
)
def test_a_cue_above_an_amount_needs_that_amount(text: str, counts: bool) -> None:
    words = Words(zh=("骗走",), en=("scammed me",))
    name = Text(zh="损失", en="Loss")
    pack = _with_cues(
        Cue(id="loss", name=name, effect="critical", examples=words, above=Decimal(5000))
    )

    assert ("loss" in _ids(text, pack)) is counts


def test_a_cue_that_needs_another_counts_only_beside_it() -> None:
    name = Text(zh="征象", en="Cue")
    glass = Cue(id="glass", name=name, effect="high", examples=Words(zh=("玻璃",)))
    cut = Cue(
        id="cut",
        name=name,
        effect="critical",
        examples=Words(zh=("划破",)),
        together_with=("glass",),
    )

    assert _ids("汤里有玻璃，嘴划破了", _with_cues(glass, cut)) == {"glass", "cut"}
    assert _ids("袋子划破了", _with_cues(glass, cut)) == set()
