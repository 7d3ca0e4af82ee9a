"""A labelled set: texts with what is personal in them, and how much of it masking finds."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from shared.masking import mask

FILE = Path(__file__).parent / "labelled.txt"
UNSEEN = Path(__file__).parent / "unseen.txt"
FRESH = Path(__file__).parent / "fresh.txt"
FORMATTED = ("phone", "email", "id", "card", "plate", "vin")
_LABEL = re.compile(r"\{(\w+):([^{}]*)\}")
_HAN = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text without its labels, and what was labelled: kind, start, end."""

    text: str
    labels: tuple[tuple[str, int, int], ...]

    @property
    def language(self) -> str:
        return "zh" if _HAN.search(self.text) else "en"


@dataclass(slots=True)
class Score:
    """How many were labelled and found whole, and how many marks stand where one should."""

    labelled: Counter[tuple[str, str]] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    marks: Counter[tuple[str, str]] = field(default_factory=Counter)
    right: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def recall(self, kind: str, language: str | None = None) -> float:
        return _share(self.found, self.labelled, kind, language)

    def precision(self, kind: str, language: str | None = None) -> float:
        return _share(self.right, self.marks, kind, language)


def read(file: Path = FILE) -> list[Labelled]:
    lines = [one for one in file.read_text(encoding="utf-8").splitlines() if one[:1] != "#"]
    return [_read(line.replace("⏎", "\n")) for line in lines if line]


def score(texts: list[Labelled]) -> Score:
    """Something is found when all of it is masked, by whatever mark; a mark is right when it covers something."""
    result = Score()
    for one in texts:
        marks = _marks(one.text)
        for kind, start, end in one.labels:
            key = (kind, one.language)
            result.labelled[key] += 1
            inside = [mark for mark in marks if mark[1] < end and mark[2] > start]
            covered = {at for mark in inside for at in range(mark[1], mark[2])}
            if all(at in covered or one.text[at] in " ,，." for at in range(start, end)):
                result.found[key] += 1
            else:
                result.missed.append(f"{kind}: {one.text[start:end]} in {one.text}")
        for kind, start, end in marks:
            key = (kind, one.language)
            result.marks[key] += 1
            if any(first < end and last > start for _, first, last in one.labels):
                result.right[key] += 1
            else:
                result.wrong.append(f"{kind}: {one.text[start:end]} in {one.text}")
    return result


def _marks(text: str) -> list[tuple[str, int, int]]:
    """Where the marks of the masked text stand in the text itself."""
    masked = mask(text)
    found: list[tuple[str, int, int]] = []
    shift = 0
    pieces = list(masked.spans)
    for at, span in enumerate(pieces):
        start = span.start + shift
        following = masked.text[span.end : pieces[at + 1].start if at + 1 < len(pieces) else None]
        if at + 1 < len(pieces):
            end = text.index(following, start + 1) if following else start + 1
        else:
            end = len(text) - len(following)
        found.append((span.kind, start, end))
        shift += (end - start) - (span.end - span.start)
    return found


def _read(line: str) -> Labelled:
    text, labels, at = "", [], 0
    for match in _LABEL.finditer(line):
        text += line[at : match.start()]
        labels.append((match[1], len(text), len(text) + len(match[2])))
        text += match[2]
        at = match.end()
    return Labelled(text + line[at:], tuple(labels))


def _share(
    part: Counter[tuple[str, str]], whole: Counter[tuple[str, str]], kind: str, language: str | None
) -> float:
    chosen = [key for key in whole if key[0] == kind and language in (None, key[1])]
    total = sum(whole[key] for key in chosen)
    return sum(part[key] for key in chosen) / total if total else 1.0
