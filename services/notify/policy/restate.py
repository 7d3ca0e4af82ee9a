"""A complaint restated in our own words: what, of which thing, where and when, from what is known of it."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from services.notify.model import Word
from shared.packs.model import Pack

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
"""Not by the process's locale: the language is the reader's."""


def restated(
    pack: Pack, category: str | None, known: Mapping[str, Any], *, is_trouble: bool = True
) -> Word | None:
    """One sentence in each language; None where nothing is known but that somebody wrote.

    Never the customer's own text, and nothing personal: names, numbers and addresses are not in what is known.
    `is_trouble`: they complain; who asks, suggests or praises has met with no problem.
    """
    named = next((one for one in pack.taxonomy if one.code == category), None)
    if named is None or named.general:
        return None
    place, thing, day = _place(known), known.get("product"), known.get("occurred_on")
    zh = (f"{_day_zh(day)}，" if day else "") + (f"在{place}，" if place else "")
    met = ("出现" if thing else "遇到") if is_trouble else ("的" if thing else "")
    zh += f"{thing or ''}{met}"
    en = f"{'a problem of the kind' if is_trouble else 'about'} “{named.name.en}”"
    en += f" with {thing}" if thing and is_trouble else f" and {thing}" if thing else ""
    en += (f" at {place}" if place else "") + (f" on {_day_en(day)}" if day else "")
    return {"zh": f"{zh}“{named.name.zh}”方面的情况。", "en": f"{en}."}


def _place(known: Mapping[str, Any]) -> str | None:
    """The shop, else the area where it has a name: a code says nothing to the customer."""
    area = str(known.get("area") or "")
    return known.get("shop") or (None if area.isascii() else area)


def _day_en(day: str) -> str:
    at = date.fromisoformat(day)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def _day_zh(day: str) -> str:
    at = date.fromisoformat(day)
    return f"{at.year}年{at.month}月{at.day}日"
