"""Whether the customer is asked after the resolution, and when."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.followup.model import Case
from services.followup.policy.rules import Rules, moment
from shared.packs.model import Clock
from shared.worktime import next_open

WHEN_USED_UP = 0.5
"""The callback is made halfway through its clock: the customer has seen the remedy, the caller has time for retries."""


@dataclass(frozen=True, slots=True)
class NoCallback:
    """The customer is not asked, and why."""

    reason: Literal["unreachable", "anonymous", "not_for_kind", "not_sampled"]


def plan_callback(
    rules: Rules, case: Case, *, complaint: str, now: datetime
) -> datetime | NoCallback:
    """When to ask the customer about a resolution made now, in the pack's calling hours; or why not to."""
    if case.received.anonymous:
        return NoCallback("anonymous")
    if not case.received.reachable:
        return NoCallback("unreachable")
    severity = case.severity or "normal"
    clock = _clock(rules, case)
    target = clock.target(severity) if clock else None
    if clock is None or target is None:
        return NoCallback("not_for_kind")
    if not is_sampled(complaint, case.cycle, rules.pack.callback.sample.get(severity, 1.0)):
        return NoCallback("not_sampled")
    halfway = moment(
        rules.count(term=str(target), calendar=clock.calendar, start=now), WHEN_USED_UP
    )
    return next_open(rules.calendar(rules.pack.callback.calendar), halfway)


def _clock(rules: Rules, case: Case) -> Clock | None:
    kind = case.kind or "complaint"
    return next(
        (one for one in rules.clocks if one.stops == "callback_settled" and kind in one.kinds), None
    )


def is_sampled(complaint: str, cycle: int, rate: float) -> bool:
    """Whether this one is asked, at that rate: by the complaint's id, so that every replica decides alike."""
    digest = hashlib.sha256(f"{complaint}/{cycle}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < rate * 2**64
