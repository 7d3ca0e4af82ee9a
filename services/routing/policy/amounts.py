"""Sums of money a text names, with the currency or right beside a word that is about money."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from services.routing.model import Evidence

_NEAR = 12
"""How many characters from such a word a number without a currency may stand."""
_CURRENCY: Final = "元|块|CNY|RMB|USD|GBP|EUR|dollars|pounds|quid|euros|yuan"
_WITH_CURRENCY = re.compile(
    r"(?:[¥$€£]|CNY|RMB|USD|GBP|EUR)\s*(\d[\d,]*(?:\.\d+)?)\s*(万|k\b)?"
    rf"|(\d[\d,]*(?:\.\d+)?)\s*(万|k\b|grand\b)?\s*(?:{_CURRENCY}|(?<=grand))",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?<![A-Za-z0-9.,:/-])(\d{1,3}(?:,\d{3})+|\d{2,7})(?:\.\d{1,2})?\s*(万|k\b)?"
    r"(?![\d:/%-]|,\d|\s*(?:年|月|日|号|点|个|天|次|分|小时|人|位|只|盒|箱|斤|度|公里|km|days?|hours?|am|pm)"
    r"|[A-Za-z])"
)
_FIGURE = re.compile(r"\d")
_SCALE = {"万": 10_000, "k": 1_000, "grand": 1_000}
_HAN = re.compile(
    r"(?<![一二两三四五六七八九十百千万零])([一二两三四五六七八九十][一二两三四五六七八九十百千万零]*)"
    r"(?:(?<=[百千万一二三四五六七八九])[多来余]?(?:元|块|人民币)|(?<=万)(?:多|余)?(?![公里人次度步户吨字辆个方平分])|(?<=万[一二三四五六七八九])(?![百千]))"
)
"""Sums in Chinese numerals: with a currency, or of ten thousand and more with nothing that is counted behind."""
_DIGITS: Final = {one: at for at, one in enumerate("零一二三四五六七八九")} | {"两": 2}
_STEPS: Final = {"十": 10, "百": 100, "千": 1_000}
_ENGLISH: Final = {
    "a": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
}
_SPELT = re.compile(
    rf"\b({'|'.join(_ENGLISH)})\s+(?:hundred\s+)?(?:thousand\s+(?:{_CURRENCY})|(?<!\ba\s)grand)\b",
    re.IGNORECASE,
)
_IN_ENGLISH = re.compile("thousand|grand", re.IGNORECASE)


def amounts(text: str) -> Iterator[tuple[re.Match[str], Decimal]]:
    """Every sum with a currency in `text`, in figures or in words, and where."""
    if _FIGURE.search(text):
        for match in _WITH_CURRENCY.finditer(text):
            yield match, _amount(match[1] or match[3], match[2] or match[4])
    if not text.isascii():
        for match in _HAN.finditer(text):
            yield match, Decimal(_han(match[1]))
    if _IN_ENGLISH.search(text):
        for match in _SPELT.finditer(text):
            yield match, Decimal(_spelt(match))


def names_more(limit: Decimal, places: Mapping[str, str], *, beside: Sequence[Evidence]) -> bool:
    """Whether the places name a sum above `limit`: one with a currency anywhere, or a bare number
    near the evidence.
    """
    if any(sum_ > limit for text in places.values() for _, sum_ in amounts(text)):
        return True
    return any(sum_ > limit for item in beside for sum_ in _near(item, places[item.place]))


def _near(item: Evidence, text: str) -> Iterator[Decimal]:
    for match in _BARE.finditer(text):
        if match.end() >= item.start - _NEAR and match.start() <= item.end + _NEAR:
            yield _amount(match[1], match[2])


def _amount(digits: str, scale: str | None) -> Decimal:
    return Decimal(digits.replace(",", "")) * _SCALE.get((scale or "").lower(), 1)


def _spelt(match: re.Match[str]) -> int:
    hundreds = 100 if "hundred" in match[0].lower() else 1
    return _ENGLISH[match[1].lower()] * hundreds * 1_000


def _han(word: str) -> int:
    """What Chinese numerals count: 三万二 is 32,000, for the last step is left unsaid."""
    total, section, digit, step = 0, 0, 0, 1
    for one in word:
        if one in _DIGITS:
            digit = _DIGITS[one]
            step = 1 if one == "零" else step
        elif one == "万":
            total, section, digit, step = (section + digit) * 10_000, 0, 0, 10_000
        else:
            section, digit, step = section + (digit or 1) * _STEPS[one], 0, _STEPS[one]
    return total + section + digit * max(1, step // 10)
