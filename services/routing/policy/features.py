"""A text as hashed features: words, and letters side by side, in Chinese and English.

A feature is a 32-bit number, the same in every process. Chinese: words (rjieba), single characters
and two side by side, also across words. English and figures: words, two words side by side, and
four letters side by side within a word.
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zlib import crc32

import rjieba

from services.routing.policy.plain import lowered

_RUNS: Final = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[\u3400-\u9fff]+|[?!]")
_HAN: Final = "\u3400"
_PIECE: Final = 4
_LONGEST_WORD: Final = 30
_PAIR: Final = 65_599


def features(text: str) -> set[int]:
    """The features of a normalised text, each once."""
    found: set[int] = set()
    before = "^"
    for run in _RUNS.findall(lowered(text)):
        if run >= _HAN:
            found.update(_pairs(run))
            for word in rjieba.cut(run):
                found.update(_of_han(word))
            before = "^"
        else:
            word = run[:_LONGEST_WORD]
            found.update(_of_latin(word))
            found.add(_of_words(before, word))
            before = word
    return found


def words(text: str) -> list[tuple[int, int, tuple[int, ...]]]:
    """The words of a normalised text: start and end, in characters, and the features that lie in it."""
    found: list[tuple[int, int, tuple[int, ...]]] = []
    for match in _RUNS.finditer(lowered(text)):
        run, at = match.group(), match.start()
        if run < _HAN:
            found.append((at, match.end(), _of_latin(run[:_LONGEST_WORD])))
            continue
        for word in rjieba.cut(run):
            found.append((at, at + len(word), (*_of_han(word), *_pairs(word))))
            at += len(word)
    return found


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
    edged = f"<{word}>"
    pieces = (edged[at : at + _PIECE] for at in range(len(edged) - _PIECE + 1))
    return (crc32(f"_{word}".encode()), *(crc32(piece.encode()) for piece in pieces))
