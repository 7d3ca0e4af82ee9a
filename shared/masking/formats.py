"""Personal data of fixed form: phones, mail addresses, ID cards, bank cards, number plates, cars' VINs.

On purpose conservative: a complaint's own number, dates, amounts and order numbers must survive, because the work is
done with them.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import phonenumbers

from shared.ids import is_number
from shared.masking.spans import Find, MaskedKind

# A run of digits, with at most two separators between two of them.
_RUN: Final = re.compile(r"[+(]?[0-9](?:[ \-.()\u00a0]{0,2}[0-9]){8,}[Xx]?")
_GROUP: Final = re.compile(r"[0-9]+")
_FEWEST_DIGITS: Final = 9
_MOST_DIGITS: Final = 19
_MOBILE: Final = re.compile(r"(?:00)?(?:86)?1[3-9][0-9]{9}")
_LANDLINE: Final = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})[0-9]{7,8}")
_CARD_GROUPS: Final = re.compile(r"(?:4,){3}(?:4,)?[1-4]|4,6,[45]|6,(?:9|10|12|13)|1[5-9]")
_AMERICAN: Final = (3, 3, 4)
_DOTTED_GROUPS: Final = ((3, 4, 4), _AMERICAN)
_NATIONAL_DIGITS: Final = range(10, 13)
_ID_LENGTH: Final = 18
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

_MAIL_DOMAIN: Final = re.compile(r"@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")
_MAIL_LOCAL: Final = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-"
)
_LONGEST_LOCAL: Final = 64

# GA 36-2018: province, office letter, five of letters and digits without I and O; six on new-energy cars.
_PLATE: Final = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][ ·•・\-]?"
    r"(?:(?:[DF][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[DF])|(?=[A-HJ-NP-Z]{0,4}[0-9])[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳])"
    r"(?![A-Z0-9])",
    re.IGNORECASE,
)


# The first three tell the maker, the last four count.
_VIN_ENDS: Final = re.compile(r"[0-9]{4}(?![A-Za-z0-9])")
_VIN: Final = re.compile(
    r"(?<![A-Z0-9])(?=[0-9]?[A-Z])[A-HJ-NPR-Z0-9]{13}[0-9]{4}(?![A-Z0-9])", re.IGNORECASE
)
_VIN_LENGTH: Final = 17
_VIN_AHEAD: Final = re.compile(
    r"(?:\bvin\b|车架号码?|车辆识别(?:代号|代码|码)|chassis)[^A-Za-z0-9]{0,6}\Z", re.IGNORECASE
)
_VIN_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_CHECK: Final = 8
_VIN_VALUES: Final = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True)
)


def is_id_card(digits: str) -> bool:
    """Whether these are the 18 characters of an ID card with the right check character (ISO 7064 MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, digits[:17], strict=True))
    return "10X98765432"[total % 11] == digits[17].upper()


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the right check digit of a bank card (ISO/IEC 7812-1)."""
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + at % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the sum of two digits
    return total % 10 == 0


def mails(text: str) -> Iterable[Find]:
    """Mail addresses."""
    if "@" not in text:
        return
    taken = 0
    for match in _MAIL_DOMAIN.finditer(text):
        start = match.start()
        lowest = max(taken, start - _LONGEST_LOCAL)
        while start > lowest and text[start - 1] in _MAIL_LOCAL:
            start -= 1
        if start < match.start():
            yield start, match.end(), "email"
            taken = match.end()


def plates(text: str) -> Iterable[Find]:
    """Chinese number plates."""
    if text.isascii():
        return
    for match in _PLATE.finditer(text):
        yield match.start(), match.end(), "plate"


def numbers(text: str) -> Iterable[Find]:
    """Phones, ID cards and bank cards."""
    for run in _RUN.finditer(text):
        yield from _in_run(text, run.start(), run.end())


def vins(text: str) -> Iterable[Find]:
    """Cars' VINs (ISO 3779): with the right check digit, or after a word that announces one."""
    for match in _VIN_ENDS.finditer(text):
        start, end = match.end() - _VIN_LENGTH, match.end()
        if start < 0 or not _VIN.match(text, start):
            continue
        if is_vin(text[start:end].upper()) or _VIN_AHEAD.search(text, max(0, start - 16), start):
            yield start, end, "vin"


def is_vin(vin: str) -> bool:
    """Whether these are the 17 characters of a VIN with the right check digit, in upper case."""
    total = sum(
        weight * (int(one) if one.isdigit() else _VIN_VALUES[one])
        for weight, one in zip(_VIN_WEIGHTS, vin, strict=True)
    )
    return "0123456789X"[total % 11] == vin[_VIN_CHECK]


def _in_run(text: str, start: int, end: int) -> Iterable[Find]:
    """The finds in one run: at each group of digits, the longest row of groups that is something."""
    groups = [match.span() for match in _GROUP.finditer(text, start, end)]
    walls = _own_numbers(text, groups)
    at = 0
    while at < len(groups):
        found = None if at in walls else _longest(text, groups, at, walls, end)
        if found is None:
            at += 1
            continue
        last, kind, stop = found
        begin = groups[at][0]
        # What leads a number in belongs to it: +86, (010).
        while begin > start and text[begin - 1] in "+(":
            begin -= 1
        yield begin, stop, kind
        at = last + 1


def _own_numbers(text: str, groups: Sequence[tuple[int, int]]) -> frozenset[int]:
    """The groups that make up numbers of complaints: nothing else may reach into them."""
    return frozenset(
        at + part
        for at in range(len(groups) - 2)
        if is_number(text[groups[at][0] : groups[at + 2][1]])
        for part in range(3)
    )


def _longest(
    text: str, groups: Sequence[tuple[int, int]], at: int, walls: frozenset[int], end: int
) -> tuple[int, MaskedKind, int] | None:
    digits, best = "", None
    for last in range(at, len(groups)):
        first, stop = groups[last]
        digits += text[first:stop]
        if last in walls or len(digits) > _MOST_DIGITS:
            break
        with_x = last == len(groups) - 1 and text[stop:end] in ("X", "x")
        kind = _judge(text, groups[at : last + 1], digits, with_x=with_x)
        if kind:
            best = (last, kind, stop + (kind == "id" and len(digits) < _ID_LENGTH))
    return best


def _judge(
    text: str, groups: Sequence[tuple[int, int]], digits: str, *, with_x: bool
) -> MaskedKind | None:
    """What this row of groups is, if it is personal."""
    count = len(digits)
    if count < _FEWEST_DIGITS:
        return None
    if (count == _ID_LENGTH and is_id_card(digits)) or (
        with_x and count == _ID_LENGTH - 1 and is_id_card(digits + "X")
    ):
        return "id"
    if 15 <= count <= 19 and digits[0] in "34569" and is_luhn(digits):  # noqa: PLR2004 - lengths and issuers of ISO/IEC 7812
        lengths = ",".join(str(stop - first) for first, stop in groups)
        if _CARD_GROUPS.fullmatch(lengths):
            return "card"
    # E.164 has at most 15 digits.
    return "phone" if count <= 15 and _is_phone(text, groups, digits) else None  # noqa: PLR2004


def _is_phone(text: str, groups: Sequence[tuple[int, int]], digits: str) -> bool:
    start = groups[0][0]
    if _MOBILE.fullmatch(digits):
        return _has_plain_dots(text, groups)
    if start > 0 and text[start - 1] == "+":
        return _is_possible("+" + digits) and _has_plain_dots(text, groups)
    if digits[0] == "0":
        region = "CN" if _LANDLINE.fullmatch(digits) else "GB"
        return (
            len(digits) in _NATIONAL_DIGITS
            and _is_valid(digits, region)
            and _has_plain_dots(text, groups)
        )
    return (
        len(groups) == len(_AMERICAN) and _lengths(groups) == _AMERICAN and _is_valid(digits, "US")
    )


def _lengths(groups: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(stop - first for first, stop in groups)


def _has_plain_dots(text: str, groups: Sequence[tuple[int, int]]) -> bool:
    """Dots part a phone only as people write phones; elsewhere they belong to amounts and dates."""
    dotted = any("." in text[left[1] : right[0]] for left, right in pairwise(groups))
    return not dotted or _lengths(groups) in _DOTTED_GROUPS


def _is_valid(number: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False


def _is_possible(number: str) -> bool:
    """Whether it has the form of a number of its country: with a plus it is meant as one, be it in use or not."""
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False
