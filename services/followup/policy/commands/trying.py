"""A try to reach the customer that led to no answer, whichever command tells of it."""

from services.followup.model import CallOutcome, CallTried
from services.followup.policy.callback import after_try, counts, must_hold
from services.followup.policy.commands.order import Deeds, Ground, clean_or_none


def tried(on: Ground, outcome: CallOutcome, channel: str, note: str | None) -> Deeds:
    """A try, and what follows from it."""
    must_hold(on.case.timed.calling, on.by, on.now)
    is_counted = counts(on.rules, on.case, on.now)
    then = after_try(on.rules, on.case, outcome, now=on.now)
    return [
        on.fact(CallTried(outcome, channel, is_counted, clean_or_none(note))),
        *(on.own_fact(one) for one in then),
    ]
