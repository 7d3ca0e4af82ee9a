"""What lists of cases are chosen and ordered by, of a case as its facts say it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from services.followup.model import Case
from services.followup.policy.callback import awaited_call, awaited_check
from shared.contracts.followup import CaseBody

ENDED: Final = frozenset({"closed", "withdrawn"})


def listed(case: Case, body: CaseBody) -> Mapping[str, object]:
    """The columns of a case's row that are there to find it by."""
    is_open = case.state not in ENDED
    calling = case.timed.calling
    return {
        "callback_due_at": case.callback_due_at,
        "category": body.category,
        "severity": body.severity,
        "area": case.received.area,
        "is_open": is_open,
        "at_risk_at": at_risk_at(body) if is_open else None,
        "call_at": awaited_call(case) or awaited_check(case),
        "claimed_by": calling.claimed_by,
        "claimed_until": calling.claimed_until,
    }


def at_risk_at(body: CaseBody) -> datetime | None:
    """The earliest deadline of a step that is not done, passed or ahead; a clock that stands still is at no risk."""
    due = [
        one.due_at
        for one in body.clocks
        if one.met_at is None and one.state in ("running", "breached")
    ]
    return min(due, default=None)
