"""The parts of a pack: how to understand, how soon to answer, who answers, with what."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from shared.packs.words import Code, Kind, Part, Severity, TermText, Text, Verdict, Words
from shared.worktime.terms import Term, parse_term


class KindRule(Part):
    """The words by which a kind shows.

    `strong` ones decide alone; `words` only when nothing stronger is said.
    """

    id: Kind
    name: Text
    strong: Words = Words()
    words: Words = Words()


class Category(Part):
    """What a complaint can be about.

    `general` marks the last resort, which never beats another. `is_request`: its words name what is
    wanted (a refund) and give way to what went wrong. `negatable` false: a "not" before a keyword
    changes nothing ("no refund" is about a refund).
    """

    code: Code
    name: Text
    group: Code = "general"
    base_severity: Severity = "normal"
    team: Code
    skills: tuple[Code, ...] = ()
    keywords: Words
    facts: tuple[Code, ...] = ()
    negatable: bool = True
    is_request: bool = False
    general: bool = False


class Sign(Part):
    """What else a text shows besides kind and category: how far it reaches, a mood, a wish."""

    id: Code
    name: Text
    words: Words = Words()
    negatable: bool = True


class Cue(Part):
    """A severity signal: what in the text raises the severity, and to what.

    `above_amount` fires on money. `together_with`: it only counts where one of these cues shows
    too. `above`: it only counts where the text names a larger amount (CNY).
    """

    id: Code
    name: Text
    effect: Literal["high", "critical"]
    examples: Words
    negatable: bool = True
    above_amount: bool = False
    above: Decimal | None = Field(default=None, gt=0)
    together_with: tuple[Code, ...] = ()
    source: str = "D"
    verify: bool = False


class Alike(Part):
    """Words that say much the same, in both languages: what is learnt of one is learnt of all."""

    id: Code
    words: Words


class Downgrade(Part):
    """When a person may set a category's base severity lower, naming this rule as the reason."""

    id: Code
    category: Code
    to: Severity
    when: Text
    source: str = "D"


class Example(Part):
    """A text as a customer writes it, and what a person makes of it.

    Written alone it is a complaint without cues. `cues` are ids of the pack's cues that it shows.
    `severity` is the whole text's, where a person said it; else it follows from the other labels.
    """

    text: str = Field(min_length=1)
    kind: Kind = "complaint"
    cues: tuple[Code, ...] = ()
    severity: Severity | None = None

    @model_validator(mode="before")
    @classmethod
    def _written_alone(cls, value: object) -> object:
        return {"text": value} if isinstance(value, str) else value


class Examples(Part):
    """Texts of a category, from which understanding is learnt.

    They are added to those that the pack inherits for the same category.
    """

    category: Code
    texts: tuple[Example, ...]


class Clock(Part):
    """A named deadline.

    `targets` is what we promise, by severity (missing or null: the clock does not run). `statutory`
    is what may never be passed, whatever the target. It starts at the fact `starts` and is met by
    the fact `stops`. Empty `categories` or `channels` means all of them; a clock with a `regime`
    runs only for cases under that regulator's rule: where the pack names it in its `regimes`, or where one of the
    clock's `authorities` (12315, ombudsman) passed the complaint on. `repeats`: starts again when met, for as long as
    the case is open.
    """

    name: Code
    title: Text
    starts: Code = "received"
    stops: Code
    kinds: tuple[Kind, ...] = ("complaint",)
    categories: tuple[Code, ...] = ()
    channels: tuple[Code, ...] = ()
    authorities: tuple[str, ...] = ()
    targets: Mapping[Severity, TermText | None]
    calendar: Code = "24x7"
    pausable: bool = False
    repeats: bool = False
    optional: bool = False
    warn_at: tuple[Annotated[float, Field(gt=0, le=1)], ...] = (0.5, 0.8, 1.0)
    statutory: TermText | None = None
    statutory_source: str | None = None
    regime: Code | None = None
    source: str = "D"
    verify: bool = False

    def target(self, severity: Severity) -> Term | None:
        """The promised term for `severity`, or None where the clock does not run."""
        text = self.targets.get(severity)
        return parse_term(text) if text else None

    @property
    def statutory_term(self) -> Term | None:
        """The limit set by law, or None."""
        return parse_term(self.statutory) if self.statutory else None


class Pausing(Part):
    """When a clock may stand still, and for how long in all."""

    reasons: tuple[Code, ...]
    cap: TermText
    told: bool = True


class ExceptionDay(Part):
    """A date that differs from the weekly pattern: `open` lists its shifts, none means closed."""

    date: date
    open: tuple[str, ...] = ()
    why: str = Field(min_length=1)


class CalendarSpec(Part):
    """Opening hours as written in a pack; `shared.packs.calendars.calendar_of` makes them count.

    `open` maps days (`mon`, `mon-fri`, `daily`) to shifts such as `09:00-12:00`. `zone` missing:
    the deployment's. `holidays` is a country or country-subdivision (`CN`, `GB-ENG`, `US`).
    `complete_years` are those whose whole official schedule stands in `exceptions`, so that nothing
    else is asked for them.
    """

    id: Code
    name: Text
    zone: str | None = None
    open: Mapping[str, tuple[str, ...]]
    holidays: str | None = Field(default=None, pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")
    exceptions: tuple[ExceptionDay, ...] = ()
    complete_years: tuple[int, ...] = ()
    source: str = "D"
    verify: bool = False


class Team(Part):
    """Where handlers sit."""

    code: Code
    name: Text
    skills: tuple[Code, ...] = ()


class Fact(Part):
    """Something to know before a complaint can be solved, and how to ask for it.

    Empty `categories`: all.
    """

    id: Code
    ask: Text
    categories: tuple[Code, ...] = ()
    required: bool = True
    source: str = "D"


class Hint(Part):
    """What speaks for a verdict and which evidence it needs. Empty `categories`: all."""

    id: Code
    verdict: Verdict
    reason: Text
    evidence: Text
    categories: tuple[Code, ...] = ()
    source: str
    verify: bool = False


class Callback(Part):
    """How the check with the customer after the resolution is made.

    `calendar` is read in the zone of the customer's area where `zones` names it (an area code or its beginning → an
    IANA zone; the longest that fits holds). `claim` is how long a caller has a call for themselves.
    """

    sample: Mapping[Severity, Annotated[float, Field(ge=0, le=1)]]
    attempts: int = Field(ge=1)
    attempts_gap: TermText
    attempts_days: int = Field(ge=1)
    calendar: Code
    not_by_handler: bool = True
    zones: Mapping[str, str] = Field(default_factory=dict)
    claim: TermText = "30m"
    second_check_after: TermText | None = None
    second_check_severities: tuple[Severity, ...] = ()
    script: tuple[Text, ...]


class Question(Part):
    """One survey question."""

    id: Code
    text: Text
    scale: Literal["one_to_five", "zero_to_ten", "words"] = "one_to_five"


class Survey(Part):
    """The questions, which one says "satisfied", and from which mark on."""

    questions: tuple[Question, ...]
    satisfied_question: Code
    satisfied_from: int
    loyalty_questions: tuple[Code, ...] = ()


class Level(Part):
    """A step of the escalation ladder, lowest first. `triggers`: what brings a case here (docs/clocks.md).

    Without an acknowledgement within `acknowledge_within` (in `calendar`) the next step hears of it too.
    """

    id: Code
    role: Code
    name: Text
    enters_when: Text
    triggers: tuple[Code, ...] = ()
    acknowledge_within: TermText | None = None
    calendar: Code = "24x7"


class Letter(Part):
    """A template in one language: Jinja2 for subject and body, plain text."""

    subject: str = Field(min_length=1)
    body: str = Field(min_length=1)


class Template(Part):
    """A message. Every variable it uses is listed; each may be missing when it is written, but those in `requires`.

    `purpose` and `categories`: it takes the place of the template called `purpose` for these categories. `cues`: one of
    these must show (advice in danger).
    """

    id: Code
    audience: Literal["complainant", "staff"] = "complainant"
    purpose: Code | None = None
    categories: tuple[Code, ...] = ()
    cues: tuple[Code, ...] = ()
    variables: tuple[Code, ...]
    requires: tuple[Code, ...] = ()
    zh: Letter
    en: Letter

    def letter(self, language: str) -> Letter:
        """The template in `language`; English for anything that is not Chinese."""
        return self.zh if language.startswith("zh") else self.en


class WarningRule(Part):
    """When insight raises its hand. Empty `categories`: all."""

    id: Code
    rule: Text
    action: Text
    measure: Code
    categories: tuple[Code, ...] = ()
    per: tuple[Code, ...] = ()
    at_least: float | None = None
    within: TermText | None = None
    source: str = "D"


class Cause(Part):
    """A root cause that a closed case names."""

    code: Code
    name: Text


class Thresholds(Part):
    """Numbers the decisions use.

    Likelihoods (0 to 1) of what is learnt: below `sure_kind` and `sure_category` a person looks;
    categories from `candidate_category` on are candidates then; from `learnt_cue` on a cue counts
    though none of its words stands there; below `people_cue` a child or an old person is only
    mentioned, though a word stands there; a text that is critical with `danger` or more is at least
    high: the default reaches 97 of 100 critical examples that were not learnt from.
    """

    large_amount: Decimal
    large_amount_business: Decimal
    high_cues_make_critical: int = Field(default=3, ge=2)
    least_evidence: float = Field(default=1.0, gt=0)
    too_close: float = Field(default=0.9, gt=0, le=1)
    sure_evidence: float = Field(default=1.5, gt=0)
    sure_kind: float = Field(default=0.5, gt=0, le=1)
    sure_category: float = Field(default=0.35, gt=0, le=1)
    candidate_category: float = Field(default=0.2, gt=0, le=1)
    learnt_cue: float = Field(default=0.5, gt=0, le=1)
    people_cue: float = Field(default=0.2, gt=0, le=1)
    danger: float = Field(default=0.03, gt=0, le=1)
    questions_per_message: int = Field(default=3, ge=1)


class Source(Part):
    """Where rules come from.

    `mark`: S requirement, L law or standard that was read, L? from practice, D default.
    """

    id: Code
    title: str
    mark: Literal["S", "L", "L?", "D"]
    verify: bool = False
