"""Names of people, in either language."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from shared.masking.chinese import chinese_names
from shared.masking.english import english_names
from shared.masking.spans import Find
from shared.masking.tagged import tagged_names

_HAN: Final = re.compile("[\u4e00-\u9fff]")


def names(text: str) -> Iterable[Find]:
    """Names, in order, none over another."""
    end = 0
    for one in sorted(_all(text), key=lambda one: (one[0], -one[1])):
        if one[0] >= end:
            yield one
            end = one[1]


def _all(text: str) -> Iterator[Find]:
    if not text.isascii() and _HAN.search(text):
        yield from chinese_names(text)
        yield from tagged_names(text)
    yield from english_names(text)
