"""What followup answers."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel

from services.followup.model import CallbackResult, ClockFact, Fact
from services.followup.policy.customer import CustomerView, Offer
from services.followup.policy.lifecycle import COMMANDS, GUARDS, STATES
from services.followup.store import WHAT
from shared.contracts.followup import CaseBody
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
    Outcome,
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

HIDDEN: Final = frozenset({"name", "code_sha256"})
"""Parts of facts that a timeline does not show."""


class CaseOut(BaseModel):
    """A case as it is now."""

    id: str
    number: str
    unit: str
    state: CaseStateName
    cycle: int
    kind: Kind | None
    category: str | None
    severity: Severity | None
    owner: Owner
    clocks: tuple[CaseClock, ...]
    promises: tuple[Promise, ...]
    outcome: Outcome | None
    version: int
    unsure: bool
    resolution: Resolution | None
    callback_result: CallbackResult | None
    escalation_level: int
    received_at: datetime
    acknowledged_at: datetime | None
    contacted_at: datetime | None
    closed_at: datetime | None
    finding: Finding | None
    decision: Decision | None
    solutions: tuple[Solution, ...]
    tasks: tuple[HelperTask, ...]
    visits: tuple[Visit, ...]
    questions: tuple[Question, ...]
    awaiting_review: tuple[AwaitingReview, ...]
    reply: Reply | None
    recourse: tuple[str, ...]
    outside: tuple[Outside, ...]
    waiting_for: tuple[str, ...]
    extension: ExtensionOpen | None
    urged: int
    supervised: int
    supervised_until: datetime | None
    taken_level: int
    callback_tries: int
    remedies: tuple[CaseRemedy, ...]
    incident: InIncident | None


class MomentOut(BaseModel):
    """One fact of a case: what, when (`at`), by whom, and when it was recorded."""

    at: datetime
    recorded_at: datetime
    by: str
    cycle: int
    fact: str
    detail: dict[str, Any]


class ListOut(BaseModel):
    """A whole list."""

    items: list[Any]
    next: None = None


class WordsOut(BaseModel):
    """The same in both languages."""

    zh: str
    en: str


class StepOut(BaseModel):
    """One of the four steps, and when it was done."""

    name: Literal["listen", "understand", "solve", "improve"]
    zh: str
    en: str
    done_at: datetime | None


class PromiseOut(BaseModel):
    """What was promised."""

    what: str
    due_at: datetime
    state: Literal["open", "kept", "broken"]


class NextOut(BaseModel):
    """What comes next, and by when."""

    zh: str
    en: str
    by: datetime | None


class OfferedOut(BaseModel):
    """One thing that we propose to do, and by when."""

    what: str
    due_at: datetime


class OfferOut(BaseModel):
    """What we propose; a yes or no is asked for."""

    round: int
    actions: list[OfferedOut]


class ResultOut(BaseModel):
    """What came out, and why."""

    outcome: Outcome
    reason: str
    remedy: str | None
    told_at: datetime


class CustomerOut(BaseModel):
    """Where a complaint stands, for who made it."""

    number: str
    received_at: datetime
    state: WordsOut
    closed: bool
    steps: list[StepOut]
    promises: list[PromiseOut]
    next: NextOut | None
    offer: OfferOut | None
    questions: list[str]
    result: ResultOut | None
    recourse: list[str]
    may: list[str]


def case_out(complaint: str, unit: str, body: CaseBody) -> CaseOut:
    """A case as the API shows it."""
    shown = {
        name: getattr(body, name)
        for name in CaseOut.model_fields
        if name in type(body).model_fields
    }
    outcome = body.resolution.outcome if body.resolution else None
    return CaseOut(id=complaint, unit=unit, outcome=outcome, **shown)


def timeline(
    facts: Iterable[tuple[Fact, datetime]], clock_facts: Iterable[tuple[ClockFact, datetime]]
) -> list[MomentOut]:
    """Everything that happened, in the order of when it happened."""
    found = [
        MomentOut(
            at=fact.at,
            recorded_at=recorded,
            by=fact.by,
            cycle=fact.cycle,
            fact=fact.what.name,
            detail=_shown(WHAT.dump_python(fact.what, mode="json")),
        )
        for fact, recorded in facts
    ]
    found += [
        MomentOut(
            at=fact.at,
            recorded_at=recorded,
            by="followup",
            cycle=fact.cycle,
            fact=f"clock_{fact.fact}",
            detail=_shown(
                {
                    "clock": fact.clock,
                    "due_at": fact.due_at,
                    "rule": fact.rule,
                    "fraction": fact.fraction,
                }
            ),
        )
        for fact, recorded in clock_facts
    ]
    return sorted(found, key=lambda one: (one.recorded_at, one.at))


def _shown(detail: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in detail.items()
        if name not in HIDDEN and value not in (None, "")
    }


def customer_out(view: CustomerView) -> CustomerOut:
    """The customer's view as the API shows it."""
    return CustomerOut(
        number=view.number,
        received_at=view.received_at,
        state=WordsOut(zh=view.state.zh, en=view.state.en),
        closed=view.is_closed,
        steps=[
            StepOut.model_validate(
                {"name": one.name, "zh": one.words.zh, "en": one.words.en, "done_at": one.done_at}
            )
            for one in view.steps
        ],
        promises=[
            PromiseOut(what=one.what, due_at=one.due_at, state=one.state) for one in view.promises
        ],
        next=NextOut(zh=view.next.words.zh, en=view.next.words.en, by=view.next.by)
        if view.next
        else None,
        offer=_offer(view.offer) if view.offer else None,
        questions=list(view.questions),
        result=ResultOut.model_validate(view.resolution, from_attributes=True)
        if view.resolution
        else None,
        recourse=list(view.recourse),
        may=list(view.may),
    )


def _offer(offer: Offer) -> OfferOut:
    actions = [OfferedOut(what=what, due_at=due_at) for what, due_at in offer.actions]
    return OfferOut(round=offer.round, actions=actions)


def lifecycle_out() -> dict[str, Any]:
    """The lifecycle's table as the API shows it."""
    return {
        "states": [{"name": one.name, "zh": one.zh, "en": one.en} for one in STATES.values()],
        "commands": [
            {
                "name": one.name,
                "zh": one.zh,
                "en": one.en,
                "states": one.states,
                "roles": one.roles,
                "who": one.who,
                "for_customers": one.for_customers,
                "guards": one.guards,
                "facts": one.facts,
                "to": one.to,
                "body": one.order.model_json_schema(),
            }
            for one in COMMANDS.values()
        ],
        "guards": [
            {"name": one.name, "zh": one.zh, "message": one.message} for one in GUARDS.values()
        ],
    }
