"""What followup keeps: facts about a case and about its clocks, and the case they fold into. All frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Discriminator

from shared.contracts.values import (
    CaseStateName,
    Kind,
    Language,
    Outcome,
    Owner,
    Promise,
    Resolution,
    Severity,
)

CallbackResult = Literal["satisfied", "neutral", "dissatisfied", "unreached", "skipped"]
ClockFactName = Literal[
    "started", "replanned", "cancelled", "stopped", "ended", "warned", "breached"
]
FIRST_CYCLE = 1


@dataclass(frozen=True, slots=True)
class Received:
    """Intake accepted the complaint. At `received_at`."""

    number: str
    code_sha256: str
    channel: str
    language: Language
    complainant_id: str
    anonymous: bool
    reachable: bool
    pack: str
    pack_version: str
    opened_at: datetime
    name: Literal["received"] = "received"


@dataclass(frozen=True, slots=True)
class Understood:
    """Routing understood it; `categories` best first. When unsure, the strictest candidate's values."""

    kind: Kind
    categories: tuple[str, ...]
    severity: Severity
    unsure: bool
    name: Literal["understood"] = "understood"


@dataclass(frozen=True, slots=True)
class TriageRequested:
    """Routing asked for a person to look."""

    name: Literal["triage_requested"] = "triage_requested"


@dataclass(frozen=True, slots=True)
class Assigned:
    """Routing gave it to a handler (an account's id)."""

    team: str
    handler: str
    name: Literal["assigned"] = "assigned"


@dataclass(frozen=True, slots=True)
class Unassigned:
    """Routing took it from its handler."""

    handler: str
    reason: str
    name: Literal["unassigned"] = "unassigned"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The acknowledgement went out; or there is nobody to send it to, and number and code in the 202 count."""

    by_message: bool
    name: Literal["acknowledged"] = "acknowledged"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The handler took it on. `assignment` is the place of the assignment that was accepted."""

    assignment: int
    name: Literal["accepted"] = "accepted"


@dataclass(frozen=True, slots=True)
class Promised:
    """What the customer was told will happen. The text is masked."""

    id: str
    what: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Contacted:
    """A person spoke with the customer. Without `heard` it was an attempt that reached nobody."""

    heard: bool
    restated: bool
    apologised: bool
    promised: Promised | None
    name: Literal["contacted"] = "contacted"


@dataclass(frozen=True, slots=True)
class Passed:
    """The work went through a state on its way."""

    state: CaseStateName
    name: Literal["passed"] = "passed"


@dataclass(frozen=True, slots=True)
class Resolved:
    """The remedy is done and the customer was told. Texts are masked."""

    outcome: Outcome
    reason: str
    remedy: str | None
    told_at: datetime
    name: Literal["resolved"] = "resolved"


@dataclass(frozen=True, slots=True)
class CallbackPlanned:
    """When the customer will be asked."""

    due_at: datetime
    name: Literal["callback_planned"] = "callback_planned"


@dataclass(frozen=True, slots=True)
class CallbackCame:
    """The time to ask the customer has come."""

    name: Literal["callback_came"] = "callback_came"


@dataclass(frozen=True, slots=True)
class CallbackSettled:
    """The customer was asked, or will not be, and why. The note is masked."""

    result: CallbackResult
    note: str | None
    name: Literal["callback_settled"] = "callback_settled"


@dataclass(frozen=True, slots=True)
class Closed:
    """The case ended."""

    name: Literal["closed"] = "closed"


@dataclass(frozen=True, slots=True)
class Reopened:
    """The next cycle began; the fact's cycle is the new one. `level` is where it goes on. The reason is masked."""

    reason: str
    level: int
    name: Literal["reopened"] = "reopened"


@dataclass(frozen=True, slots=True)
class PromiseMissed:
    """The time of a promise passed and nothing had happened."""

    promise: str
    name: Literal["promise_missed"] = "promise_missed"


@dataclass(frozen=True, slots=True)
class Escalated:
    """The case moved up the ladder to `level`; `why` is the clock that was missed."""

    level: int
    why: str
    name: Literal["escalated"] = "escalated"


What = Annotated[
    Received
    | Understood
    | TriageRequested
    | Assigned
    | Unassigned
    | Acknowledged
    | Accepted
    | Contacted
    | Passed
    | Resolved
    | CallbackPlanned
    | CallbackCame
    | CallbackSettled
    | Closed
    | Reopened
    | PromiseMissed
    | Escalated,
    Discriminator("name"),
]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a case: when (UTC), by whom, in which cycle.

    `order` is its place in what its source says about the complaint; 0 for followup's own.
    """

    what: What
    at: datetime
    by: str
    cycle: int = FIRST_CYCLE
    order: int = 0


@dataclass(frozen=True, slots=True)
class Understanding:
    """One understanding of routing's, by its place in routing's stream."""

    order: int
    at: datetime
    kind: Kind
    categories: tuple[str, ...]
    severity: Severity
    unsure: bool


@dataclass(frozen=True, slots=True)
class Triage:
    """A stretch in which a person had to look: from its first request (`episode`) to what ended it.

    `basis` is the place of its last request.
    """

    episode: int
    basis: int
    started_at: datetime
    severity: Severity | None
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class Case:
    """What the facts say of a case. `happened` holds the facts of this cycle that clocks start and stop by."""

    received: Received
    received_at: datetime
    state: CaseStateName
    cycle: int
    began_at: datetime
    understandings: tuple[Understanding, ...]
    severity: Severity | None
    owner: Owner
    assignment: int
    is_accepted: bool
    happened: Mapping[str, datetime]
    triage: Triage | None
    promises: tuple[Promise, ...]
    resolution: Resolution | None
    callback_due_at: datetime | None
    callback_result: CallbackResult | None
    callbacks: int
    """How often the callback was settled in this cycle."""
    level: int

    @property
    def understanding(self) -> Understanding | None:
        """The present understanding, or None before there is one."""
        return self.understandings[-1] if self.understandings else None

    @property
    def kind(self) -> Kind | None:
        return self.understanding.kind if self.understanding else None


@dataclass(frozen=True, slots=True)
class ClockFact:
    """One thing that happened to one clock of one cycle; only ever added.

    Plans (`started`, `replanned`, `cancelled`) rest on the understanding at place `basis`, in force from `since`.
    A clock that runs anew within a cycle does so in a later `episode`.
    """

    cycle: int
    clock: str
    fact: ClockFactName
    at: datetime
    episode: int = 0
    basis: int = 0
    since: datetime | None = None
    started_at: datetime | None = None
    due_at: datetime | None = None
    statutory_due_at: datetime | None = None
    term: str = ""
    calendar: str = ""
    rule: str = ""
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """When a clock is due, by which rule."""

    clock: str
    started_at: datetime
    due_at: datetime
    statutory_due_at: datetime | None
    term: str
    calendar: str
    rule: str
    basis: int = 0
    since: datetime | None = None
    episode: int = 0
