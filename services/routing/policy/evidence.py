"""Finding a pack's words in a text: longest first, whole words in English, not after a "not"."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

from services.routing.model import Evidence
from shared.packs.words import Words

LONGEST_ABBREVIATION = 4
SHORTEST_INFLECTED = 4
FIELD_WEIGHT = 0.5
"""A word in a field (product, shop, …) says less than one in the customer's own sentence."""

_SPOKEN = frozenset({"text", "subject", "remedy_sought"})
_ZH_NEGATION = re.compile(
    r"(?<![是有会能要])(?:并没有|没有|没|不是|并非|并不|不存在|毫无|未|不|别)"
    r"(?:人员?|任何|什么|发生|造成|出现|导致|有|会|是|太|很|再|怎么|被|谁)*\Z"
)
_ZH_NOT_ONLY = re.compile(r"(?:不仅|不但|不光|不只)(?:是|仅)?\Z")
_EN_NEGATION = re.compile(
    r"\b(?:not|no|never|nobody|none|without|neither|cannot|\w+n't)"
    r"(?:\s+(?!only\b)[\w'-]+){0,2}\s+\Z",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,.;:!?，。；：！？、\n]|\bbut\b|但是?|可是", re.IGNORECASE)
_NEGATION_REACH = 40
_LETTER = re.compile(r"[A-Za-z]")


def places_of(*, text: str, subject: str | None, fields: Mapping[str, str]) -> dict[str, str]:
    """Where evidence is looked for: the text, the subject and the fields, each by name, normalised."""
    places = {"text": text, "subject": subject or "", **fields}
    return {name: normalised(value) for name, value in places.items() if value.strip()}


def normalised(text: str) -> str:
    """Full-width letters and curly quotes made plain, every character staying in its position."""
    plain = text.replace("\u2019", "'").replace("\u2018", "'")
    if plain.isascii():
        return plain
    folded = (unicodedata.normalize("NFKC", char) for char in plain)
    return "".join(new if len(new) == 1 else old for new, old in zip(folded, plain, strict=True))


def find_words(
    words: Words, places: Mapping[str, str], *, negatable: bool = True
) -> tuple[Evidence, ...]:
    """Each place where a word stands, the longest word winning where two overlap; negated ones left
    out.

    The same word twice in one place counts once.
    """
    found: dict[tuple[str, str], Evidence] = {}
    for place, text in places.items():
        share = 1.0 if place in _SPOKEN else FIELD_WEIGHT
        for start, end, word in _spans(words, text):
            if (place, word) in found or (negatable and is_negated(text, start)):
                continue
            found[place, word] = Evidence(word, place, start, end, weight_of(word) * share)
    return tuple(found.values())


def weight_of(word: str) -> float:
    """What a word counts for: the longer the phrase, the surer."""
    length = len(word.split()) if word.isascii() else len(word) - 1
    return (1.0, 1.5, 2.0)[min(max(length, 1), 3) - 1]


def is_negated(text: str, start: int) -> bool:
    """Whether what stands at `start` follows a "not" in the same clause ("没有人受伤", "nobody was
    injured").
    """
    before = text[max(0, start - _NEGATION_REACH) : start]
    clause = before
    for stop in _CLAUSE.finditer(before):
        clause = before[stop.end() :]
    if not clause:
        return False
    if _ZH_NOT_ONLY.search(clause):
        return False
    return bool(_ZH_NEGATION.search(clause) or _EN_NEGATION.search(clause))


def without_covered(
    groups: Mapping[str, Sequence[Evidence]],
) -> dict[str, tuple[Evidence, ...]]:
    """The groups without evidence that lies inside a longer span of any group: longer beats
    shorter.
    """
    everything = [item for group in groups.values() for item in group]
    return {
        name: tuple(item for item in group if not any(_covers(big, item) for big in everything))
        for name, group in groups.items()
    }


def _covers(big: Evidence, small: Evidence) -> bool:
    return (
        big.place == small.place
        and big.start <= small.start
        and small.end <= big.end
        and big.end - big.start > small.end - small.start
    )


def _spans(words: Words, text: str) -> list[tuple[int, int, str]]:
    """Non-overlapping hits in the order they stand, from both languages."""
    # Most texts are in one language, most words in the other: those cannot have a hit.
    chinese = _zh_pattern(words.zh, only_ascii=text.isascii())
    english = _en_pattern(words.en) if _LETTER.search(text) else None
    hits = [
        (match.start(), match.end(), match.group().lower())
        for pattern in (chinese, english)
        if pattern
        for match in pattern.finditer(text)
    ]
    hits.sort(key=lambda hit: (hit[0], hit[0] - hit[1]))
    kept: list[tuple[int, int, str]] = []
    for hit in hits:
        if not kept or hit[0] >= kept[-1][1]:
            kept.append(hit)
    return kept


@lru_cache(maxsize=4096)
def _zh_pattern(words: tuple[str, ...], *, only_ascii: bool) -> re.Pattern[str] | None:
    plain = {normalised(word) for word in words}
    chosen = {word for word in plain if word.isascii()} if only_ascii else plain
    ordered = sorted(chosen, key=lambda word: (-len(word), word))
    return re.compile("|".join(map(re.escape, ordered))) if ordered else None


@lru_cache(maxsize=4096)
def _en_pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    ordered = sorted({normalised(word) for word in words}, key=lambda word: (-len(word), word))
    if not ordered:
        return None
    alternatives = "|".join(map(_en_word, ordered))
    # Where no word can begin, the alternatives are not tried one by one.
    first = "".join(sorted({re.escape(word[0].lower()) for word in ordered}))
    return re.compile(
        rf"(?<![A-Za-z0-9])(?=[{first}])(?:{alternatives})(?![A-Za-z0-9])", re.IGNORECASE
    )


def _en_word(word: str) -> str:
    """A word with its usual endings; an abbreviation (ER, FCA, X) only in capitals and as it is."""
    body = r"\s+".join(re.escape(part) for part in word.split())
    last = word.rsplit(maxsplit=1)[-1]
    if last.isupper() and len(last) <= LONGEST_ABBREVIATION:
        return f"(?-i:{body})"
    if not last.isalpha() or len(last) < SHORTEST_INFLECTED:
        return body
    ending = "s|d|ing" if last.endswith("e") and len(last) > SHORTEST_INFLECTED else "s|es|ed|ing"
    return f"{body}(?:{ending})?"
