"""What people did to a case, by command or by message. Texts are masked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.contracts.values import Outcome

Responsibility = Literal["ours", "partner", "customer", "nobody"]


@dataclass(frozen=True, slots=True)
class Refused:
    """The handler of the assignment at that place gave it back."""

    assignment: int
    handler: str
    reason: str
    name: Literal["refused"] = "refused"


@dataclass(frozen=True, slots=True)
class Asked:
    """The customer was asked: texts by the question's id."""

    questions: Mapping[str, str]
    name: Literal["asked"] = "asked"


@dataclass(frozen=True, slots=True)
class FactsRecorded:
    """What came to be known, by the pack's fact; `answers` are the questions that this answers."""

    values: Mapping[str, str]
    answers: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    name: Literal["facts_recorded"] = "facts_recorded"


@dataclass(frozen=True, slots=True)
class Noted:
    """A note for colleagues."""

    text: str
    attachments: tuple[str, ...] = ()
    name: Literal["noted"] = "noted"


@dataclass(frozen=True, slots=True)
class Replied:
    """Staff answered the customer: in free text, or by a template of the pack's."""

    id: str
    text: str | None = None
    template: str | None = None
    channel: str | None = None
    attachments: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    apologised: bool = False
    name: Literal["replied"] = "replied"


@dataclass(frozen=True, slots=True)
class CauseFound:
    """Why it happened, by the pack's causes; a later one replaces an earlier one."""

    code: str
    text: str
    preliminary: bool
    evidence: tuple[str, ...] = ()
    name: Literal["cause_found"] = "cause_found"


@dataclass(frozen=True, slots=True)
class Decided:
    """Whether the complaint is right; the `decision`th of the cycle."""

    decision: int
    outcome: Outcome
    reason: str
    evidence: tuple[str, ...] = ()
    responsibility: Responsibility | None = None
    expected: str | None = None
    standard: str | None = None
    name: Literal["decided"] = "decided"


@dataclass(frozen=True, slots=True)
class DecisionConfirmed:
    """A second person agreed with that decision."""

    decision: int
    note: str | None = None
    name: Literal["decision_confirmed"] = "decision_confirmed"


@dataclass(frozen=True, slots=True)
class ProposedAction:
    """One thing to be done: by an account, until a time."""

    id: str
    what: str
    owner: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Proposed:
    """The customer was offered this, the `round`th time in the cycle."""

    round: int
    actions: tuple[ProposedAction, ...]
    impact: str | None = None
    name: Literal["proposed"] = "proposed"


@dataclass(frozen=True, slots=True)
class Answered:
    """What the customer said to the proposal of that round, and how it came."""

    round: int
    accepted: bool
    channel: str
    reason: str | None = None
    name: Literal["answered"] = "answered"


@dataclass(frozen=True, slots=True)
class Executed:
    """An action of the accepted proposal is done."""

    action: str
    evidence: tuple[str, ...]
    name: Literal["executed"] = "executed"


@dataclass(frozen=True, slots=True)
class TaskGiven:
    """Another team is to help."""

    id: str
    what: str
    team: str
    due_at: datetime
    owner: str | None = None
    name: Literal["task_given"] = "task_given"


@dataclass(frozen=True, slots=True)
class TaskDone:
    """The other team did it, or says why it cannot."""

    id: str
    finding: str
    evidence: tuple[str, ...] = ()
    name: Literal["task_done"] = "task_done"


@dataclass(frozen=True, slots=True)
class Overdue:
    """The time of an action or a task passed and it was not done."""

    what: Literal["action", "task"]
    id: str
    name: Literal["overdue"] = "overdue"


@dataclass(frozen=True, slots=True)
class Going:
    """Who goes to the place, and as what."""

    role: str
    account: str


@dataclass(frozen=True, slots=True)
class VisitPlanned:
    """People are to go to the place."""

    id: str
    visit_at: datetime
    visitors: tuple[Going, ...]
    name: Literal["visit_planned"] = "visit_planned"


@dataclass(frozen=True, slots=True)
class Visited:
    """They were there, at `visited_at` where that was earlier. `witness`: which of the customer's side signed."""

    id: str
    findings: str
    photos: tuple[str, ...] = ()
    witness: str | None = None
    visited_at: datetime | None = None
    name: Literal["visited"] = "visited"


@dataclass(frozen=True, slots=True)
class MessageAdded:
    """Somebody added to the complaint."""

    message_id: str
    by_complainant: bool
    channel: str
    text: str
    attachments: tuple[str, ...] = ()
    name: Literal["message_added"] = "message_added"


@dataclass(frozen=True, slots=True)
class MessageReviewed:
    """A person looked at a message, or an answer in it was understood."""

    message_id: str
    note: str | None = None
    name: Literal["message_reviewed"] = "message_reviewed"


@dataclass(frozen=True, slots=True)
class PromiseDone:
    """What was promised happened."""

    promise: str
    evidence: str
    name: Literal["promise_done"] = "promise_done"


@dataclass(frozen=True, slots=True)
class RecourseTold:
    """The customer was told where else to turn; `by_letter`: the letter of the closing tells it."""

    where: tuple[str, ...]
    by_letter: bool = False
    name: Literal["recourse_told"] = "recourse_told"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The customer takes the complaint back."""

    reason: str
    name: Literal["withdrawn"] = "withdrawn"


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A body outside the company has it: the ombudsman, 12315, a court."""

    id: str
    body: str
    reference: str
    reason: str
    name: Literal["handed_over"] = "handed_over"


@dataclass(frozen=True, slots=True)
class OutsideAnswered:
    """What that body found."""

    id: str
    result: str
    name: Literal["outside_answered"] = "outside_answered"


@dataclass(frozen=True, slots=True)
class Marked:
    """A step that the pack's clocks wait for was done: `power_restored`, `samples_sealed`. At `done_at`."""

    step: str
    done_at: datetime
    evidence: tuple[str, ...] = ()
    name: Literal["marked"] = "marked"
