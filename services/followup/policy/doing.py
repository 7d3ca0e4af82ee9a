"""What a command adds to a case that allows it. Free text is redacted here, and nowhere later."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.followup.model import (
    Accepted,
    CallbackPlanned,
    CallbackSettled,
    Case,
    Closed,
    Contacted,
    Fact,
    Passed,
    Reopened,
    Resolved,
    What,
)
from services.followup.policy.callback import NoCallback, plan_callback
from services.followup.policy.escalation import raised
from services.followup.policy.redact import redacted
from services.followup.policy.rules import Rules
from shared.contracts.values import CaseStateName

PASSED: Final[tuple[CaseStateName, ...]] = ("investigating", "solution_proposed", "executing")


@dataclass(frozen=True, slots=True)
class Accepting:
    """The handler takes the case on."""


@dataclass(frozen=True, slots=True)
class Reopening:
    """Somebody is not content: the next cycle is to begin."""

    reason: str


@dataclass(frozen=True, slots=True)
class Closing:
    """The case is to end."""


Doing = Accepting | Contacted | Resolved | CallbackSettled | Closing | Reopening


def done(
    doing: Doing, case: Case, *, rules: Rules, complaint: str, by: str, now: datetime
) -> list[Fact]:
    """The facts that a command makes."""

    def fact(what: What, cycle: int = case.cycle) -> Fact:
        return Fact(what, now, by, cycle)

    match doing:
        case Accepting():
            return [fact(Accepted(case.assignment))]
        case Contacted(promised=promised):
            told = replace(promised, what=redacted(promised.what)) if promised else None
            return [fact(replace(doing, promised=told))]
        case Resolved(reason=reason, remedy=remedy):
            clean = replace(
                doing, reason=redacted(reason), remedy=redacted(remedy) if remedy else None
            )
            return [
                *map(fact, map(Passed, PASSED)),
                fact(clean),
                _callback(rules, case, complaint, now),
            ]
        case CallbackSettled(note=note):
            return _settle(replace(doing, note=redacted(note) if note else None), case, rules, fact)
        case Closing():
            return [fact(Closed())]
        case Reopening(reason=reason):
            return [_reopen(redacted(reason), case, rules, fact)]


def _callback(rules: Rules, case: Case, complaint: str, now: datetime) -> Fact:
    planned = plan_callback(rules, case, complaint=complaint, now=now)
    what: What = (
        CallbackSettled("skipped", planned.reason)
        if isinstance(planned, NoCallback)
        else CallbackPlanned(planned)
    )
    return Fact(what, now, "followup", case.cycle)


def _settle(
    settled: CallbackSettled, case: Case, rules: Rules, fact: Callable[[What, int], Fact]
) -> list[Fact]:
    found = [replace(fact(settled, case.cycle), order=case.callbacks)]
    if settled.result == "dissatisfied":
        found.append(_reopen(settled.note or "dissatisfied at the callback", case, rules, fact))
    return found


def _reopen(reason: str, case: Case, rules: Rules, fact: Callable[[What, int], Fact]) -> Fact:
    return fact(Reopened(reason, raised(rules.pack, case.level)), case.cycle + 1)
