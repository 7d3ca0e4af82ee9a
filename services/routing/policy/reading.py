"""A text read by a pack's words, once: what the decisions on kind, category and cues look into."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.routing.model import Evidence
from services.routing.policy.evidence import gather
from services.routing.policy.lexicon import Group, Lexicon
from shared.packs.model import Pack
from shared.packs.words import Words

_NAMED_THINGS = frozenset({"product", "shop", "area"})
"""Fields that name things: a smoke detector is no smoke, so danger is not looked for there."""


Groups = Mapping[str, tuple[Evidence, ...]]


@dataclass(frozen=True, slots=True)
class Found:
    """The places that were read, and the evidence of each group of words that shows in them, by id.

    `kinds` has strong words under the kind with a `!`.
    """

    places: Mapping[str, str]
    kinds: Groups
    categories: Groups
    cues: Groups
    scopes: Groups
    emotions: Groups
    wants: Groups

    @property
    def spoken(self) -> dict[str, str]:
        """The places where the customer speaks."""
        return {name: text for name, text in self.places.items() if name not in _NAMED_THINGS}


def read(pack: Pack, places: Mapping[str, str]) -> Found:
    """Look for all words of `pack` in normalised `places`.

    Cues and other signs, and categories that are bad by themselves, only count where the customer
    speaks.
    """
    words = pack.derived(_words)
    found: dict[str, dict[str, tuple[Evidence, ...]]] = {section: {} for section in _SECTIONS}
    for (section, name), evidence in gather(
        words.lexicon, places, unnegatable=words.unnegatable
    ).items():
        counted = _spoken(evidence) if (section, name) in words.spoken else evidence
        if counted:
            found[section][name] = counted
    return Found(places, **found)


_SECTIONS = ("kinds", "categories", "cues", "scopes", "emotions", "wants")


def _spoken(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    if not evidence or not any(one.place in _NAMED_THINGS for one in evidence):
        return evidence
    return tuple(one for one in evidence if one.place not in _NAMED_THINGS)


@dataclass(frozen=True, slots=True)
class _PackWords:
    lexicon: Lexicon
    unnegatable: frozenset[Group]
    spoken: frozenset[Group]


def _words(pack: Pack) -> _PackWords:
    groups: dict[Group, Words] = {}
    for kind in pack.kinds:
        groups |= {("kinds", f"{kind.id}!"): kind.strong, ("kinds", kind.id): kind.words}
    groups |= {("categories", one.code): one.keywords for one in pack.taxonomy}
    groups |= {("cues", one.id): one.examples for one in pack.cues}
    signs = {
        (section, one.id): one
        for section, all_ in (
            ("scopes", pack.scopes),
            ("emotions", pack.emotions),
            ("wants", pack.wants),
        )
        for one in all_
    }
    groups |= {group: one.words for group, one in signs.items()}
    unnegatable = {("categories", one.code) for one in pack.taxonomy if not one.negatable}
    unnegatable |= {("cues", one.id) for one in pack.cues if not one.negatable}
    unnegatable |= {group for group, one in signs.items() if not one.negatable}
    spoken = {("cues", one.id) for one in pack.cues} | set(signs)
    spoken |= {
        ("categories", one.code)
        for one in pack.taxonomy
        if one.base_severity in ("high", "critical")
    }
    return _PackWords(Lexicon(groups), frozenset(unnegatable), frozenset(spoken))
