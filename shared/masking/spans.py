"""What masking finds, and how finds are taken out of a text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

MaskedKind = Literal["phone", "email", "id", "card", "plate", "vin", "name", "address"]
Known = tuple[str, MaskedKind]
"""Something known to be personal, such as the complainant's own name."""
Find = tuple[int, int, MaskedKind]
"""Start and end in the text, and what it is."""

_BLANK: Final = "\0"
# Full-width forms are read as what they stand for, one character for one.
_WIDE_FORMS: Final = re.compile(
    "[\uff0b\uff0d\uff0e\uff10-\uff19\uff20-\uff3a\uff41-\uff5a\u3000\ufe63\u2010-\u2015\u2212]"
)
_NARROW: Final = (
    {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
    | dict.fromkeys((0xFE63, *range(0x2010, 0x2016), 0x2212), ord("-"))
    | {0x3000: ord(" ")}
)


@dataclass(frozen=True, slots=True)
class Span:
    """Something taken out: where its mark stands in the masked text."""

    kind: MaskedKind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without the personal data that was found; each find became `[kind]`."""

    text: str
    spans: tuple[Span, ...] = ()


def narrow(text: str) -> str:
    """The text with full-width forms as what they stand for, as long as before."""
    return text.translate(_NARROW) if not text.isascii() and _WIDE_FORMS.search(text) else text


def take_out(plain: str, found: Iterable[Find], finds: list[Find]) -> str:
    """Note what was found and blank it, character for character, so that nothing else sees it."""
    parts: list[str] = []
    at = 0
    for one in found:
        start, end, _ = one
        if start < at:
            continue
        parts += (plain[at:start], _BLANK * (end - start))
        at = end
        finds.append(one)
    return "".join((*parts, plain[at:])) if parts else plain


def joined(text: str, finds: Iterable[Find]) -> Masked:
    """The text with marks for what was found, in order."""
    parts: list[str] = []
    spans: list[Span] = []
    at, length = 0, 0
    for start, end, kind in finds:
        mark = f"[{kind}]"
        parts += (text[at:start], mark)
        length += start - at
        spans.append(Span(kind, length, length + len(mark)))
        length += len(mark)
        at = end
    return Masked("".join((*parts, text[at:])), tuple(spans))


def exactly(text: str, value: str, kind: MaskedKind) -> Iterable[Find]:
    """Where a known value stands; a Latin one only as whole words."""
    start = text.find(value)
    while start >= 0:
        end = start + len(value)
        if not (_is_inside(text, start) or _is_inside(text, end)):
            yield start, end, kind
        start = text.find(value, end)


def _is_inside(text: str, at: int) -> bool:
    """Whether a word of Latin letters goes on at this place."""
    return (
        0 < at < len(text) and text[at - 1 : at + 1].isascii() and text[at - 1 : at + 1].isalnum()
    )
