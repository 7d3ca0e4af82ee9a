"""What a pack's words say in a text: longest first, whole words in English, not after a "not"."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import lru_cache

from services.routing.model import Evidence
from services.routing.policy.lexicon import Group, Lexicon
from services.routing.policy.plain import normalised
from shared.packs.words import Words

__all__ = ["find_words", "gather", "is_negated", "normalised", "places_of", "without_covered"]

_ALONE: Group = ("", "")
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
_ANY_NEGATION = re.compile(r"[没不并毫未别]|\b(?:no|ne|wi|ca)|n't", re.IGNORECASE)
"""What stands in every "not": where it does not, nothing needs to be looked at closely."""
_CLAUSE = re.compile(r"[,.;:!?，。；：！？、\n]|\bbut\b|但是?|可是", re.IGNORECASE)
_NEGATION_REACH = 40


def places_of(*, text: str, subject: str | None, fields: Mapping[str, str]) -> dict[str, str]:
    """Where evidence is looked for: the text, the subject and the fields, each by name, normalised."""
    places = {"text": text, "subject": subject or "", **fields}
    return {name: normalised(value) for name, value in places.items() if value.strip()}


def gather(
    lexicon: Lexicon, places: Mapping[str, str], *, unnegatable: Collection[Group] = ()
) -> dict[Group, tuple[Evidence, ...]]:
    """For each group of words that shows: where, negated ones left out.

    In groups that are `unnegatable` a "not" changes nothing. The same word twice in one place
    counts once.
    """
    found: defaultdict[Group, dict[tuple[str, str], Evidence]] = defaultdict(dict)
    for place, text in places.items():
        share = 1.0 if place in _SPOKEN else FIELD_WEIGHT
        may_negate = bool(_ANY_NEGATION.search(text))
        negated: dict[int, bool] = {}
        for group, spans in lexicon.find(text).items():
            one = found[group]
            can_be = may_negate and group not in unnegatable
            for start, end, word in spans:
                if (place, word) in one:
                    continue
                if can_be:
                    if start not in negated:
                        negated[start] = is_negated(text, start)
                    if negated[start]:
                        continue
                one[place, word] = Evidence(word, place, start, end, weight_of(word) * share)
    return {group: tuple(one.values()) for group, one in found.items() if one}


def find_words(
    words: Words, places: Mapping[str, str], *, negatable: bool = True
) -> tuple[Evidence, ...]:
    """Each place where a word stands, as `gather` finds it."""
    found = gather(_lexicon_of(words), places, unnegatable=() if negatable else (_ALONE,))
    return found.get(_ALONE, ())


@lru_cache(maxsize=1024)
def _lexicon_of(words: Words) -> Lexicon:
    return Lexicon({_ALONE: words})


def weight_of(word: str) -> float:
    """What a word counts for: the longer the phrase, the surer."""
    length = len(word.split()) if word.isascii() else len(word) - 1
    return (1.0, 1.5, 2.0)[min(max(length, 1), 3) - 1]


def is_negated(text: str, start: int) -> bool:
    """Whether what stands at `start` follows a "not" in the same clause ("没有人受伤", "nobody was
    injured").
    """
    reach = max(0, start - _NEGATION_REACH)
    if not _ANY_NEGATION.search(text, reach, start):
        return False
    before = text[reach:start]
    clause = before
    for stop in _CLAUSE.finditer(before):
        clause = before[stop.end() :]
    if not clause:
        return False
    if _ZH_NOT_ONLY.search(clause):
        return False
    return bool(_ZH_NEGATION.search(clause) or _EN_NEGATION.search(clause))


def without_covered(
    groups: Mapping[str, tuple[Evidence, ...]],
) -> dict[str, tuple[Evidence, ...]]:
    """The groups without evidence that lies inside a longer span of any group: longer beats
    shorter.
    """
    spans = {(item.place, item.start, -item.end) for group in groups.values() for item in group}
    covered = set()
    last, end = "", 0
    for span in sorted(spans):
        place, _, minus_end = span
        if place != last:
            last, end = place, 0
        if -minus_end <= end:
            covered.add(span)
        end = max(end, -minus_end)
    if not covered:
        return dict(groups)
    return {
        name: tuple(item for item in group if (item.place, item.start, -item.end) not in covered)
        for name, group in groups.items()
    }
