"""What is taken out of a text, what must survive, and that doing it twice changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.ids import check_digit
from shared.masking import is_id_card, is_luhn, mask

# No surname among them: with a phone behind it, it would be somebody's name.
CHINESE = st.text(alphabet="我的空调坏了请尽快处理，。！？非要不满意服务态度差", max_size=20)
DIGITS = st.text(alphabet="0123456789", min_size=1, max_size=12)
SOUP = st.text(
    alphabet="0123456789 -.+()Xx@abcom京粤A·１２３，年[]我叫王小明李师傅路号栋室\n", max_size=80
)
MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


@st.composite
def id_cards(draw: st.DrawFn) -> str:
    body = draw(st.from_regex(r"[1-6][0-9]{5}19[0-9]{2}0[1-9][12][0-9][0-9]{3}", fullmatch=True))
    return body + next(last for last in "0123456789X" if is_id_card(body + last))


@st.composite
def bank_cards(draw: st.DrawFn) -> str:
    body = "62" + draw(st.from_regex(r"[0-9]{13}|[0-9]{16}", fullmatch=True))
    return body + next(last for last in "0123456789" if is_luhn(body + last))


@st.composite
def numbers(draw: st.DrawFn) -> str:
    digits = draw(st.from_regex(r"[0-9]{10}", fullmatch=True))
    digits += str(check_digit(digits))
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"


@pytest.mark.req("R-162")
@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("电话13812345678。", "电话[phone]。"),
        ("138-1234-5678 或 138 1234 5678", "[phone] 或 [phone]"),
        ("+86 138 1234 5678", "[phone]"),
        ("13812345678 13912345678", "[phone] [phone]"),
        ("１３８１２３４５６７８", "[phone]"),
        ("1 3 8 1 2 3 4 5 6 7 8", "[phone]"),
        ("微信wx13812345678", "微信wx[phone]"),
        ("座机(010) 6234-5678", "座机[phone]"),
        ("0755-86013388", "[phone]"),
        ("call 415-555-2671 or 020 7946 0958", "call [phone] or [phone]"),
        ("+44 20 7946 0958", "[phone]"),
        ("写信到 wang.xm+a@mail.example.com", "写信到 [email]"),
        ("ＡＢ＠ｍａｉｌ．ｃｏｍ", "[email]"),
        ("身份证11010519491231002X", "身份证[id]"),
        ("110105 19491231 002x", "[id]"),
        ("卡6222 0200 0000 0000 000", "卡[card]"),
        ("京A12345 撞了 粤BD12345", "[plate] 撞了 [plate]"),
        ("沪A·88D88", "[plate]"),
        ("VIN LSVAL41Z882104202", "VIN [vin]"),
        ("车架号：LSVAL41Z882104203，", "车架号：[vin]，"),
    ],
)
def test_personal_data_of_fixed_form_is_taken_out(text: str, masked: str) -> None:
    assert mask(text).text == masked


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 10:30 和 2026年11月22日",
        "20261122103045",
        "金额 12,345.67 元，共 1,234,567.89",
        "订单 2026112212345678",
        "投诉热线 400-800-8888",
        "VIN 12345678901234567",
        "单号 SF1389457210021XY2A",
        "施工噪音，和平路路灯不亮",
        "我叫了师傅来修",
        "客户：空调坏了，没人来修。坐席：好的。客户：很长。",
        "IP 192.168.100.100",
        "型号 A12345，批号 20261122-01",
        "川菜 B12 号桌",
        "ISO 9001:2015, GB/T 19001-2016",
    ],
)
def test_what_the_work_is_done_with_survives(text: str) -> None:
    assert mask(text).text == text


def test_a_wrong_check_character_is_no_id_card() -> None:
    assert mask("110105194912310021").text == "110105194912310021"


def test_spans_tell_kind_and_place_in_the_masked_text() -> None:
    found = mask("我13812345678，a@b.cn")

    assert [(one.kind, found.text[one.start : one.end]) for one in found.spans] == [
        ("phone", "[phone]"),
        ("email", "[email]"),
    ]


def test_what_is_known_to_be_personal_is_taken_out_whole_words_only() -> None:
    known = (("王小明", "name"), ("Al", "name"), ("幸福路5号", "address"))

    masked = mask("我是王小明，住幸福路5号。Also Al.", known=known)  # type: ignore[arg-type]

    assert masked.text == "我是[name]，住[address]。Also [name]."


@settings(max_examples=300)
@given(SOUP)
def test_masking_twice_changes_nothing(text: str) -> None:
    once = mask(text).text

    assert mask(once).text == once


@given(CHINESE, MOBILES, CHINESE)
def test_no_mobile_number_survives_among_chinese(before: str, mobile: str, after: str) -> None:
    assert mask(before + mobile + after).text == f"{before}[phone]{after}"


@given(CHINESE, id_cards(), CHINESE)
def test_no_id_card_survives(before: str, card: str, after: str) -> None:
    assert mask(before + card + after).text == f"{before}[id]{after}"


@given(CHINESE, bank_cards(), CHINESE)
def test_no_bank_card_survives(before: str, card: str, after: str) -> None:
    assert card not in mask(before + card + after).text


@given(
    numbers(),
    st.sampled_from(["", "编号", "编号 ", "我的投诉", "(", "13812345678 ", "0512 "]),
    CHINESE,
)
def test_a_complaints_own_number_survives(number: str, before: str, after: str) -> None:
    """INVARIANT: what people quote to find their complaint is never taken for a phone."""
    assert number in mask(f"{before}{number}{after}").text


@pytest.mark.parametrize(
    "text",
    [
        "1 " * 10_000,
        "a" * 20_000 + "@",
        "a.@" * 6_000,
        "京A" * 8_000,
        "1234567" * 2_800,
        "王" * 20_000,
        "路1" * 10_000,
        "1栋" * 10_000,
        "Dear " * 4_000,
        "Al Al Al " * 2_000,
        "12 A " * 4_000,
        "小区1-" * 5_000,
    ],
)
def test_no_text_makes_it_slow(text: str) -> None:
    """The time is linear in the text: twice as much takes at most a few times as long."""
    from time import process_time

    def took(piece: str) -> float:
        began = process_time()
        mask(piece)
        return process_time() - began

    took(text[:1000])

    assert took(text) < 20 * took(text[: len(text) // 4]) + 0.05
