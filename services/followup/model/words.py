"""Which words of a text can be searched for: pairs of Han characters beside each other, and other words as they are."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

MOST_WORDS: Final = 12_000
MOST_TERMS: Final = 20
LONGEST: Final = 60
_RUN: Final = re.compile("([\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f]+)|([^\\W_]+)")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand one behind the other; of `is_beginning` the last is only how a word begins."""

    words: tuple[str, ...]
    is_beginning: bool = False


def indexed(text: str, marks: Iterable[str] = ()) -> list[str]:
    """The words of a text in their order, so that phrases can be found; then its marks (`mark`)."""
    found = [
        word
        for run, is_han in _runs(text)
        for word in (_pairs(run, last=True) if is_han else [run])
    ]
    return [*found[:MOST_WORDS], *marks]


def wanted(text: str) -> list[Phrase]:
    """What of a text has to be there: each run of Han characters as a phrase, each other word from its beginning."""
    found: list[Phrase] = []
    for run, is_han in _runs(text):
        if not is_han or len(run) == 1:
            found.append(Phrase((run,), is_beginning=True))
        else:
            found.append(Phrase(tuple(_pairs(run, last=False))))
    return found[:MOST_TERMS]


def mark(kind: str, value: str) -> str:
    """A word that no text has, for what a case is marked with: its unit, a reference's token."""
    return f"zz{kind}{hashlib.sha256(value.encode()).hexdigest()[:20]}"


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    for found in _RUN.finditer(unicodedata.normalize("NFKC", text).casefold()):
        han, other = found.groups()
        yield (han, True) if han else (other[:LONGEST], False)


def _pairs(run: str, *, last: bool) -> Iterator[str]:
    """Each two characters beside each other; `last`: the last one alone too, so that it is found by itself."""
    for at in range(len(run) - 1):
        yield run[at : at + 2]
    if last or len(run) == 1:
        yield run[-1]
