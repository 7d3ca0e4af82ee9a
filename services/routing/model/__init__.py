"""What routing's decisions take and give. Frozen values, no behaviour beyond reading them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from shared.packs.words import Kind, Severity, Urgency

Away = Literal["absent", "off_shift", "on_leave"]
PassedOverBecause = Literal[
    "absent", "off_shift", "on_leave", "full", "lacks_skill", "refused", "excluded", "other_language", "other_area",
    "farther_unit", "not_theirs", "more_load", "served_later",
]  # fmt: skip


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

    When `unsure`, the values are the likeliest (of words alone: the severity is the strictest
    candidate's): what deadlines may rest on until a person has looked, and no decision.
    `unsure_because` then says why.
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

    `team` None: there is no staff data about them, they take every team's work that nobody else is
    there for. `skills`, `languages` and `areas` None: all. `load` is their open work, each weighed
    by its severity; no more is given than `capacity` holds. `is_present`: they say that they are
    there; `is_on_duty` and `is_on_leave`: what shifts and leaves say.
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
    areas: frozenset[str] | None = None
    is_on_duty: bool = True
    is_on_leave: bool = False

    @property
    def away(self) -> Away | None:
        """Why nothing can be given to them now; None while they are there."""
        if self.is_on_leave:
            return "on_leave"
        if not self.is_on_duty:
            return "off_shift"
        return None if self.is_present else "absent"


@dataclass(frozen=True, slots=True)
class Need:
    """What a complaint needs.

    `units`: its own first, then each one above it; handlers elsewhere are not looked at. `former`:
    who had this customer's last complaint. `refused`: who gave it back in this cycle. `excluded`:
    from whom it is taken away.
    """

    team: str
    skills: frozenset[str]
    language: str
    units: Sequence[str]
    severity: Severity = "normal"
    area: str | None = None
    former: str | None = None
    refused: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()


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


@dataclass(frozen=True, slots=True)
class Judged:
    """What decides where a complaint goes and how soon: as it was decided, or as a changed pack would have it."""

    kind: Kind
    category: str
    severity: Severity
    team: str
    skills: frozenset[str]
    unsure: bool


@dataclass(frozen=True, slots=True)
class Logged:
    """A complaint as it was heard and decided, to be replayed.

    `units`: its own first, then each one above it. `met`: clock → when it was met, once the case is closed.
    `by_person`: somebody corrected what the machine had made of it.
    """

    number: str
    units: Sequence[str]
    text: str
    subject: str | None
    fields: Mapping[str, str]
    channel: str
    language: str
    received_at: datetime
    closed_at: datetime | None
    met: Mapping[str, datetime]
    by_person: bool
    judged: Judged


MOST_COMPLAINTS: Final = 10
"""A sign names so many of its last complaints."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that complaints of one cause share. `by`: `area`, `batch_no`, … or `text`; `number` finds it."""

    by: str
    value: str
    number: int


@dataclass(frozen=True, slots=True)
class Seen:
    """How many recent complaints showed a sign, and the numbers of the last of them, the newest last."""

    count: int
    complaints: tuple[str, ...]

    def with_one_more(self, complaint: str) -> "Seen":
        """The same after another complaint showed it."""
        return Seen(self.count + 1, (*self.complaints, complaint)[-MOST_COMPLAINTS:])


@dataclass(frozen=True, slots=True)
class IncidentCandidate:
    """Complaints that may have the same cause: by which sign, how many recent ones, how far it speaks (0 to 1)."""

    by: str
    value: str
    complaints: tuple[str, ...]
    count: int
    score: float
