"""Whether the customer is asked after the resolution, when, how often, and once more later."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.followup.model import (
    CallbackPlanned,
    CallbackSettled,
    Calling,
    CallLinked,
    CallOutcome,
    Case,
    Fact,
    SecondCheckPlanned,
    What,
)
from services.followup.policy.rules import Rules, moment
from shared.errors import Conflict, FieldError
from shared.packs.model import Clock
from shared.worktime import Calendar, add_calendar_days, add_term, next_open, parse_term

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
    return next_open(calling_hours(rules, case), halfway)


def calling_hours(rules: Rules, case: Case) -> Calendar:
    """When the customer may be called: the pack's calling hours, in the zone of the customer's area."""
    plan, area = rules.pack.callback, case.received.area or ""
    fitting = [one for one in plan.zones if area.startswith(one)]
    zone = plan.zones[max(fitting, key=len)] if fitting else None
    return rules.calendar(plan.calendar, zone=zone)


def awaited_call(case: Case) -> datetime | None:
    """When the customer is to be called next; None where nothing is to be asked, or a link asks it."""
    is_open = case.state in ("resolved", "callback") and case.callback_result is None
    return case.callback_due_at if is_open and case.timed.calling.linked_until is None else None


def awaited_check(case: Case) -> datetime | None:
    """When the customer is to be asked once more; None where that is over, or never comes."""
    calling = case.timed.calling
    is_open = case.state == "closed" and calling.second_result is None
    return calling.second_due_at if is_open else None


def counts(rules: Rules, case: Case, now: datetime) -> bool:
    """Whether a try to reach the customer now counts: far enough from the last one that did (R-111)."""
    last = [one.at for one in case.timed.calling.tries if one.counts]
    gap = parse_term(rules.pack.callback.attempts_gap)
    return not last or add_term(calling_hours(rules, case), last[-1], gap).at <= now


def after_try(rules: Rules, case: Case, outcome: CallOutcome, *, now: datetime) -> Sequence[What]:
    """What comes after a try that reached nobody: another one, a link, or nothing more to ask.

    A wrong number is not called again; who does not want to be asked is not asked again.
    """
    if outcome == "refused":
        return [CallbackSettled("skipped", "refused")]
    plan, hours = rules.pack.callback, calling_hours(rules, case)
    is_counted = counts(rules, case, now)
    made = sum(one.counts for one in case.timed.calling.tries) + is_counted
    if outcome == "wrong_number" or made >= plan.attempts:
        return [CallLinked(add_calendar_days(hours, now, plan.attempts_days).at)]
    if not is_counted:
        return []
    again = add_term(hours, now, parse_term(plan.attempts_gap)).at
    return [CallbackPlanned(next_open(hours, again))]


def must_hold(calling: Calling, by: str, now: datetime) -> None:
    """Raise Conflict while another caller has the callback for themselves."""
    until = calling.claimed_until
    if calling.claimed_by in (None, by) or until is None or until <= now:
        return
    raise Conflict(
        f"Another caller has this callback until {until.isoformat()}: take another one.",
        zh=f"该回访已由他人领取，有效期至 {until.isoformat()}，请选择其他回访。",
        errors=[FieldError("claim", "held", "is another caller's", "已由他人领取")],
    )


def second_check(rules: Rules, case: Case, *, now: datetime) -> Fact | None:
    """When who had a severe complaint is asked once more whether all is still well (R-110, R-121).

    Where a clock of the pack waits for that, on the last day that it leaves; else after the pack's time.
    """
    is_asked = case.received.reachable and not case.received.anonymous and case.kind == "complaint"
    if not is_asked or case.resolution is None:
        return None
    due, plan, hours = _checked_by(rules, case), rules.pack.callback, calling_hours(rules, case)
    if due is not None:
        at = max(now, due - timedelta(days=1))
    elif plan.second_check_after is not None and case.severity in plan.second_check_severities:
        at = add_term(hours, now, parse_term(plan.second_check_after)).at
    else:
        return None
    return Fact(SecondCheckPlanned(next_open(hours, at)), now, "followup", case.cycle)


def _checked_by(rules: Rules, case: Case) -> datetime | None:
    """Until when a clock of the pack wants the second check made; None where none does."""
    understanding, resolved = case.understanding, case.happened.get("resolved")
    if understanding is None or resolved is None:
        return None
    for clock in rules.clocks_of(case):
        is_it = clock.stops == "second_callback_settled"
        if is_it and rules.applies(clock, understanding, channel=case.received.channel):
            plan = rules.plan(clock, severity=case.severity, start=resolved)
            return plan.due_at if plan else None
    return None


def _clock(rules: Rules, case: Case) -> Clock | None:
    kind = case.kind or "complaint"
    return next(
        (one for one in rules.clocks if one.stops == "callback_settled" and kind in one.kinds), None
    )


def is_sampled(complaint: str, cycle: int, rate: float) -> bool:
    """Whether this one is asked, at that rate: by the complaint's id, so that every replica decides alike."""
    digest = hashlib.sha256(f"{complaint}/{cycle}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < rate * 2**64
