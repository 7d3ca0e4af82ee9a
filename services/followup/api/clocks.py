"""The clocks of a case as the API shows them, explained where asked."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from pydantic import BaseModel

from services.followup.model import ClockFact, Fact
from services.followup.policy import clocks
from services.followup.policy.case import fold, timed_of
from services.followup.policy.clocks import Reading
from services.followup.policy.explain import Explained, explain
from services.followup.policy.rules import Rules
from services.followup.usecases.record import Followup
from shared.contracts.values import ClockState


class CountedOut(BaseModel):
    """One stretch that was counted, and why."""

    start: datetime
    end: datetime
    why: str


class IntervalOut(BaseModel):
    """One stretch of a clock, with how many seconds of it were counted, and why or why not.

    `reason`: `open` counts; `closed`, `paused` and `first_day` (the day of the event) do not.
    """

    start: datetime
    end: datetime
    counted_seconds: int
    reason: str
    why: str


class ClockFactOut(BaseModel):
    """One fact of a clock."""

    fact: str
    at: datetime
    due_at: datetime | None
    rule: str
    fraction: float | None


class ClockOut(BaseModel):
    """A clock with the rule that it runs by; `zone` is the calendar's. Explained: its facts and every stretch."""

    name: str
    cycle: int
    state: ClockState
    started_at: datetime
    due_at: datetime
    statutory_due_at: datetime | None
    breached_at: datetime | None
    met_at: datetime | None
    resumes_at: datetime | None
    rule: str
    term: str
    calendar: str
    zone: str
    facts: list[ClockFactOut] | None = None
    counted: list[CountedOut] | None = None
    intervals: list[IntervalOut] | None = None
    warnings: list[str] | None = None


def clocks_out(
    context: Followup,
    facts: Sequence[Fact],
    about: Sequence[ClockFact],
    *,
    explained: bool,
    now: datetime,
) -> list[ClockOut]:
    """Every run of every clock of a case, oldest cycle first."""
    case = fold(facts)
    if case is None:
        return []
    rules, found = context.rules_of(case), []
    for one in clocks.read(about):
        shown = _clock_out(one, rules)
        if explained:
            mine = [each for each in about if (each.cycle, each.clock, each.episode) == one.place]
            why = explain(rules, one, timed_of(facts, one.cycle), now=now)
            shown = shown.model_copy(update=_explanation(mine, why))
        found.append(shown)
    return found


def _clock_out(reading: Reading, rules: Rules) -> ClockOut:
    plan = reading.plan
    return ClockOut(
        **reading.clock.model_dump(),
        cycle=reading.cycle,
        rule=plan.rule,
        term=plan.term,
        calendar=plan.calendar,
        zone=rules.calendar(plan.calendar).zone,
    )


def _explanation(facts: Sequence[ClockFact], why: Explained) -> dict[str, object]:
    intervals = [
        IntervalOut(
            start=one.start, end=one.end, counted_seconds=round((one.end - one.start).total_seconds()),
            reason="open", why=one.why,
        )
        for one in why.counted
    ] + [
        IntervalOut(start=one.start, end=one.end, counted_seconds=0, reason=one.why, why=one.detail)
        for one in why.uncounted
    ]  # fmt: skip
    return {
        "facts": [ClockFactOut.model_validate(asdict(one)) for one in facts],
        "counted": [CountedOut(start=one.start, end=one.end, why=one.why) for one in why.counted],
        "intervals": sorted(intervals, key=lambda one: one.start),
        "warnings": list(why.warnings),
    }
