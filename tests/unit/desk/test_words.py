"""The catalogue of words, and times."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import services.desk.pages
from services.desk.pages.words import LANGUAGES, Language, Words, catalogue
from services.desk.policy.getting_in import PAGES

FOLDER = Path(services.desk.pages.__file__).parent
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_everything_with_the_same_holes() -> None:
    for key, (zh, en) in catalogue().items():
        assert zh.strip(), key
        assert en.strip(), key
        assert holes(zh) == holes(en), key


def test_every_word_that_pages_ask_for_is_in_the_catalogue() -> None:
    sources = [
        each.read_text("utf-8") for each in FOLDER.rglob("*") if each.suffix in (".py", ".html")
    ]
    asked = {
        key
        for text in sources
        for key in re.findall(r'\b(?:t|words)\(\s*["\']([\w.]+)["\'](?! ~)', text)
    }
    asked |= {f"menu.{page}" for page in PAGES if page not in ("case", "people")}

    assert asked - catalogue().keys() == set()


@pytest.mark.parametrize(
    ("language", "when", "left", "late", "money"),
    [
        ("zh", "3月2日 09:00", "还剩2小时", "已超3天", "¥1,250.50"),
        ("en", "2 Mar 09:00", "2 hours left", "3 days late", "CN¥1,250.50"),
    ],
)
def test_times_and_money_are_written_as_the_reader_writes_them(
    language: Language, when: str, left: str, late: str, money: str
) -> None:
    words = Words(language, ZoneInfo("Asia/Shanghai"))

    assert words.when(NOW) == when
    assert words.left(NOW + timedelta(hours=2), NOW) == left
    assert words.left(NOW - timedelta(days=3), NOW) == late
    assert words.money("1250.5", "CNY") == money


def test_hours_are_told_by_days_and_times_and_a_term_in_words() -> None:
    zh, en = (Words(language, ZoneInfo("Asia/Shanghai")) for language in LANGUAGES)

    assert (
        zh.hours({"mon-fri": ["09:00-12:00", "14:00-18:00"]})
        == "周一至周五 09:00–12:00、14:00–18:00"
    )
    assert en.hours({"daily": ["08:30-21:00"]}) == "Every day 08:30–21:00"
    assert en.hours({"daily": ["00:00-24:00"]}) == "Any time"
    assert zh.term("2wd") == "2 个工作日"
    assert en.term("sometime") == "sometime"
