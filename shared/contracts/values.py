"""Values that events share. The words are those of the architecture page."""

from datetime import datetime
from decimal import Decimal
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
ApproverRank = Literal["handler", "supervisor", "department_head", "company"]
RemedyState = Literal[
    "proposed", "rejected", "approved", "accepted", "refused", "payout_requested", "paid", "reversed", "expired",
    "replaced",
]  # fmt: skip
"""`proposed` awaits its approval; `approved` the customer's word; `accepted` its payment, or has none to wait for."""
ClockState = Literal["running", "paused", "met", "breached", "cancelled"]
IncidentState = Literal["open", "investigating", "acting", "solved", "closed"]

CHANNELS = (
    "phone", "email", "web", "app", "miniapp", "wechat", "wecom", "chat", "social", "walk_in", "letter",
    "regulator", "sensor", "import",
)  # fmt: skip
SEVERITIES: tuple[Severity, ...] = ("low", "normal", "high", "critical")


class Value(BaseModel):
    """A frozen part of an event."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Attachment(Value):
    """A file that came with a complaint; its name stays in the vault."""

    id: str
    size: int
    media_type: str


class Regulator(Value):
    """An authority that passed a complaint on: its own number for it, and its deadline."""

    authority: Literal["12345", "12315", "12398", "95598", "ombudsman", "other"]
    number: str
    due_at: datetime | None = None


class Post(Value):
    """Where a complaint was posted, and how far it is heard. Who wrote it and its link are in the vault."""

    platform: str
    kind: Literal["post", "review", "comment"] = "post"
    rating: float | None = None
    """Out of five."""
    reach: int | None = None
    """How many follow whoever wrote it, or have seen it."""
    is_public: bool = True


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
    resumes_at: datetime | None = None
    """While it is paused: when it runs again at the latest."""


class Promise(Value):
    """What the customer was told will happen, and by when."""

    id: str
    what: str
    due_at: datetime
    made_at: datetime
    state: Literal["open", "kept", "broken"] = "open"
    who: str | None = None
    """Who will do it, as the customer was told; None for the case's handler."""
    settled_at: datetime | None = None
    """When it was kept, or was known to be broken."""


class Resolution(Value):
    """The outcome with its reason and remedy, and when the customer was told. Texts are masked."""

    outcome: Outcome
    reason: str
    remedy: str | None = None
    told_at: datetime
    resolved_at: datetime


class Finding(Value):
    """Why it happened: a cause of the pack's list. `preliminary` until the evidence is in. The text is masked."""

    code: str
    text: str
    preliminary: bool = True
    evidence: tuple[str, ...] = ()
    found_at: datetime


class Decision(Value):
    """Whether the complaint is right. A verdict of not upheld holds once a second person confirmed it."""

    outcome: Outcome
    reason: str
    evidence: tuple[str, ...] = ()
    responsibility: Literal["ours", "partner", "customer", "nobody"] | None = None
    expected: str | None = None
    """What the customer expected; `standard` what is promised to everybody (R-043)."""
    standard: str | None = None
    by: str
    decided_at: datetime
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None


class SolutionAction(Value):
    """One thing to be done for the customer: by whom, until when."""

    id: str
    what: str
    owner: str
    due_at: datetime
    state: Literal["open", "done", "overdue"] = "open"
    done_at: datetime | None = None
    evidence: tuple[str, ...] = ()


class Solution(Value):
    """What was proposed to the customer, in which round, and what they said."""

    round: int
    actions: tuple[SolutionAction, ...]
    impact: str | None = None
    """What the matter means for the customer (R-056)."""
    proposed_at: datetime
    answer: Literal["accepted", "refused"] | None = None
    answered_at: datetime | None = None
    channel: str | None = None
    """How the answer came."""


class HelperTask(Value):
    """What another team does for the case; its owner stays who answers to the customer."""

    id: str
    what: str
    team: str
    owner: str | None = None
    due_at: datetime
    state: Literal["open", "done", "overdue"] = "open"
    done_at: datetime | None = None
    finding: str | None = None


class Visitor(Value):
    """Who goes to a place, and as what."""

    role: str
    account: str


class Visit(Value):
    """A visit to the place by two or more, with what was found."""

    id: str
    at: datetime
    visitors: tuple[Visitor, ...]
    state: Literal["planned", "done"] = "planned"
    done_at: datetime | None = None
    findings: str | None = None
    photos: tuple[str, ...] = ()
    witness: str | None = None


class Question(Value):
    """What the customer was asked."""

    id: str
    text: str
    asked_at: datetime
    answered_at: datetime | None = None


class AwaitingReview(Value):
    """A message of the customer's that nobody has looked at yet."""

    message_id: str
    channel: str
    added_at: datetime


class Reply(Value):
    """The last answer of staff to the customer, to be sent once by its `id`: text (masked), or a pack's template."""

    id: str
    text: str | None = None
    template: str | None = None
    channel: str | None = None
    """The channel wished for; None for the customer's own."""
    attachments: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    replied_at: datetime


class Outside(Value):
    """A body outside the company that the case was handed to: its reference, and what it found."""

    id: str
    body: str
    reference: str
    handed_at: datetime
    result: str | None = None
    result_at: datetime | None = None


class ExtensionOpen(Value):
    """An extension that was asked for and not decided yet: which clock, by how much (`3wd`), by whom."""

    id: str
    clock: str
    by: str
    asked_by: str
    asked_at: datetime


class Money(Value):
    """An amount, exact, with its currency (ISO 4217). In JSON the amount is text: `"12.50"`."""

    amount: Decimal
    currency: str


class CaseRemedy(Value):
    """What a customer was or is to be offered to make it right, by a rule of the pack. Texts of staff are masked.

    `needs`: the rank that has to approve it, None where the field settles it on the spot. `expires_at`: until when it
    is to be approved, then used. `reference` names the payment: one attempt has one reference, told again or not.
    """

    id: str
    code: str
    name_zh: str
    name_en: str
    form: Literal["money", "voucher", "points", "gift", "service"]
    amount: Money | None = None
    state: RemedyState
    reason: str
    basis_zh: str
    basis_en: str
    calculation_zh: str = ""
    calculation_en: str = ""
    needs: ApproverRank | None = None
    over_budget: bool = False
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    expires_at: datetime
    answered_at: datetime | None = None
    answer_reason: str | None = None
    instead_of: str | None = None
    """The remedy that it takes the place of: another form, another amount."""
    attempts: int = 0
    reference: str | None = None
    requested_by: str | None = None
    requested_at: datetime | None = None
    receipt: str | None = None
    paid_at: datetime | None = None
    reversed_at: datetime | None = None
    """Since when the payment is taken back: what was paid is to be had back."""


class InIncident(Value):
    """The incident that a case is part of, and how far that is."""

    id: str
    state: IncidentState
    joined_at: datetime
