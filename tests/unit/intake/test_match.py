"""How alike two texts are, which numbers a text quotes, and when two complaints are likely about the same."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.policy.match import MOST_LINKS, Signature, judge, quoted_numbers, signature_of
from shared.ids import check_digit

TEXT = "家里换了智能电表以后电费多了一倍要求校表多收的钱要退客服电话打了三次都说会派人上门但是到今天已经第八天了"
OTHER = "小区的电梯坏了两个星期没有人来修老人每天爬十八楼物业说配件没有到货请你们尽快督促处理并给一个时间"


def number(digits: str) -> str:
    digits += str(check_digit(digits))
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"


def test_a_text_is_like_itself_whatever_its_spacing_case_and_marks() -> None:
    spaced = "，".join(TEXT[at : at + 7] for at in range(0, len(TEXT), 7)) + "！[phone]"

    assert signature_of(TEXT).likeness(signature_of(spaced)) == 1.0
    assert signature_of(TEXT).likeness(signature_of(OTHER)) < 0.2


def test_a_text_with_a_few_words_changed_is_more_than_half_alike() -> None:
    changed = TEXT.replace("三次", "五次") + "请尽快处理"

    assert signature_of(TEXT).likeness(signature_of(changed)) > 0.5


def test_the_estimate_is_near_the_true_likeness() -> None:
    draw = random.Random(3)
    letters = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地人和春夏秋冬"
    gaps = []
    for _ in range(200):
        common = "".join(draw.choices(letters, k=60))
        texts = [common + "".join(draw.choices(letters, k=20)) for _ in range(2)]
        shingles = [{text[at : at + 4] for at in range(len(text) - 3)} for text in texts]
        true = len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1])
        gaps.append(signature_of(texts[0]).likeness(signature_of(texts[1])) - true)

    assert abs(sum(gaps) / len(gaps)) < 0.05


def test_too_little_text_is_like_nothing() -> None:
    assert signature_of("退钱！") == Signature()
    assert signature_of("退钱！").likeness(signature_of("退钱！")) == 0.0


@given(st.text(max_size=200))
def test_a_signature_survives_being_stored(text: str) -> None:
    signature = signature_of(text)

    assert Signature.unpacked(signature.packed()) == signature


@pytest.mark.parametrize("around", ["{}", "编号{}，", "No. {}.", "（{}）"])
def test_a_quoted_number_is_found_and_a_mistyped_one_is_none(around: str) -> None:
    right = number("9641097268")
    wrong = right[:-1] + str((int(right[-1]) + 1) % 10)

    assert quoted_numbers(around.format(right)) == (right,)
    assert quoted_numbers(around.format(wrong)) == ()
    assert quoted_numbers(f"1{right}") == ()


@pytest.mark.parametrize(
    ("kinds", "same_text", "is_likely"),
    [
        ({"contact"}, False, False),
        ({"reference"}, False, False),
        (set(), True, False),
        ({"batch", "contact"}, False, True),
        ({"contact", "reference"}, False, True),
        ({"contact"}, True, True),
        ({"reference"}, True, True),
        ({"batch"}, True, True),
        ({"number_quoted"}, False, True),
    ],
)
def test_one_sign_alone_links_nothing_but_a_quoted_number(
    kinds: set[str], same_text: bool, is_likely: bool
) -> None:
    own = signature_of(TEXT)

    found = judge({"a": kinds}, {"a": own if same_text else signature_of(OTHER)}, own)

    assert bool(found) is is_likely
    assert all(0.6 <= one.score <= 1.0 for one in found)


def test_of_many_alike_the_likeliest_and_latest_are_linked() -> None:
    shared = {f"{at:02d}": {"contact", "reference"} for at in range(20)} | {"x": {"number_quoted"}}

    found = judge(shared, {}, Signature())

    assert [one.complaint_id for one in found] == ["x", "19", "18", "17", "16"][:MOST_LINKS]
