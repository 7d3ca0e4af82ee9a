"""A text as hashed features: words, and letters side by side, in Chinese and English.

A feature is a 32-bit number, the same in every process. Chinese: words (rjieba), single characters
and two side by side, also across words. English and figures: words, two words side by side, and
four letters side by side within a word.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zlib import crc32

import rjieba

from services.routing.policy.plain import lowered

_LATIN: Final = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[?!]")
_HAN: Final = re.compile(r"[\u3400-\u9fff]+")
_PIECE: Final = 4
_LONGEST_WORD: Final = 30
_PAIR: Final = 65_599


def features(text: str) -> set[int]:
    """The features of a normalised text, each once."""
    small = lowered(text)
    latin = _LATIN.findall(small)
    found = set(map(_of_words, ["^", *latin], latin))
    found.update(*map(_of_latin, latin))
    if not text.isascii():
        # A space between runs keeps what ends one apart from what begins the next.
        han = " ".join(_HAN.findall(small))
        found.update(_pairs(han))
        found.update(*map(_of_han, rjieba.cut(han)))
    return found


def words(text: str) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """The words of a normalised text: start and end, in characters, and the features of the word."""
    end = 0
    for word in rjieba.cut(lowered(text)):
        start, end = end, end + len(word)
        if _HAN.fullmatch(word):
            yield start, end, _of_han(word)
        elif _LATIN.fullmatch(word):
            yield start, end, _of_latin(word)


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
