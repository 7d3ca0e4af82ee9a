"""All words of a pack, found in one pass over a text.

Compiled once a pack version: an Aho-Corasick automaton over every word and its endings. English
words stand whole, with their usual endings; an abbreviation (ER, FCA, X) only in capitals; Chinese
words wherever they occur.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation

from services.routing.policy.plain import lowered, normalised
from shared.packs.words import Words

LONGEST_ABBREVIATION: Final = 4
SHORTEST_INFLECTED: Final = 4
_OTHER_SPACE: Final = re.compile(r"[^\S ]")


Group = tuple[str, str]
"""What words belong to: a section of the pack, and a name in it."""


class Span(NamedTuple):
    """Where a word stands, in characters, and the text's own letters in small ones."""

    start: int
    end: int
    word: str


class _Rule(NamedTuple):
    """A form of a word: the groups it belongs to, and what must hold where it stands."""

    groups: tuple[Group, ...]
    is_whole: bool
    exact: str | None


class Lexicon:
    """The words of many groups, such as a pack's kinds, categories and cues, by the groups' names."""

    def __init__(self, groups: Mapping[Group, Words]) -> None:
        forms: defaultdict[tuple[str, bool, str | None], list[Group]] = defaultdict(list)
        for group, words in groups.items():
            for form in {form for word in words.zh for form in _chinese(word)}:
                forms[form].append(group)
            for form in {form for word in words.en for form in _english(word)}:
                forms[form].append(group)
        self._rules: list[list[_Rule]] = []
        numbers: dict[str, int] = {}
        for (letters, is_whole, exact), names in forms.items():
            at = numbers.setdefault(letters, len(numbers))
            if at == len(self._rules):
                self._rules.append([])
            self._rules[at].append(_Rule(tuple(names), is_whole, exact))
        self._automaton = AhoCorasick([*numbers], implementation=Implementation.ContiguousNFA)

    def find(self, text: str) -> dict[Group, list[Span]]:
        """For each group its words in a normalised `text`, without overlaps: the first and longest win."""
        small = lowered(text)
        if _OTHER_SPACE.search(small):
            small = _OTHER_SPACE.sub(" ", small)
        if "  " in small:
            return self._find_across_spaces(text, small)
        return self._chosen(text, small)

    def _chosen(self, text: str, small: str) -> dict[Group, list[Span]]:
        found: defaultdict[Group, list[Span]] = defaultdict(list)
        for number, start, end in self._automaton.find_matches_as_indexes(small, overlapping=True):
            for rule in self._rules[number]:
                if (rule.is_whole and not _stands_whole(small, start, end)) or (
                    rule.exact is not None and text[start:end] != rule.exact
                ):
                    continue
                for group in rule.groups:
                    found[group].append(Span(start, end, small[start:end]))
        return {group: _without_overlaps(spans) for group, spans in found.items()}

    def _find_across_spaces(self, text: str, small: str) -> dict[Group, list[Span]]:
        """A gap between words may be wide; positions are still those of `text`."""
        kept = [at for at, letter in enumerate(small) if letter != " " or small[at - 1 : at] != " "]
        narrow = self._chosen("".join(text[at] for at in kept), "".join(small[at] for at in kept))
        return {
            group: [Span(kept[one.start], kept[one.end - 1] + 1, one.word) for one in spans]
            for group, spans in narrow.items()
        }


def _without_overlaps(spans: list[Span]) -> list[Span]:
    if len(spans) == 1:
        return spans
    spans.sort(key=lambda span: (span.start, -span.end))
    kept: list[Span] = []
    for span in spans:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


def _stands_whole(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return not ((before.isascii() and before.isalnum()) or (after.isascii() and after.isalnum()))


def _chinese(word: str) -> list[tuple[str, bool, str | None]]:
    plain = normalised(word)
    small = lowered(plain)
    return [(small, False, None if small == plain else plain)]


def _english(word: str) -> list[tuple[str, bool, str | None]]:
    """A word with its usual endings; an abbreviation as it is."""
    plain = " ".join(normalised(word).split())
    small = lowered(plain)
    last = plain.rsplit(maxsplit=1)[-1]
    if last.isupper() and len(last) <= LONGEST_ABBREVIATION:
        return [(small, True, plain)]
    if not last.isalpha() or len(last) < SHORTEST_INFLECTED:
        return [(small, True, None)]
    has_e = last.endswith("e") and len(last) > SHORTEST_INFLECTED
    endings = ("", "s", "d", "ing") if has_e else ("", "s", "es", "ed", "ing")
    return [(small + ending, True, None) for ending in endings]
