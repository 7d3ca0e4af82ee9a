"""How a case comes to its end, and how it goes on: resolved, called back, closed, withdrawn, reopened, handed over."""

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import Field

from services.followup.model import (
    CallbackPlanned,
    CallbackResult,
    CallbackSettled,
    Case,
    Closed,
    Fact,
    HandedOver,
    OutsideAnswered,
    Passed,
    RecourseTold,
    Reopened,
    Resolved,
    What,
    Withdrawn,
)
from services.followup.policy.callback import NoCallback, must_hold, plan_callback
from services.followup.policy.commands.order import (
    Deeds,
    Empty,
    Ground,
    Moment,
    Name,
    Order,
    Words,
    clean,
    clean_or_none,
    missing,
    must_be_one_of,
    must_have_been,
    wrong,
)
from services.followup.policy.commands.trying import tried
from services.followup.policy.escalation import raised
from services.followup.policy.reckoning import is_agreed
from shared.contracts.values import CaseStateName, Outcome
from shared.errors import FieldError

PERSON: Final = "account/"
PASSED: Final[tuple[CaseStateName, ...]] = ("investigating", "solution_proposed", "executing")
LETTER_TELLS: Final = ("supervisor", "regulator")
"""Where the letter of the closing says that the customer can turn, where nobody told them before."""


class Resolve(Order):
    """The outcome that the customer was told, what was done for them, and when they were told."""

    outcome: Outcome
    reason: Words
    remedy: Words | None = None
    told_at: Moment

    def check(self, now: Moment) -> None:
        must_have_been("told_at", self.told_at, now)


def resolve_lacks(order: Resolve, case: Case) -> Iterable[FieldError]:
    """The outcome is the decided one; one against the customer was decided by two, and helps all the same (R-072)."""
    decision = case.work.decision
    if decision is not None and decision.outcome != order.outcome:
        yield missing(
            "outcome",
            f"it was decided to be {decision.outcome}: say that, or `decide` anew",
            "与已作出的认定不一致",
        )
    if order.outcome != "not_upheld":
        return
    if decision is None:
        yield missing(
            "decision",
            "not upheld needs `decide` with evidence first",
            "认定不成立须先作出有证据的认定",
        )
    if decision is None or decision.confirmed_at is None:
        yield missing(
            "second_person",
            "a second person must `confirm_decision` first",
            "认定不成立须由第二人复核",
        )
    if order.remedy is None:
        yield missing(
            "remedy", "say how the customer was helped all the same", "须说明为客户提供了什么帮助"
        )


def resolve(order: Resolve, on: Ground) -> Deeds:
    told = Resolved(order.outcome, clean(order.reason), clean_or_none(order.remedy), order.told_at)
    return [*_passed(on), on.fact(told), _callback(on)]


def _passed(on: Ground) -> Iterable[Fact]:
    """Who settles it in one step passes through what others do step by step; the record shows both alike."""
    return () if on.case.work.solutions else map(on.fact, map(Passed, PASSED))


def _callback(on: Ground) -> Fact:
    planned = plan_callback(on.rules, on.case, complaint=on.complaint, now=on.now)
    what: What = (
        CallbackSettled("skipped", planned.reason)
        if isinstance(planned, NoCallback)
        else CallbackPlanned(planned)
    )
    return on.own_fact(what)


class Callback(Order):
    """What the customer said to the resolution; `skipped` needs a note that says why."""

    result: CallbackResult
    note: Words | None = None

    def check(self, now: Moment) -> None:  # noqa: ARG002 - as the others
        if self.result == "skipped" and self.note is None:
            raise wrong("note", "missing", "says why the callback is skipped", "跳过回访须说明原因")


def callback(order: Callback, on: Ground) -> Deeds:
    if order.result == "unreached" and on.by.startswith(PERSON):
        # A person reports a try, and the pack's plan says when it is over; a dialler has made them all.
        return tried(on, "no_answer", "phone", order.note)
    must_hold(on.case.timed.calling, on.by, on.now)
    settled = CallbackSettled(order.result, clean_or_none(order.note))
    found = [on.fact(settled, order=on.case.callbacks)]
    if settled.result == "dissatisfied":
        found.append(reopened(on, settled.note or "dissatisfied at the callback"))
    return found


class Close(Empty):
    """End the case."""


def close(_: Close, on: Ground) -> Deeds:
    found = [on.fact(Closed())]
    if not is_agreed(on.case):
        found.insert(0, on.own_fact(RecourseTold(LETTER_TELLS, by_letter=True)))
    return found


class Reopen(Order):
    """Why it goes on."""

    reason: Words


def reopen(order: Reopen, on: Ground) -> Deeds:
    return [reopened(on, clean(order.reason))]


def reopened(on: Ground, reason: str) -> Fact:
    """The next cycle, one level up."""
    level = raised(on.rules.pack, on.case.level)
    return on.fact(Reopened(reason, level), cycle=on.case.cycle + 1)


class Withdraw(Order):
    """The customer takes the complaint back, and why."""

    reason: Words


def withdraw(order: Withdraw, on: Ground) -> Deeds:
    return [on.fact(Withdrawn(clean(order.reason)))]


class TellRecourse(Order):
    """Where else the customer was told to turn: a supervisor, the ombudsman, 12315, a court."""

    where: Annotated[tuple[Name, ...], Field(min_length=1, max_length=10)]


def tell_recourse(order: TellRecourse, on: Ground) -> Deeds:
    return [on.fact(RecourseTold(tuple(clean(one) for one in order.where)))]


class HandOver(Order):
    """A body outside the company has it (ombudsman, 12315, court), under its reference."""

    body: Name
    reference: Name
    reason: Words


def hand_over(order: HandOver, on: Ground) -> Deeds:
    id_ = on.numbered("o", len(on.case.work.outside))
    return [
        on.fact(HandedOver(id_, clean(order.body), clean(order.reference), clean(order.reason)))
    ]


class OutsideResult(Order):
    """What that body found."""

    outside: Name
    result: Words


def outside_result(order: OutsideResult, on: Ground) -> Deeds:
    open_ = [one.id for one in on.case.work.outside if one.result is None]
    must_be_one_of("outside", order.outside, open_, not_="is none of", zh="没有该待结果的外部处理")
    return [on.fact(OutsideAnswered(order.outside, clean(order.result)))]
