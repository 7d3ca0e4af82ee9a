"""What happened to a case."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Discriminator

from services.followup.model import done, incidents, remedies, timed
from shared.contracts.values import CaseStateName, Kind, Language, Outcome, Severity

CallbackResult = Literal["satisfied", "neutral", "dissatisfied", "unreached", "skipped"]
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
    area: str | None = None
    authority: str | None = None
    authority_due_at: datetime | None = None
    """Which authority passed it on, and by when it wants its answer."""
    name: Literal["received"] = "received"


@dataclass(frozen=True, slots=True)
class Understood:
    """Routing understood it; `categories` best first. When unsure, the strictest candidate's values.

    `cues`: what in the text raised the severity.
    """

    kind: Kind
    categories: tuple[str, ...]
    severity: Severity
    unsure: bool
    cues: tuple[str, ...] = ()
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
    who: str | None = None


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
    """The case moved up the ladder to `level`; `why`: the missed clock, what the ladder names, or who asked."""

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
    | Escalated
    | done.Refused
    | done.Asked
    | done.FactsRecorded
    | done.Noted
    | done.Replied
    | done.CauseFound
    | done.Decided
    | done.DecisionConfirmed
    | done.Proposed
    | done.Answered
    | done.Executed
    | done.TaskGiven
    | done.TaskDone
    | done.Overdue
    | done.VisitPlanned
    | done.Visited
    | done.MessageAdded
    | done.MessageReviewed
    | done.PromiseDone
    | done.RecourseTold
    | done.Withdrawn
    | done.HandedOver
    | done.OutsideAnswered
    | done.Marked
    | remedies.RemedyProposed
    | remedies.RemedyDecided
    | remedies.RemedyAnswered
    | remedies.PayoutRequested
    | remedies.PayoutSettled
    | remedies.PayoutReversed
    | remedies.RemedyExpired
    | timed.Paused
    | timed.Unpaused
    | timed.ExtensionAsked
    | timed.ExtensionDecided
    | timed.ClockAsked
    | timed.PackAdopted
    | timed.Urged
    | timed.Supervised
    | timed.EscalationTaken
    | timed.CallClaimed
    | timed.CallTried
    | timed.CallLinked
    | timed.SecondCheckPlanned
    | timed.SecondCheckCame
    | timed.SecondCheckSettled
    | incidents.IncidentJoined
    | incidents.IncidentLeft
    | incidents.IncidentMoved
    | incidents.IncidentGrew,
    Discriminator("name"),
]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a case: when (UTC), by whom, in which cycle.

    `order` is its place in what its source says about the complaint; a command's, how many facts there were before it.
    """

    what: What
    at: datetime
    by: str
    cycle: int = FIRST_CYCLE
    order: int = 0
