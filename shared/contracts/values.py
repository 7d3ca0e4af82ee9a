"""Values that events share. The words are those of the architecture page."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["complaint", "grumble", "inquiry", "suggestion", "praise"]
Severity = Literal["low", "normal", "high", "critical"]
Urgency = Literal["batch", "standard", "same_day", "immediate"]
Language = Literal["zh", "en", "other"]
CaseStateName = Literal[
    "received", "assigned", "accepted", "investigating", "solution_proposed", "executing",
    "resolved", "callback", "closed", "withdrawn",
]  # fmt: skip
Outcome = Literal["upheld", "partly_upheld", "not_upheld"]
ClockState = Literal["running", "paused", "met", "breached", "cancelled"]

CHANNELS = (
    "phone", "email", "web", "app", "miniapp", "wechat", "wecom", "chat", "social", "walk_in", "letter",
    "regulator", "sensor", "import",
)  # fmt: skip
CONTACT_TYPES = ("phone", "email", "wechat", "wecom", "webhook", "address")
SEVERITIES: tuple[Severity, ...] = ("low", "normal", "high", "critical")


class Value(BaseModel):
    """A frozen part of an event."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Attachment(Value):
    """A file that came with a complaint; its name stays in the vault."""

    id: str
    size: int
    media_type: str


class Evidence(Value):
    """Why a category was thought of: the words found and where (`text`, `subject` or a field's name)."""

    word: str
    where: str
    weight: float


class Category(Value):
    """One candidate category, best first in lists."""

    code: str
    score: float
    evidence: tuple[Evidence, ...] = ()


class Cue(Value):
    """What in the text or fields raised the severity."""

    id: str
    matched: str
    effect: Literal["critical", "high"]


class Owner(Value):
    """Who answers: the handler is an account's id."""

    team: str | None = None
    handler: str | None = None


class CaseClock(Value):
    """A named deadline. Times are UTC; `statutory_due_at` may never be passed."""

    name: str
    state: ClockState
    started_at: datetime
    due_at: datetime
    statutory_due_at: datetime | None = None
    breached_at: datetime | None = None
    met_at: datetime | None = None


class Promise(Value):
    """What the customer was told will happen, and by when."""

    id: str
    what: str
    due_at: datetime
    made_at: datetime
    state: Literal["open", "kept", "broken"] = "open"


class Resolution(Value):
    """The outcome with its reason and remedy, and when the customer was told. Texts are masked."""

    outcome: Outcome
    reason: str
    remedy: str | None = None
    told_at: datetime
    resolved_at: datetime
