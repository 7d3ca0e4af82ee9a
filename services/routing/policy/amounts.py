"""Sums of money a text names, with the currency or right beside a word that is about money."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from services.routing.model import Evidence

_NEAR = 12
"""How many characters from such a word a number without a currency may stand."""
_WITH_CURRENCY = re.compile(
    r"(?:[¥$€£]|CNY|RMB|USD|GBP|EUR)\s*(\d[\d,]*(?:\.\d+)?)\s*(万|k\b)?"
    r"|(\d[\d,]*(?:\.\d+)?)\s*(万|k\b)?\s*(?:元|块|CNY|RMB|USD|GBP|EUR|dollars|pounds|yuan)",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?<![A-Za-z0-9.,:/-])(\d{1,3}(?:,\d{3})+|\d{2,7})(?:\.\d{1,2})?\s*(万|k\b)?"
    r"(?![\d:/%-]|,\d|\s*(?:年|月|日|号|点|个|天|次|分|小时|人|位|只|盒|箱|斤|度|公里|km|days?|hours?|am|pm)"
    r"|[A-Za-z])"
)
_FIGURE = re.compile(r"\d")
_SCALE = {"万": 10_000, "k": 1_000}


def amounts(text: str) -> Iterator[tuple[re.Match[str], Decimal]]:
    """Every sum with a currency in `text`, and where."""
    if not _FIGURE.search(text):
        return
    for match in _WITH_CURRENCY.finditer(text):
        yield match, _amount(match[1] or match[3], match[2] or match[4])


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
