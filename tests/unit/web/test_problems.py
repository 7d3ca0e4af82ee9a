from __future__ import annotations

import pytest

from shared.web.problems import PROBLEMS, wants_chinese


@pytest.mark.parametrize(
    ("header", "chinese"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", True),
        ("en-GB,en;q=0.9,zh;q=0.8", False),
        ("zh", True),
        ("", False),
        ("fr", False),
        ("en;q=0.2, zh-Hant;q=0.7", True),
        ("zh;q=x", False),
    ],
)
def test_the_preferred_language_of_the_caller_is_answered(header: str, chinese: bool) -> None:
    assert wants_chinese(header) is chinese


def test_every_problem_says_what_to_do_in_both_languages() -> None:
    for one in PROBLEMS.values():
        assert one.advice_en
        assert one.advice_zh
        assert one.zh
