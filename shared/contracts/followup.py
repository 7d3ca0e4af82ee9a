"""What followup says, on `redress.cases`. Subject: the complaint's id.

Every `case.*` body is the whole case, so that a consumer can keep the last one and stop.
"""

from datetime import datetime
from typing import ClassVar, Literal

from shared.contracts.envelope import Body
from shared.contracts.values import (
    AwaitingReview,
    CaseClock,
    CaseRemedy,
    CaseStateName,
    Decision,
    ExtensionOpen,
    Finding,
    HelperTask,
    InIncident,
    Kind,
    Language,
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


class CaseBody(Body):
    """The whole case, as it is after what happened. `version` grows by one with each change."""

    source: ClassVar[str] = "followup"

    number: str
    state: CaseStateName
    cycle: int
    version: int
    channel: str
    language: Language
    complainant_id: str
    reachable: bool
    kind: Kind | None = None
    category: str | None = None
    severity: Severity | None = None
    unsure: bool = False
    owner: Owner = Owner()
    clocks: tuple[CaseClock, ...] = ()
    promises: tuple[Promise, ...] = ()
    resolution: Resolution | None = None
    callback_result: (
        Literal["satisfied", "neutral", "dissatisfied", "unreached", "skipped"] | None
    ) = None
    escalation_level: int = 1
    received_at: datetime
    opened_at: datetime
    acknowledged_at: datetime | None = None
    contacted_at: datetime | None = None
    closed_at: datetime | None = None
    pack: str
    pack_version: str
    by: str = "followup"
    """Who did it: an account, a key, or the service itself."""
    what: str = ""
    """What happened, as a command's or fact's name."""
    finding: Finding | None = None
    decision: Decision | None = None
    solutions: tuple[Solution, ...] = ()
    """Everything proposed in this cycle, the last one last."""
    tasks: tuple[HelperTask, ...] = ()
    visits: tuple[Visit, ...] = ()
    questions: tuple[Question, ...] = ()
    awaiting_review: tuple[AwaitingReview, ...] = ()
    reply: Reply | None = None
    recourse: tuple[str, ...] = ()
    """Where else the customer was told to turn, or is told with the closing."""
    outside: tuple[Outside, ...] = ()
    waiting_for: tuple[str, ...] = ()
    """What its clocks stand still for, by the pack's reasons."""
    extension: ExtensionOpen | None = None
    urged: int = 0
    """How often somebody asked to hurry (催办)."""
    supervised: int = 0
    """How often it was put under supervision (督办)."""
    supervised_until: datetime | None = None
    taken_level: int = 1
    """The highest level of the ladder at which somebody has taken note."""
    callback_tries: int = 0
    remedies: tuple[CaseRemedy, ...] = ()
    """What the customer was or is to be offered, of all cycles, the last one last."""
    incident: InIncident | None = None
    """The incident behind it, if there is one: it keeps clocks and closing of its own."""


class CaseOpened(CaseBody):
    """Followup opened the case, once per complaint."""

    name: ClassVar[str] = "case.opened.v1"


class CaseChanged(CaseBody):
    """Anything about the case changed that has no event of its own."""

    name: ClassVar[str] = "case.changed.v1"


class CaseEscalated(CaseBody):
    """The case moved up the ladder; `escalation_level` is the new level, `what` the clock or reason."""

    name: ClassVar[str] = "case.escalated.v1"


class CaseResolved(CaseBody):
    """The remedy is done and the customer was told. Once per cycle."""

    name: ClassVar[str] = "case.resolved.v1"


class CaseClosed(CaseBody):
    """The customer agreed, was told where else to turn, or withdrew (state `withdrawn`). Once per cycle."""

    name: ClassVar[str] = "case.closed.v1"


class CaseRefused(CaseBody):
    """Its handler gave the case back: somebody else is to get it. The reason is masked."""

    name: ClassVar[str] = "case.refused.v1"

    handler: str = ""
    """Who gave it back; `owner` has no handler any more."""
    reason: str = ""


class CaseReopened(CaseBody):
    """The next cycle began: assigned again, at least high."""

    name: ClassVar[str] = "case.reopened.v1"


class ClockBody(Body):
    """One clock of one cycle, as it is after what happened."""

    source: ClassVar[str] = "followup"

    number: str
    cycle: int
    clock: CaseClock


class ClockStarted(ClockBody):
    """A deadline began to run."""

    name: ClassVar[str] = "clock.started.v1"


class ClockWarned(ClockBody):
    """A fraction of the time of a clock is used up."""

    name: ClassVar[str] = "clock.warned.v1"

    fraction: float


class ClockPaused(ClockBody):
    """The clock stands still: for what the case waits for. It runs again at `resumes_at` at the latest."""

    name: ClassVar[str] = "clock.paused.v1"


class ClockResumed(ClockBody):
    """The clock runs again; its deadline moved by the counted time that it stood still."""

    name: ClassVar[str] = "clock.resumed.v1"


class ClockExtended(ClockBody):
    """A second person put the deadline off: the customer is to be told."""

    name: ClassVar[str] = "clock.extended.v1"

    was_due_at: datetime


class ClockBreached(ClockBody):
    """The deadline passed without the step done. Once per clock."""

    name: ClassVar[str] = "clock.breached.v1"


class ClockMet(ClockBody):
    """The step a clock waits for was done."""

    name: ClassVar[str] = "clock.met.v1"


class PromiseBody(Body):
    """One promise, as it is after what happened."""

    source: ClassVar[str] = "followup"

    number: str
    cycle: int
    promise: Promise


class PromiseMade(PromiseBody):
    """The customer was told that something will happen by a time."""

    name: ClassVar[str] = "promise.made.v1"


class PromiseKept(PromiseBody):
    """It happened in time."""

    name: ClassVar[str] = "promise.kept.v1"


class PromiseBroken(PromiseBody):
    """The time passed and it had not happened. Once per promise."""

    name: ClassVar[str] = "promise.broken.v1"


class CallbackDue(Body):
    """It is time to ask the customer whether the matter is solved."""

    name: ClassVar[str] = "callback.due.v1"
    source: ClassVar[str] = "followup"

    number: str
    cycle: int
    due_at: datetime
    attempt: int = 1
    """Which try it is."""
    by: Literal["call", "link"] = "call"
    """How: a person calls, or the customer gets a link to answer by."""
    until: datetime | None = None
    """Until when a link may be answered."""
    second: bool = False
    """Whether it is the later question whether all is still well."""


class CallbackDone(Body):
    """The customer was asked, or could not be reached."""

    name: ClassVar[str] = "callback.done.v1"
    source: ClassVar[str] = "followup"

    number: str
    cycle: int
    result: Literal["satisfied", "neutral", "dissatisfied", "unreached", "skipped"]
    by: str
    done_at: datetime
    second: bool = False
