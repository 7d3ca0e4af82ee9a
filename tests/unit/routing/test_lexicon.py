"""All words of a pack in one pass: the same as looking for each word alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.policy.lexicon import Lexicon, Span
from shared.packs.words import Words

GROUPS = {
    ("test", "delay"): Words(zh=("还没到", "没到", "晚"), en=("late", "not on time", "delay")),
    ("test", "bill"): Words(zh=("多收", "App扣费"), en=("bill", "billing error", "ER")),
}
PIECES = ["还没到", "没到", "多收", "App扣费", "app扣费", "late", "Delayed", "bills", "ER", "er", "not on  time",
          "not on\ntime", "billing error", " ", "  ", "x", "，", "晚", "\t"]  # fmt: skip


def alone(words: Words, text: str) -> list[tuple[int, int]]:
    """Where the words stand, found slowly: every form at every position, the first and longest win."""
    spans = [(at, at + len(word)) for word in words.zh for at in range(len(text)) if text.startswith(word, at)]  # fmt: skip
    for word in words.en:
        body = r"\s+".join(map(re.escape, word.split()))
        last = word.split()[-1]
        if last.isupper():
            pattern = f"(?-i:{body})"
        elif len(last) < 4:
            pattern = body
        else:
            endings = "s|d|ing" if last.endswith("e") and len(last) > 4 else "s|es|ed|ing"
            pattern = f"{body}(?:{endings})?"
        whole = re.compile(rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])", re.IGNORECASE)
        spans += [one.span() for at in range(len(text)) if (one := whole.match(text, at))]
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_one_pass_finds_what_looking_for_each_word_alone_finds(text: str) -> None:
    found = Lexicon(GROUPS).find(text)

    for name, words in GROUPS.items():
        assert [(one.start, one.end) for one in found.get(name, [])] == alone(words, text)


@pytest.mark.parametrize("text", ["", " ", "你好"])
def test_where_no_word_stands_nothing_is_found(text: str) -> None:
    assert Lexicon(GROUPS).find(text) == {}


def test_positions_are_those_of_the_text_however_wide_its_gaps() -> None:
    found = Lexicon(GROUPS).find("It was   not  on \n time, 还没到")

    assert found["test", "delay"] == [Span(9, 23, "not on time"), Span(25, 28, "还没到")]
