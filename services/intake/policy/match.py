"""Whether a complaint is about a matter that is known: the same person's is added to it, another's is linked.

Nothing is compared with everything: numbers quoted and tokens of persons and references are looked up in indexes, so
the work does not grow with what is stored. Texts are compared of those alone that have one of these in common: a text
alone, however alike, says as little as a form letter.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import eq
from typing import Final

from services.intake.model import Likely
from shared.ids import is_number

WINDOW: Final = timedelta(hours=24)
"""How long the same person's second report by another channel counts as the same matter."""
LINK_WINDOW: Final = timedelta(days=30)
MOST_QUOTED: Final = 3
LIKELY: Final = 0.6
"""The least score of a link."""
MOST_LINKS: Final = 5
"""Links of one complaint: of a hundred alike, five tell as much."""
REPEAT: Final = 2
"""So many earlier ones about the matter make it a repeat: it is the third."""
SHINGLE: Final = 4
BINS: Final = 16
LEAST_SHINGLES: Final = 8
_MASK: Final = 0xFFFFFFFF
_EMPTY: Final = 1 << 32
_QUOTED: Final = re.compile(r"(?<![0-9])[0-9]{4}-[0-9]{4}-[0-9]{3}(?![0-9])")
_NOISE: Final = re.compile(r"[\W_]*\[\w+\]|[\W_]+")
_ODD: Final = 0x9E3779B1
"""Spreads a checksum's bits (Knuth's multiplicative hashing): the upper ones choose the bin, the lower ones compare."""
_BITS: Final = 28
_LOWER: Final = (1 << _BITS) - 1
WEIGHTS: Final = {"number_quoted": 0.9, "reference": 0.5, "contact": 0.4, "text": 0.5, "batch": 0.2}
"""How much each reason counts; together at most 1."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What is compared of a text: the MinHash; empty where there is too little text."""

    minima: tuple[int, ...] = ()

    def likeness(self, other: "Signature") -> float:
        """The share of shingles that two texts have in common, as the MinHash estimates it: 0 to 1."""
        if not self.minima or not other.minima:
            return 0.0
        shared: int = sum(map(eq, self.minima, other.minima))
        return shared / len(self.minima)

    def packed(self) -> str:
        return "".join(f"{one:08x}" for one in self.minima)

    @staticmethod
    def unpacked(text: str) -> "Signature":
        return Signature(tuple(int(text[at : at + 8], 16) for at in range(0, len(text), 8)))


def quoted_numbers(text: str) -> tuple[str, ...]:
    """The complaints' numbers that a text quotes, in order, at most three."""
    found = dict.fromkeys(one for one in _QUOTED.findall(text) if is_number(one))
    return tuple(found)[:MOST_QUOTED]


def signature_of(text: str) -> Signature:
    """The MinHash of a masked text's shingles: letters and digits only, full-width forms narrowed.

    One hash a shingle, the least of each of sixteen bins, an empty bin filled from the next (Li, Owen and Zhang, 2012;
    Shrivastava and Li, 2014): a sixteenth of the work of sixteen permutations, for the same estimate.
    """
    plain = _NOISE.sub("", unicodedata.normalize("NFKC", text).casefold())
    letters = plain.encode("utf-32-le", "surrogatepass")
    shingles = {
        zlib.crc32(letters[at : at + SHINGLE * 4])
        for at in range(0, len(letters) - SHINGLE * 4 + 1, 4)
    }
    if len(shingles) < LEAST_SHINGLES:
        return Signature()
    bins = [_EMPTY] * BINS
    for one in shingles:
        spread = one * _ODD & _MASK
        at, least = spread >> _BITS, spread & _LOWER
        if least < bins[at]:  # noqa: PLR1730 - it is done for every shingle: `min` costs three times as much
            bins[at] = least
    return Signature(_filled(bins))


def _filled(bins: Sequence[int]) -> tuple[int, ...]:
    """Every empty bin with the next one's value, marked by how far that is away."""
    size = len(bins)
    found = []
    for at in range(size):
        away = next(one for one in range(size) if bins[(at + one) % size] != _EMPTY)
        found.append(bins[(at + away) % size] | away << _BITS)
    return tuple(found)


def judge(
    shared: Mapping[str, Iterable[str]], signatures: Mapping[str, Signature], own: Signature
) -> Sequence[Likely]:
    """Which of the complaints found are likely about the same, the likeliest and latest first.

    `shared`: complaint → what kinds of thing both have; `signatures`: of their texts.
    """
    found = []
    for id_, kinds in shared.items():
        likeness = own.likeness(signatures[id_]) if id_ in signatures else 0.0
        weights = {kind: WEIGHTS[kind] for kind in set(kinds) & WEIGHTS.keys() - {"text"}}
        if likeness >= 0.5:  # noqa: PLR2004 - half of it
            weights["text"] = likeness * WEIGHTS["text"]
        score = min(1.0, sum(weights.values()))
        if score >= LIKELY:
            found.append(Likely(id_, round(score, 2), tuple(sorted(weights))))
    found.sort(key=lambda one: one.complaint_id, reverse=True)
    return sorted(found, key=lambda one: -one.score)[:MOST_LINKS]
