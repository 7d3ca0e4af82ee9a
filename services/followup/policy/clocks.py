"""Clocks: what they ought to be, which facts that adds, and what the facts say. Never an elapsed number.

`wanted` looks at the folded case, `additions` compares it with the facts there are, `read` folds the facts of the
clocks into their values. All three give the same for any order of what they are given.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.followup.model import Case, ClockFact, Plan, Understanding
from services.followup.policy.rules import Rules, in_cycle
from shared.contracts.values import CaseClock, ClockState
from shared.packs.model import Clock

PLANS: Final = frozenset({"started", "replanned", "cancelled"})
NOTICED: Final = frozenset({"warned", "breached"})
"""What the passing of time added."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A clock that does not run any more, by the understanding at place `basis`."""

    basis: int
    since: datetime


Wanted = Mapping[str, Plan | Dropped]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the facts say of one clock: its value, and the plan that holds."""

    cycle: int
    clock: CaseClock
    plan: Plan
    warned: float
    """The largest fraction that was warned of for the present due time; 0 before."""


def wanted(rules: Rules, case: Case) -> Wanted:
    """What the clocks of the present cycle ought to be.

    A clock that was met is judged by what was understood when it was met: a later understanding does not make a
    step late that was in time. One that still runs follows the present understanding.
    """
    found: dict[str, Plan | Dropped] = {}
    for clock in rules.clocks:
        plan = (
            _triage(rules, clock, case)
            if clock.starts == "triage_requested"
            else _plan(rules, clock, case)
        )
        if plan is not None:
            found[clock.name] = plan
    return found


def _triage(rules: Rules, clock: Clock, case: Case) -> Plan | None:
    if case.triage is None:
        return None
    plan = rules.plan(clock, severity=case.triage.severity, start=case.triage.started_at)
    return _based(plan, basis=case.triage.basis, episode=case.triage.episode) if plan else None


def _plan(rules: Rules, clock: Clock, case: Case) -> Plan | Dropped | None:
    start = case.happened.get(clock.starts)
    if start is None or (clock.stops == "callback_settled" and case.callback_due_at is None):
        return None
    stop = case.happened.get(clock.stops)
    basis = judged_by(case.understandings, stop)
    if basis is None:
        # Before anything is understood only the acknowledgement is owed, by the strictest rule.
        is_owed = clock.stops == "acknowledged" and not clock.categories
        if is_owed or not case.understandings:
            return rules.plan(clock, severity=None, start=start) if is_owed else None
        basis = case.understandings[0]
    if rules.applies(clock, basis, channel=case.received.channel):
        plan = rules.plan(clock, severity=in_cycle(basis.severity, case.cycle), start=start)
        if plan is not None:
            return _based(plan, basis=basis.order, since=basis.at)
    return Dropped(basis.order, basis.at)


def judged_by(
    understandings: Sequence[Understanding], stopped_at: datetime | None
) -> Understanding | None:
    """The understanding that a clock which was stopped then, or still runs, is judged by."""
    if stopped_at is None:
        return understandings[-1] if understandings else None
    return next((one for one in reversed(understandings) if one.at <= stopped_at), None)


def _based(plan: Plan, *, basis: int, since: datetime | None = None, episode: int = 0) -> Plan:
    return Plan(
        clock=plan.clock, started_at=plan.started_at, due_at=plan.due_at, statutory_due_at=plan.statutory_due_at,
        term=plan.term, calendar=plan.calendar, rule=plan.rule, basis=basis, since=since, episode=episode,
    )  # fmt: skip


def additions(
    known: Sequence[ClockFact], plans: Wanted, *, rules: Rules, case: Case, now: datetime
) -> list[ClockFact]:
    """The facts to add so that the clocks of the present cycle are as wanted."""
    of_cycle = [one for one in known if one.cycle == case.cycle]
    added: list[ClockFact] = []
    for name, plan in plans.items():
        mine = [one for one in of_cycle if one.clock == name]
        if isinstance(plan, Dropped):
            added += _drop(mine, name, plan, cycle=case.cycle, now=now)
            continue
        added += _replan(mine, plan, cycle=case.cycle, now=now)
        stop = case.triage.stopped_at if plan.episode and case.triage else case.happened.get(
            rules.pack.clock(name).stops
        )  # fmt: skip
        if stop is not None:
            added += _stop(mine, plan, max(stop, plan.started_at), cycle=case.cycle)
    return added


def _replan(mine: Sequence[ClockFact], plan: Plan, *, cycle: int, now: datetime) -> list[ClockFact]:
    same = [one for one in mine if one.episode == plan.episode and one.fact in PLANS]
    if any(one.basis == plan.basis for one in same):
        return []
    held = max(same, key=lambda one: one.basis, default=None)
    is_same = held is not None and (held.due_at, held.rule) == (plan.due_at, plan.rule)
    if held is not None and is_same and held.basis < plan.basis:
        return []  # The understanding changed, this deadline did not.
    return [
        ClockFact(
            cycle, plan.clock, "replanned" if same else "started", now, plan.episode, plan.basis, plan.since,
            plan.started_at, plan.due_at, plan.statutory_due_at, plan.term, plan.calendar, plan.rule,
        )
    ]  # fmt: skip


def _drop(
    mine: Sequence[ClockFact], name: str, dropped: Dropped, *, cycle: int, now: datetime
) -> list[ClockFact]:
    same = [one for one in mine if one.fact in PLANS]
    held = max(same, key=lambda one: one.basis, default=None)
    if held is None or any(one.basis == dropped.basis for one in same):
        return []
    if held.fact == "cancelled" and held.basis < dropped.basis:
        return []
    return [ClockFact(cycle, name, "cancelled", now, basis=dropped.basis, since=dropped.since)]


def _stop(mine: Sequence[ClockFact], plan: Plan, at: datetime, *, cycle: int) -> list[ClockFact]:
    stops = [one.at for one in mine if one.fact == "stopped" and one.episode == plan.episode]
    if stops and min(stops) <= at:
        return []
    return [ClockFact(cycle, plan.clock, "stopped", at, plan.episode)]


def endings(readings: Iterable[Reading], *, cycle: int, at: datetime) -> list[ClockFact]:
    """The facts that end what still runs of a cycle, because the cycle is over."""
    return [
        ClockFact(cycle, one.clock.name, "ended", at, one.plan.episode)
        for one in readings
        if one.cycle == cycle and one.clock.met_at is None and one.clock.state != "cancelled"
    ]


def read(facts: Iterable[ClockFact]) -> tuple[Reading, ...]:
    """What the facts say of every clock, in the order of cycle and name; of a clock that ran anew, the last run."""
    runs: dict[tuple[int, str], dict[int, list[ClockFact]]] = {}
    for one in facts:
        runs.setdefault((one.cycle, one.clock), {}).setdefault(one.episode, []).append(one)
    found = [_reading(cycle, clock, runs[cycle, clock]) for cycle, clock in sorted(runs)]
    return tuple(one for one in found if one is not None)


def _reading(cycle: int, clock: str, episodes: Mapping[int, Sequence[ClockFact]]) -> Reading | None:
    facts = episodes[max(episodes)]
    stop = min((one.at for one in facts if one.fact == "stopped"), default=None)
    held = _held([one for one in facts if one.fact in PLANS], stop)
    if held is None:
        return None
    if held.started_at is None or held.due_at is None:
        return None  # It was dropped: the deadline was never owed.
    plan = Plan(
        clock, held.started_at, held.due_at, held.statutory_due_at, held.term, held.calendar, held.rule,
        held.basis, held.since, held.episode,
    )  # fmt: skip
    ended = min((one.at for one in facts if one.fact == "ended"), default=None)
    about_now = [one for one in facts if one.fact in NOTICED and one.due_at == plan.due_at]
    warned = max((one.fraction or 0.0 for one in about_now if one.fact == "warned"), default=0.0)
    is_missed = any(one.fact == "breached" for one in about_now)
    value = _value(plan, stop, ended=ended, is_missed=is_missed)
    return Reading(cycle, value, plan, warned)


def _held(plans: Sequence[ClockFact], stop: datetime | None) -> ClockFact | None:
    """The plan that holds: the last one, or for a clock that was stopped, the last one then in force."""
    if not plans:
        return None
    if stop is None:
        return max(plans, key=lambda one: one.basis)
    then = [one for one in plans if one.since is None or one.since <= stop]
    if then:
        return max(then, key=lambda one: one.basis)
    return min(plans, key=lambda one: one.basis)


def _value(
    plan: Plan, stop: datetime | None, *, ended: datetime | None, is_missed: bool
) -> CaseClock:
    state: ClockState
    if stop is not None:
        is_missed = stop > plan.due_at
        state = "breached" if is_missed else "met"
    elif ended is not None:
        is_missed = is_missed or ended > plan.due_at
        state = "breached" if is_missed else "cancelled"
    else:
        state = "breached" if is_missed else "running"
    return CaseClock(
        name=plan.clock,
        state=state,
        started_at=plan.started_at,
        due_at=plan.due_at,
        statutory_due_at=plan.statutory_due_at,
        breached_at=plan.due_at if is_missed else None,
        met_at=stop,
    )


def runs(reading: Reading) -> bool:
    """Whether its deadline is still ahead, or has passed without anybody having noticed."""
    return reading.clock.state == "running"


def next_moment(rules: Rules, readings: Iterable[Reading]) -> datetime | None:
    """When something is next to be done about running clocks: a warning, or a deadline; None without any."""
    moments = [one.plan.due_at for one in readings if runs(one)]
    for one in readings:
        if runs(one):
            moments += [at for fraction, at in rules.moments(one.plan) if fraction > one.warned]
    return min(moments, default=None)


def fire(rules: Rules, reading: Reading, now: datetime) -> ClockFact | None:
    """What the passing of time adds to a running clock: the breach, or the largest fraction to warn of."""
    plan, name, cycle = reading.plan, reading.clock.name, reading.cycle
    if now >= plan.due_at:
        return ClockFact(cycle, name, "breached", plan.due_at, plan.episode, due_at=plan.due_at)
    passed = [each for each, at in rules.moments(plan) if at <= now and each > reading.warned]
    if not passed:
        return None
    return ClockFact(
        cycle, name, "warned", now, plan.episode, due_at=plan.due_at, fraction=max(passed)
    )
