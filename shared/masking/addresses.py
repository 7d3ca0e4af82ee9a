"""Postal addresses: a road with its number, a building with its room, a post box, a postcode."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from shared.masking.spans import Find

_HAN: Final = "\u4e00-\u9fff"
_COUNT: Final = r"(?:[0-9]{1,5}|[一二三四五六七八九十百零〇]{1,5})"
_PLACES: Final = "小区|花园|花苑|公寓|新村|家园|大厦|广场|公馆|社区|山庄|别墅|雅苑|名苑|国际|中心|苑|府|城|湾|庭|园|村|里|居|邸"
_ROOM: Final = rf"(?:[A-Za-z]?-?{_COUNT}[ ]?(?:室|房|号房)|[0-9]{{3,4}}(?![0-9元块个年月天度次小]))"
_INSIDE: Final = rf"(?:[ ，,]?(?:{_COUNT}|[A-Za-z]|[甲乙丙丁东西南北])[ ]?(?:号楼|号院|栋|幢|座|期|组团|单元|楼|层|门|区))"
# Where something in a Chinese address is sure: a road's number, or a building with what is inside it.
_ANCHOR: Final = re.compile(
    rf"(?:路|街|大道|巷|弄|胡同|道|里|村|坊|段)[ ]?{_COUNT}[ ]?(?:号|弄|附)(?![线店台机柜])(?:院|附{_COUNT}号)?"
    rf"(?:[ ，,]?(?:[{_HAN}]{{2,8}}?(?:{_PLACES})))?{_INSIDE}{{0,4}}(?:[ ，,]?{_ROOM})?"
    rf"|(?:{_PLACES})?{_INSIDE}{{1,4}}[ ，,]?{_ROOM}"
    rf"|(?:{_PLACES}){_INSIDE}{{1,4}}"
    rf"|(?:{_PLACES})[ ]?[0-9]{{1,3}}[-–—#][0-9]{{1,4}}(?:[-–—][0-9]{{1,4}})?(?:室)?"
)
# Nothing is an address without one of these behind a number: they are quick to look for.
_INSIDES: Final = re.compile("[号弄附栋幢座期组单楼室区门房#–—-]")
_COUNTED: Final = frozenset("0123456789一二三四五六七八九十百零〇甲乙丙丁东西南北 ") | frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
# What stands before an address and is no part of it.
_STOPS: Final = re.compile(
    "地址(?:是|为|在)?[：:]?|家庭住址|住址[：:]?|家住|住在|位于|坐落于|送到|寄到|寄往|发到|搬到|送至|寄至|我家在|我家|我们家|我们|"
    "现住|住|在|到|去|从|于|是|的|给|为|往|向|把|被|跟|和(?![平谐睦顺泰])|与|及|来|了|说|我|你|他|她|您|对|至|将|请|由|就|家(?![庄园口港界])|这|那|该|"
    f"[^{_HAN}0-9A-Za-z·]"
)
_LONGEST_LEAD: Final = 30
_MOST_LEAD: Final = 26

_STREETS: Final = (
    "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Close|Court|Ct|Boulevard|Blvd|Way|Place|Pl|Terrace|Square|Sq|"
    "Crescent|Gardens|Grove|Hill|Row|Mews|Parkway|Highway|Walk|Quay|Rise|View"
)
_WORD: Final = r"(?:[A-Z][A-Za-z'’.-]*|[0-9]{1,3}(?:st|nd|rd|th))"
_UK: Final = r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}\b"
_ENGLISH: Final = re.compile(
    rf"(?:\b(?:Flat|Apt|Apartment|Unit|Suite|Room|Building|House|Block)\.? #?[0-9A-Z]{{1,5}}\b,? ?)?"
    rf"\b[0-9]{{1,5}}[A-Za-z]?(?:[-/][0-9]{{1,4}})?,? (?:{_WORD} ){{1,4}}(?:{_STREETS})\b\.?(?: (?:NW|NE|SW|SE|[NSEW])\b)?"
    rf"(?:,? ?(?:Flat|Apt|Apartment|Unit|Suite|Room|#)\.? ?#?[0-9A-Z]{{1,5}}\b)?"
    rf"(?:(?:,? ?[A-Z][a-z]+(?: [A-Z][a-z]+)?){{0,2}},? ?(?:{_UK}|[A-Z]{{2}} [0-9]{{5}}(?:-[0-9]{{4}})?\b)|,(?: [A-Z][a-z]+){{1,2}}(?=[.,;\n]|\Z))?"
    rf"|\bP\.?O\.? ?Box [0-9]{{1,6}}\b"
    rf"|\b(?:Flat|Apt|Apartment|Suite) #?[0-9]{{1,4}}[A-Za-z]?\b"
    rf"|\b{_UK}"
)
_NUMBERED: Final = re.compile(r"[0-9][0-9A-Za-z/-]{0,8},? [A-Z0-9]|[0-9][A-Z]{2}(?![A-Za-z])")
_BOXED: Final = re.compile(r"(?:Box|Flat|Apt|Apartment|Suite) ")


def addresses(text: str) -> Iterable[Find]:
    """Addresses, in order, none over another."""
    end = 0
    for start, stop in sorted(_all(text)):
        if start >= end:
            yield start, stop, "address"
            end = stop
        elif stop > end:
            yield end, stop, "address"
            end = stop


def _all(text: str) -> Iterator[tuple[int, int]]:
    if not text.isascii() and _is_counted(text):
        for match in _ANCHOR.finditer(text):
            yield _lead(text, match.start()), match.end()
    if _NUMBERED.search(text) or _BOXED.search(text):
        for match in _ENGLISH.finditer(text):
            yield match.span()


def _is_counted(text: str) -> bool:
    return any(text[at.start() - 1 : at.start()] in _COUNTED for at in _INSIDES.finditer(text))


def _lead(text: str, start: int) -> int:
    """Where an address begins whose road's or building's name ends at `start`."""
    lowest = max(0, start - _LONGEST_LEAD)
    last = lowest
    for stop in _STOPS.finditer(text, lowest, start):
        last = stop.end()
    return last if start - last <= _MOST_LEAD else start
