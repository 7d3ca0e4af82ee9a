"""The case that its facts fold into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.followup.model.facts import CallbackResult, Received
from services.followup.model.timed import NOT_TIMED, Timed
from shared.contracts.values import (
    AwaitingReview,
    CaseRemedy,
    CaseStateName,
    Decision,
    Finding,
    HelperTask,
    InIncident,
    Kind,
    Outside,
    Owner,
    Promise,
    Question,
    Reply,
    Resolution,
    Severity,
    Solution,
    Visit,
)


@dataclass(frozen=True, slots=True)
class Work:
    """What was done in the present cycle; messages and outside bodies are those of all cycles."""

    apologised_at: datetime | None = None
    finding: Finding | None = None
    decision: Decision | None = None
    decisions: int = 0
    solutions: tuple[Solution, ...] = ()
    tasks: tuple[HelperTask, ...] = ()
    visits: tuple[Visit, ...] = ()
    questions: tuple[Question, ...] = ()
    reply: Reply | None = None
    known: Mapping[str, str] = field(default_factory=dict)
    """What was recorded, by the name of the pack's fact."""
    awaiting_review: tuple[AwaitingReview, ...] = ()
    recourse: tuple[str, ...] = ()
    outside: tuple[Outside, ...] = ()
    withdrawn_at: datetime | None = None
    remedies: tuple[CaseRemedy, ...] = ()
    """Those of all cycles: money outlives a cycle."""

    @property
    def solution(self) -> Solution | None:
        """What was proposed last."""
        return self.solutions[-1] if self.solutions else None

    @property
    def refusals(self) -> int:
        """How often the customer said no."""
        return sum(one.answer == "refused" for one in self.solutions)


NOTHING_DONE = Work()


@dataclass(frozen=True, slots=True)
class Understanding:
    """One understanding of routing's, by its place in routing's stream."""

    order: int
    at: datetime
    kind: Kind
    categories: tuple[str, ...]
    severity: Severity
    unsure: bool
    cues: tuple[str, ...] = ()


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
    triages: tuple[Triage, ...]
    """The stretches of this cycle in which a person had to look, in their order."""
    promises: tuple[Promise, ...]
    resolution: Resolution | None
    callback_due_at: datetime | None
    callback_result: CallbackResult | None
    callbacks: int
    """How often the callback was settled in this cycle."""
    level: int
    work: Work = NOTHING_DONE
    timed: Timed = NOT_TIMED
    incident: InIncident | None = None

    @property
    def understanding(self) -> Understanding | None:
        """The present understanding, or None before there is one."""
        return self.understandings[-1] if self.understandings else None

    @property
    def kind(self) -> Kind | None:
        return self.understanding.kind if self.understanding else None
