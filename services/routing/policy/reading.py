"""A text read by a pack's words, once: what the decisions on kind, category and cues look into."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.routing.model import Evidence
from services.routing.policy.evidence import gather
from services.routing.policy.lexicon import Lexicon
from shared.packs.model import Pack
from shared.packs.words import Words

_NAMED_THINGS = frozenset({"product", "shop", "area"})
"""Fields that name things: a smoke detector is no smoke, so danger is not looked for there."""


@dataclass(frozen=True, slots=True)
class Found:
    """The places that were read, and the evidence of each group of words that shows in them."""

    places: Mapping[str, str]
    evidence: Mapping[str, tuple[Evidence, ...]]

    def kind(self, kind: str, how: str) -> tuple[Evidence, ...]:
        """A kind's strong words (`how` is `!`) or its others."""
        return self.evidence.get(f"kind:{kind}{how}", ())

    def category(self, code: str, *, spoken: bool) -> tuple[Evidence, ...]:
        """A category's words; `spoken`: only where the customer speaks."""
        evidence = self.evidence.get(f"category:{code}", ())
        return _spoken(evidence) if spoken else evidence

    def cue(self, cue: str) -> tuple[Evidence, ...]:
        """A cue's words, where the customer speaks."""
        return _spoken(self.evidence.get(f"cue:{cue}", ()))

    def sign(self, kind: str, sign: str) -> bool:
        """Whether a scope, emotion or wish shows, where the customer speaks."""
        return bool(_spoken(self.evidence.get(f"{kind}:{sign}", ())))

    @property
    def spoken(self) -> dict[str, str]:
        """The places where the customer speaks."""
        return {name: text for name, text in self.places.items() if name not in _NAMED_THINGS}


def read(pack: Pack, places: Mapping[str, str]) -> Found:
    """Look for all words of `pack` in normalised `places`."""
    words = pack.derived(_words)
    return Found(places, gather(words.lexicon, places, unnegatable=words.unnegatable))


def _spoken(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    if not evidence or not any(one.place in _NAMED_THINGS for one in evidence):
        return evidence
    return tuple(one for one in evidence if one.place not in _NAMED_THINGS)


@dataclass(frozen=True, slots=True)
class _PackWords:
    lexicon: Lexicon
    unnegatable: frozenset[str]


def _words(pack: Pack) -> _PackWords:
    groups: dict[str, Words] = {}
    for kind in pack.kinds:
        groups |= {f"kind:{kind.id}!": kind.strong, f"kind:{kind.id}": kind.words}
    groups |= {f"category:{one.code}": one.keywords for one in pack.taxonomy}
    groups |= {f"cue:{one.id}": one.examples for one in pack.cues}
    signs = {
        f"{kind}:{one.id}": one
        for kind, section in (
            ("scope", pack.scopes),
            ("emotion", pack.emotions),
            ("want", pack.wants),
        )
        for one in section
    }
    groups |= {group: one.words for group, one in signs.items()}
    others = (group for group, one in signs.items() if not one.negatable)
    categories = (f"category:{one.code}" for one in pack.taxonomy if not one.negatable)
    cues = (f"cue:{one.id}" for one in pack.cues if not one.negatable)
    return _PackWords(Lexicon(groups), frozenset((*categories, *cues, *others)))
