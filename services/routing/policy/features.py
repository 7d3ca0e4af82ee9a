"""A text as hashed features: words, and letters side by side, in Chinese and English.

A feature is a 32-bit number, the same in every process. Chinese: words (rjieba), single characters
and two side by side, also across words. English and figures: words, two words side by side, and
four letters side by side within a word. Beside them: which categories the pack's words point to.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zlib import crc32

import rjieba

from services.routing.policy.plain import lowered, normalised

_LATIN: Final = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[?!]")
_HAN: Final = re.compile(r"[\u3400-\u9fff]+")
_PIECE: Final = 4
_LONGEST_WORD: Final = 30
_PAIR: Final = 65_599
_SURE: Final = 1.5
_INFLECTED: Final = 4
"""The shortest English word that is also taken with its endings."""


@lru_cache(maxsize=64)
def features(text: str) -> frozenset[int]:
    """The features of a normalised text, each once. Kept for a moment: whoever finds its like asks for them again."""
    small = lowered(text)
    latin = _LATIN.findall(small)
    found = set(map(_of_words, ["^", *latin], latin))
    found.update(*map(_of_latin, latin))
    if not text.isascii():
        # A space between runs keeps what ends one apart from what begins the next.
        han = " ".join(_HAN.findall(small))
        found.update(_pairs(han))
        found.update(*map(_of_han, _cut(han)))
    return frozenset(found)


Spans = list[tuple[int, int, tuple[int, ...]]]


@lru_cache(maxsize=8)
def words(text: str) -> Spans:
    """The words of a normalised text: start and end, in characters, and the features of the word.

    Kept for a moment, as `features` is.
    """
    small = lowered(text)
    found: Spans = [(*word.span(), _of_latin(word[0])) for word in _LATIN.finditer(small)]
    runs = list(_HAN.finditer(small)) if not small.isascii() else []
    starts = iter(runs)
    end = next(starts).start() if runs else 0
    for piece in _cut(" ".join(run[0] for run in runs)) if runs else ():
        if piece == " ":
            end = next(starts).start()
            continue
        start, end = end, end + len(piece)
        found.append((start, end, _of_han(piece)))
    return found


@lru_cache(maxsize=8)
def _cut(han: str) -> list[str]:
    """Runs of Chinese characters, a space between them, cut into words: by both that ask for them."""
    return rjieba.cut(han)


def pointed(points: Mapping[str, float]) -> list[int]:
    """The features of what a pack's words point to, by label, and what they count for."""
    most = max(points.values(), default=0.0)
    found = []
    for label, count in points.items():
        shown, surely, mostly = _of_label(label)
        found.append(shown)
        if count >= _SURE:
            found.append(surely)
        if count == most:
            found.append(mostly)
    return found


def group(name: str) -> int:
    """The number of a group of words that say the same; no text has it."""
    return crc32(f"@{name}".encode())


def saying(zh: Iterable[str], en: Iterable[str]) -> set[int]:
    """The features by which words show: those that are one feature, English ones with their endings."""
    found = {one for word in zh for one in _said_zh(lowered(normalised(word)))}
    return found | {one for word in en for one in _said_en(_LATIN.findall(lowered(word)))}


def _said_zh(word: str) -> list[int]:
    match len(word):
        case 1:
            return [crc32(word.encode())]
        case 2:
            return _pairs(word)
        case _:
            return [crc32(f"_{word}".encode())]


def _said_en(said: list[str]) -> list[int]:
    match said:
        case [word]:
            return [crc32(f"_{form}".encode()) for form in _forms(word)]
        case [first, second]:
            return [_of_words(first, second)]
        case _:
            return []


def _forms(word: str) -> tuple[str, ...]:
    if len(word) < _INFLECTED:
        return (word,)
    bare = word.removesuffix("e")
    return (word, f"{word}s", f"{bare}ed", f"{bare}ing")


@lru_cache(maxsize=5_000)
def _of_label(label: str) -> tuple[int, int, int]:
    """Shown at all, shown surely, shown most."""
    return (
        crc32(f"#{label}".encode()),
        crc32(f"##{label}".encode()),
        crc32(f"#1{label}".encode()),
    )


def _pairs(run: str) -> list[int]:
    """Two characters at a time; no two pairs of Chinese characters have the same number."""
    codes = [*map(ord, run)]
    return [first * _PAIR + second for first, second in pairwise(codes)]


@lru_cache(maxsize=50_000)
def _of_words(first: str, second: str) -> int:
    return crc32(f"{first} {second}".encode())


@lru_cache(maxsize=50_000)
def _of_han(word: str) -> tuple[int, ...]:
    return (crc32(f"_{word}".encode()), *(crc32(char.encode()) for char in word))


@lru_cache(maxsize=50_000)
def _of_latin(word: str) -> tuple[int, ...]:
    edged = f"<{word[:_LONGEST_WORD]}>"
    pieces = (edged[at : at + _PIECE] for at in range(len(edged) - _PIECE + 1))
    return (crc32(f"_{word}".encode()), *(crc32(piece.encode()) for piece in pieces))
