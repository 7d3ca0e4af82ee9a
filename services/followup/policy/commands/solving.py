"""Why it happened, whether the complaint is right, what is done about it, and what the customer says to that."""

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import Field, StrictBool

from services.followup.model import (
    Answered,
    Case,
    CauseFound,
    Decided,
    DecisionConfirmed,
    Escalated,
    Executed,
    Fact,
    Proposed,
    ProposedAction,
    Responsibility,
)
from services.followup.policy.commands.order import (
    Deeds,
    Evidence,
    Ground,
    Moment,
    Name,
    Order,
    Words,
    clean,
    clean_all,
    clean_or_none,
    missing,
    must_be_ahead,
    wrong,
)
from services.followup.policy.escalation import raised
from shared.contracts.values import Outcome
from shared.errors import FieldError

REFUSALS: Final = 3
"""So many refusals of what was proposed take the case one level up."""
GRAVE: Final = frozenset({"high", "critical"})


class FindCause(Order):
    """Why it happened, by the pack's causes; `preliminary` until the evidence is in."""

    code: Name
    text: Words
    preliminary: StrictBool = True
    evidence: Evidence = ()


def find_cause(order: FindCause, on: Ground) -> Deeds:
    known = {one.code for one in on.rules.pack.causes}
    if known and order.code not in known:
        raise wrong(
            "code", "unknown", f"is none of {', '.join(sorted(known))}", "不在策略包的根因清单中"
        )
    found = CauseFound(order.code, clean(order.text), order.preliminary, clean_all(order.evidence))
    return [on.fact(found)]


class Decide(Order):
    """Whether the complaint is right. Not upheld needs evidence, and then `confirm_decision` by a second person."""

    outcome: Outcome
    reason: Words
    evidence: Evidence = ()
    responsibility: Responsibility | None = None
    expected: Words | None = None
    standard: Words | None = None


def decide_lacks(order: Decide, _: Case) -> Iterable[FieldError]:
    """A verdict against the customer rests on evidence (R-040, R-051)."""
    if order.evidence:
        return
    if order.outcome == "not_upheld":
        yield missing("evidence", "not upheld needs evidence: name it", "认定不成立须有证据")
    elif order.responsibility == "customer":
        yield missing(
            "evidence",
            "that it is the customer's doing needs evidence: name it",
            "归责于客户须有证据",
        )


def decide(order: Decide, on: Ground) -> Deeds:
    decided = Decided(
        decision=on.case.work.decisions + 1,
        outcome=order.outcome,
        reason=clean(order.reason),
        evidence=clean_all(order.evidence),
        responsibility=order.responsibility,
        expected=clean_or_none(order.expected),
        standard=clean_or_none(order.standard),
    )
    return [on.fact(decided)]


class ConfirmDecision(Order):
    """A second person agrees with the decision. Who does not agree decides anew."""

    note: Words | None = None


def confirm_decision(order: ConfirmDecision, on: Ground) -> Deeds:
    return [on.fact(DecisionConfirmed(on.case.work.decisions, clean_or_none(order.note)))]


class ActionIn(Order):
    """One thing to be done for the customer: by whom (an account), until when."""

    what: Words
    owner: Name
    due_at: Moment


class Propose(Order):
    """What the customer is offered; `impact`: what the matter means for them, needed for high and critical."""

    actions: Annotated[tuple[ActionIn, ...], Field(min_length=1, max_length=20)]
    impact: Words | None = None

    def check(self, now: Moment) -> None:
        for at, one in enumerate(self.actions):
            must_be_ahead(f"actions.{at}.due_at", one.due_at, now)


def propose_lacks(order: Propose, case: Case) -> Iterable[FieldError]:
    if order.impact is None and case.severity in GRAVE:
        yield missing(
            "impact", "say what it means for the customer first", "请先填写此事对客户意味着什么"
        )


def propose(order: Propose, on: Ground) -> Deeds:
    round_ = len(on.case.work.solutions) + 1
    actions = tuple(
        ProposedAction(f"a{on.case.cycle}.{round_}.{at}", clean(one.what), one.owner, one.due_at)
        for at, one in enumerate(order.actions, start=1)
    )
    return [on.fact(Proposed(round_, actions, clean_or_none(order.impact)))]


class Answer(Order):
    """What the customer said to the proposal, and by which channel."""

    accepted: StrictBool
    channel: Name
    reason: Words | None = None


def answer(order: Answer, on: Ground) -> Deeds:
    return answered(
        on, accepted=order.accepted, channel=order.channel, reason=clean_or_none(order.reason)
    )


def answered(on: Ground, *, accepted: bool, channel: str, reason: str | None) -> list[Fact]:
    """The answer to the last proposal; the third no goes one level up."""
    said = Answered(len(on.case.work.solutions), accepted, channel, reason)
    found = [on.fact(said)]
    if not accepted and on.case.work.refusals + 1 == REFUSALS:
        found += escalated(on, "refused_three_times")
    return found


def escalated(on: Ground, why: str) -> list[Fact]:
    """One step up the ladder; nothing at its top."""
    above = raised(on.rules.pack, on.case.level)
    return [on.own_fact(Escalated(above, why))] if above > on.case.level else []


class Execute(Order):
    """An action of the accepted proposal is done, with what shows it."""

    action: Name
    evidence: Annotated[Evidence, Field(min_length=1)]


def execute(order: Execute, on: Ground) -> Deeds:
    solution = on.case.work.solution
    found = {one.id: one for one in solution.actions} if solution else {}
    if order.action not in found:
        raise wrong("action", "unknown", f"is none of {', '.join(found)}", "没有该执行步骤")
    if found[order.action].done_at is not None:
        raise wrong("action", "done", "is done already", "该步骤已完成")
    return [on.fact(Executed(order.action, clean_all(order.evidence)))]
