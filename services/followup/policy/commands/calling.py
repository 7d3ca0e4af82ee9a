"""Reaching the customer after the resolution: appointments, claims, tries, and the second check."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from services.followup.model import (
    CallbackPlanned,
    CallbackResult,
    CallClaimed,
    SecondCheckSettled,
)
from services.followup.policy.callback import must_hold
from services.followup.policy.commands.ending import reopened
from services.followup.policy.commands.order import (
    Deeds,
    Ground,
    Moment,
    Name,
    Order,
    Words,
    clean_or_none,
    must_be_ahead,
    wrong,
)
from services.followup.policy.commands.trying import tried
from shared.worktime import add_term, parse_term

MOST_AHEAD = timedelta(days=60)


class PlanCallback(Order):
    """The customer wishes to be called at a time of theirs."""

    at: Moment

    def check(self, now: Moment) -> None:
        must_be_ahead("at", self.at, now)
        if self.at > now + MOST_AHEAD:
            raise wrong("at", "far", "is more than 60 days ahead", "不能晚于60天之后")


def plan_callback(order: PlanCallback, on: Ground) -> Deeds:
    return [on.fact(CallbackPlanned(order.at))]


class ClaimCallback(Order):
    """A caller takes the callback for themselves, for as long as the pack says; again makes it longer."""


def claim_callback(_: ClaimCallback, on: Ground) -> Deeds:
    must_hold(on.case.timed.calling, on.by, on.now)
    claim = parse_term(on.rules.pack.callback.claim)
    until = add_term(on.rules.calendar(on.rules.pack.callback.calendar), on.now, claim).at
    return [on.fact(CallClaimed(until))]


class TryCallback(Order):
    """A try that did not lead to an answer. What follows stands in the pack: another try, a link, or nothing."""

    outcome: Literal["no_answer", "wrong_number", "refused"]
    channel: Annotated[Name, Field(default="phone")]
    note: Words | None = None


def try_callback(order: TryCallback, on: Ground) -> Deeds:
    return tried(on, order.outcome, order.channel, order.note)


class CheckBack(Order):
    """What the customer said when asked once more; dissatisfied goes on in the next cycle."""

    result: CallbackResult
    note: Words | None = None


def check_back(order: CheckBack, on: Ground) -> Deeds:
    settled = SecondCheckSettled(order.result, clean_or_none(order.note))
    found = [on.fact(settled)]
    if settled.result == "dissatisfied":
        found.append(reopened(on, settled.note or "not well any more at the second check"))
    return found
