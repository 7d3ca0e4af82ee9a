"""What routing's decisions take and give. Frozen values, no behaviour beyond reading them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.packs.words import Kind, Severity, Urgency

PassedOverBecause = Literal[
    "absent", "full", "lacks_skill", "other_language", "farther_unit", "more_load", "served_later"
]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was decided: a stable code and a sentence in each language, without personal
    data.
    """

    code: str
    zh: str
    en: str

    def say(self, language: str) -> str:
        """The sentence in `language`; English for anything that is not Chinese."""
        return self.zh if language.startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class Evidence:
    """A word that was found: one of the pack's, or one that what was learnt goes by. `place` is
    `text`, `subject`, `channel` or a field's name.

    `start` and `end` are positions in that place, in characters. `weight` is what it counts for.
    """

    word: str
    place: str
    start: int
    end: int
    weight: float
    by: Literal["words", "learnt"] = "words"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A category the complaint may belong to. Scores of all candidates sum to less than 1."""

    code: str
    score: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class CueHit:
    """A severity signal that was found, and by what."""

    id: str
    effect: Literal["high", "critical"]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Manner:
    """How far it reaches (`scope`), the mood, and what the person wants: ids of the pack's signs."""

    scope: str = "one"
    emotion: str = "calm"
    wants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Understanding:
    """How a text was understood. `categories` has one to three, the most likely first.

    When `unsure`, the values are the strictest candidate's: what deadlines may rest on until a
    person has looked, and no decision. `unsure_because` then says why.
    """

    kind: Kind
    kind_score: float
    categories: tuple[Candidate, ...]
    severity: Severity
    urgency: Urgency
    cues: tuple[CueHit, ...]
    team: str
    skills: frozenset[str]
    language: str
    unsure_because: tuple[Reason, ...]
    reasons: tuple[Reason, ...]
    manner: Manner = Manner()
    model: str = "words-2"

    @property
    def unsure(self) -> bool:
        """Whether a person must look before anybody relies on it."""
        return bool(self.unsure_because)

    @property
    def category(self) -> str:
        """The code of the most likely category."""
        return self.categories[0].code


@dataclass(frozen=True, slots=True)
class HandlerSnapshot:
    """A handler at the moment of choosing.

    `team` None: the default team of the unit, which takes every team's work. `skills` and
    `languages` None: all. `load` counts open work as the store weights it; one at `capacity` takes
    no more.
    """

    id: str
    unit: str
    team: str | None
    skills: frozenset[str] | None
    languages: frozenset[str] | None
    is_present: bool
    load: int
    capacity: int
    last_assigned_at: datetime | None


@dataclass(frozen=True, slots=True)
class Need:
    """What a complaint needs.

    `units`: its own first, then each one above it; handlers elsewhere are not looked at.
    """

    team: str
    skills: frozenset[str]
    language: str
    units: Sequence[str]


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A handler who was not chosen, and why."""

    handler: str
    because: PassedOverBecause
    reason: Reason


@dataclass(frozen=True, slots=True)
class Choice:
    """The handler chosen, why, and who was passed over (the nearest to being chosen first)."""

    handler: str
    team: str
    reasons: tuple[Reason, ...]
    passed_over: tuple[PassedOver, ...]


@dataclass(frozen=True, slots=True)
class Nobody:
    """Nobody can take it now."""

    reason: Reason
    passed_over: tuple[PassedOver, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says a complaint is, and why."""

    kind: Kind
    category: str
    severity: Severity
    reason: str
