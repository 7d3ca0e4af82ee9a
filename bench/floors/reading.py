"""The least that understanding a text can be: cut it into words, and add up the weights of its hashed features.

The same features as the model's (words, characters, two side by side, four letters of a word), with nothing else done.
"""

import re
from collections.abc import Iterator, Mapping
from zlib import crc32

import rjieba

_LATIN = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[?!]")


def read(text: str, rows: Mapping[int, int]) -> int:
    """The sum of the rows of a text's features."""
    return sum(filter(None, map(rows.get, set(_features(text.lower())))))


def _features(text: str) -> Iterator[int]:
    before = "^"
    for word in _LATIN.findall(text):
        yield crc32(f"_{word}".encode())
        yield crc32(f"{before} {word}".encode())
        edged = f"<{word}>"
        for at in range(len(edged) - 3):
            yield crc32(edged[at : at + 4].encode())
        before = word
    if text.isascii():
        return
    for word in rjieba.cut(text):
        yield crc32(f"_{word}".encode())
    for at, letter in enumerate(text):
        yield crc32(letter.encode())
        if at:
            yield ord(text[at - 1]) * 65_599 + ord(letter)
