"""Clocks: what they ought to be, which facts that adds, and what the facts say. Never an elapsed number.

`wanted` looks at the folded case, `additions` compares it with the facts there are, `read` folds the facts of the
clocks into their values. All three give the same for any order of what they are given.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from services.followup.model import Case, ClockFact, ClockFactName, Plan, Timed, Understanding
from services.followup.policy.rules import REGULATOR, Rules, in_cycle
from shared.contracts.values import CaseClock, ClockState
from shared.packs.model import Clock

PLANS: Final = frozenset({"started", "replanned", "paused", "resumed", "extended", "cancelled"})
LASTING: Final = frozenset({"acknowledged", "callback_settled", "closed"})
"""What is still to be done once a case is resolved; other steps of the work are over then."""
AFTERWARDS: Final = frozenset({"resolved", "closed"})
MOST_NOTICES: Final = 500
"""Progress notices that are counted of one cycle."""


@dataclass(frozen=True, slots=True)
class Run:
    """A clock as it ought to run; `stop` is when it was met, `end` when nothing was left to hurry."""

    plan: Plan
    stop: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """A clock that does not run any more, by the understanding at place `basis` and what was done since."""

    clock: str
    basis: int
    since: datetime
    revision: int = 0

    @property
    def place(self) -> tuple[int, int]:
        return self.basis, self.revision


Wanted = Sequence[Run | Dropped]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the facts say of one run of a clock: its value, and the plan that holds."""

    cycle: int
    clock: CaseClock
    plan: Plan
    warned: float
    """The largest fraction that was warned of for the present due time; 0 before."""
    is_ended: bool = False
    """Whether it ended without being met: nothing is left to hurry."""

    @property
    def place(self) -> tuple[int, str, int]:
        return self.cycle, self.clock.name, self.plan.episode


def lasts(clock: Clock) -> bool:
    """Whether a clock runs on when the case closes: what is owed after it, but for what closing itself waits for."""
    return clock.starts in AFTERWARDS and clock.stops not in LASTING


def wanted(rules: Rules, case: Case, *, now: datetime, is_over: bool = False) -> Wanted:
    """What the clocks of the present cycle ought to be; once it is over, those that last.

    A clock that was met is judged by what was understood, and done to it, when it was met: what came later does not
    make a step late that was in time. One that still runs follows the present.
    """
    found: list[Run | Dropped] = []
    for clock in rules.clocks_of(case):
        if is_over and not lasts(clock):
            continue
        if clock is REGULATOR:
            found.append(_regulator(rules, case, now=now))
        elif clock.starts == "triage_requested":
            found += _triage(rules, clock, case)
        elif clock.repeats:
            found += _repeated(rules, clock, case, now=now)
        else:
            found += _once(rules, clock, case, now=now)
    return found


def _triage(rules: Rules, clock: Clock, case: Case) -> Iterator[Run]:
    for triage in case.triages:
        plan = rules.plan(clock, severity=triage.severity, start=triage.started_at)
        if plan is not None:
            yield Run(replace(plan, basis=triage.basis, episode=triage.episode), triage.stopped_at)


def _regulator(rules: Rules, case: Case, *, now: datetime) -> Run:
    receipt, stop = case.received, case.happened.get(REGULATOR.stops)
    start = case.received_at
    by = rules.amended(REGULATOR, case.timed, start=start, stop=stop, now=now)
    due, authority = receipt.authority_due_at, receipt.authority
    if due is None or authority is None:
        raise ValueError(f"{receipt.number} has no deadline of an authority")
    return Run(rules.set_by(authority, max(due, start), start=start, by=by), stop)


def _once(rules: Rules, clock: Clock, case: Case, *, now: datetime) -> Iterator[Run | Dropped]:
    start = case.happened.get(clock.starts)
    if start is None or (clock.stops == "callback_settled" and case.callback_due_at is None):
        return
    stop = case.happened.get(clock.stops)
    plan = _plan(rules, clock, case, start=start, stop=stop, now=now)
    if isinstance(plan, Plan):
        yield Run(plan, stop, end=_end(clock, case) if stop is None else None)
    elif plan is not None:
        yield plan


def _end(clock: Clock, case: Case) -> datetime | None:
    """When the resolution left nothing to hurry: whatever step was not recorded is over with it."""
    if clock.starts in AFTERWARDS or clock.stops in LASTING:
        return None
    return case.happened.get("resolved")


def _repeated(rules: Rules, clock: Clock, case: Case, *, now: datetime) -> Iterator[Run | Dropped]:
    """One run from each notice to the next, until the resolution, which is the last of them."""
    start, end = case.happened.get(clock.starts), case.happened.get("resolved")
    if start is None or (end is not None and end <= start):
        return
    told = [at for at in case.timed.told if at > start and (end is None or at < end)]
    notices = [start, *told[-MOST_NOTICES:]]
    for began, stop in pairwise([*notices, end]):
        if began is None:
            continue
        plan = _plan(rules, clock, case, start=began, stop=stop, now=now)
        if isinstance(plan, Plan):
            yield Run(replace(plan, episode=_seconds(began - case.began_at)), stop)
        elif plan is not None and began == notices[-1]:
            yield plan


def _seconds(length: timedelta) -> int:
    """What tells the runs of a repeated clock apart, whatever order they become known in."""
    return max(0, int(length.total_seconds()))


def _plan(
    rules: Rules,
    clock: Clock,
    case: Case,
    *,
    start: datetime,
    stop: datetime | None,
    now: datetime,
) -> Plan | Dropped | None:
    by = rules.amended(clock, case.timed, start=start, stop=stop, now=now)
    basis = judged_by(case.understandings, stop)
    if basis is None:
        # Before anything is understood only the acknowledgement is owed, by the strictest rule.
        is_owed = clock.stops == "acknowledged" and not clock.categories
        if is_owed or not case.understandings:
            return rules.plan(clock, severity=None, start=start, by=by) if is_owed else None
        basis = case.understandings[0]
    if rules.applies(clock, basis, channel=case.received.channel):
        severity = in_cycle(rules.severity(basis), case.cycle)
        plan = rules.plan(clock, severity=severity, start=start, by=by)
        if plan is not None:
            since = max(basis.at, by.since) if by.since else basis.at
            return replace(plan, basis=basis.order, since=since)
    return Dropped(clock.name, basis.order, by.since or basis.at, by.revision)


def judged_by(
    understandings: Sequence[Understanding], stopped_at: datetime | None
) -> Understanding | None:
    """The understanding that a clock which was stopped then, or still runs, is judged by."""
    if stopped_at is None:
        return understandings[-1] if understandings else None
    return next((one for one in reversed(understandings) if one.at <= stopped_at), None)


def additions(
    known: Sequence[ClockFact], plans: Wanted, *, case: Case, now: datetime
) -> list[ClockFact]:
    """The facts to add so that the clocks of the present cycle are as wanted."""
    of_clock: dict[str, list[ClockFact]] = {}
    for one in known:
        if one.cycle == case.cycle:
            of_clock.setdefault(one.clock, []).append(one)
    added: list[ClockFact] = []
    for each in plans:
        if isinstance(each, Dropped):
            added += _drop(of_clock.get(each.clock, ()), each, cycle=case.cycle, now=now)
            continue
        mine = [
            one for one in of_clock.get(each.plan.clock, ()) if one.episode == each.plan.episode
        ]
        added += _replan(mine, each.plan, cycle=case.cycle, now=now)
        added += _finish(mine, each, cycle=case.cycle)
    return [*added, *_gone(of_clock, plans, case=case, now=now)]


def _gone(
    of_clock: Mapping[str, Sequence[ClockFact]], plans: Wanted, *, case: Case, now: datetime
) -> Iterator[ClockFact]:
    """The end of clocks that the version of the pack that is now followed does not have."""
    adopted = [one for one in case.timed.amendments if one.what.name == "pack_adopted"]
    if not adopted or not case.understandings:
        return
    names = {one.clock if isinstance(one, Dropped) else one.plan.clock for one in plans}
    basis, revision = case.understandings[-1].order, 2 * len(case.timed.amendments)
    for name in sorted(of_clock.keys() - names):
        stays = any(one.fact in ("stopped", "ended") for one in of_clock[name])
        if not stays:
            dropped = Dropped(name, basis, adopted[-1].at, revision)
            yield from _drop(of_clock[name], dropped, cycle=case.cycle, now=now)


def _replan(mine: Sequence[ClockFact], plan: Plan, *, cycle: int, now: datetime) -> list[ClockFact]:
    same = [one for one in mine if one.fact in PLANS]
    if any(one.place == plan.place for one in same):
        return []
    held = max(same, key=lambda one: one.place, default=None)
    if held is not None and held.place < plan.place and _is_same(held, plan):
        return []  # What was understood or done changed, this deadline did not.
    fact: ClockFactName = "replanned" if same else "started"
    if held is not None and held.revision != plan.revision:
        fact = plan.change
    return [
        ClockFact(
            cycle, plan.clock, fact, now, plan.episode, plan.basis, plan.since,
            plan.started_at, plan.due_at, plan.statutory_due_at, plan.term, plan.calendar, plan.rule,
            None, plan.revision, plan.resumes_at,
        )
    ]  # fmt: skip


def _is_same(held: ClockFact, plan: Plan) -> bool:
    return (held.due_at, held.rule, held.resumes_at) == (plan.due_at, plan.rule, plan.resumes_at)


def _drop(
    mine: Sequence[ClockFact], dropped: Dropped, *, cycle: int, now: datetime
) -> list[ClockFact]:
    same = [one for one in mine if one.fact in PLANS]
    held = max(same, key=lambda one: (one.episode, *one.place), default=None)
    if held is None or any(
        one.place == dropped.place and one.episode == held.episode for one in same
    ):
        return []
    if held.fact == "cancelled" and held.place < dropped.place:
        return []
    return [
        ClockFact(
            cycle, dropped.clock, "cancelled", now, held.episode, dropped.basis, dropped.since,
            revision=dropped.revision,
        )
    ]  # fmt: skip


def _finish(mine: Sequence[ClockFact], run: Run, *, cycle: int) -> list[ClockFact]:
    name, at, plan = "stopped", run.stop, run.plan
    if at is None:
        name, at = "ended", run.end
    if at is None:
        return []
    at = max(at, plan.started_at)
    known = [one.at for one in mine if one.fact == name]
    if known and min(known) <= at:
        return []
    fact: ClockFactName = "stopped" if name == "stopped" else "ended"
    return [ClockFact(cycle, plan.clock, fact, at, plan.episode)]


def endings(
    readings: Iterable[Reading], *, cycle: int, at: datetime, lasting: Collection[str] = ()
) -> list[ClockFact]:
    """The facts that end what still runs of a cycle, because the cycle is over; clocks of those names run on."""
    return [
        ClockFact(cycle, one.clock.name, "ended", at, one.plan.episode)
        for one in readings
        if one.cycle == cycle and one.clock.met_at is None and not one.is_ended and one.clock.name not in lasting
    ]  # fmt: skip


def read(facts: Iterable[ClockFact]) -> tuple[Reading, ...]:
    """What the facts say of every run of every clock, in the order of cycle, name and run."""
    runs: dict[tuple[int, str, int], list[ClockFact]] = {}
    for one in facts:
        runs.setdefault((one.cycle, one.clock, one.episode), []).append(one)
    found = [_reading(cycle, clock, runs[cycle, clock, run]) for cycle, clock, run in sorted(runs)]
    return tuple(one for one in found if one is not None)


def read_again(
    old: Sequence[Reading], known: Sequence[ClockFact], added: Sequence[ClockFact]
) -> tuple[Reading, ...]:
    """`read` of the known facts and the added ones, given that of the known: only what was added to is read."""
    touched = {(one.cycle, one.clock, one.episode) for one in added}
    again = read(one for one in [*known, *added] if (one.cycle, one.clock, one.episode) in touched)
    others = [one for one in old if one.place not in touched]
    return tuple(sorted([*others, *again], key=lambda one: one.place))


def last_runs(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Of each clock of each cycle the last run, in the order of cycle and name."""
    found = {(one.cycle, one.clock.name): one for one in readings}
    return tuple(found[place] for place in sorted(found))


def latest(readings: Iterable[Reading], *, cycle: int) -> tuple[Reading, ...]:
    """The last runs of the clocks of a cycle, in the order of their names."""
    return last_runs(one for one in readings if one.cycle == cycle)


def _reading(cycle: int, clock: str, facts: Sequence[ClockFact]) -> Reading | None:
    by_fact: dict[str, list[ClockFact]] = {}
    for one in facts:
        by_fact.setdefault("planned" if one.fact in PLANS else one.fact, []).append(one)
    stop, ended = _earliest(by_fact.get("stopped")), _earliest(by_fact.get("ended"))
    held = _held(by_fact.get("planned", ()), stop)
    if held is None:
        return None
    if held.started_at is None or held.due_at is None:
        return None  # It was dropped: the deadline was never owed.
    plan = Plan(
        clock, held.started_at, held.due_at, held.statutory_due_at, held.term, held.calendar, held.rule,
        held.basis, held.since, held.episode, held.revision, held.resumes_at,
    )  # fmt: skip
    # What was noticed of an earlier due time says nothing of the present one.
    warned = [one.fraction or 0.0 for one in by_fact.get("warned", ()) if one.due_at == plan.due_at]
    is_missed = any(one.due_at == plan.due_at for one in by_fact.get("breached", ()))
    value = _value(plan, stop, ended=ended, is_missed=is_missed)
    return Reading(
        cycle, value, plan, max(warned, default=0.0), is_ended=ended is not None and stop is None
    )


def _earliest(facts: Sequence[ClockFact] | None) -> datetime | None:
    return min(one.at for one in facts) if facts else None


def _held(plans: Sequence[ClockFact], stop: datetime | None) -> ClockFact | None:
    """The plan that holds: the last one, or for a clock that was stopped, the last one then in force."""
    if not plans:
        return None
    if stop is None:
        return max(plans, key=lambda one: one.place)
    then = [one for one in plans if one.since is None or one.since <= stop]
    if then:
        return max(then, key=lambda one: one.place)
    return min(plans, key=lambda one: one.place)


def _value(
    plan: Plan, stop: datetime | None, *, ended: datetime | None, is_missed: bool
) -> CaseClock:
    state: ClockState
    if stop is not None:
        is_missed = stop > plan.due_at
        state = "breached" if is_missed else "met"
    elif ended is not None:
        is_missed = is_missed or (ended > plan.due_at and plan.resumes_at is None)
        state = "breached" if is_missed else "cancelled"
    elif is_missed:
        state = "breached"
    else:
        state = "paused" if plan.resumes_at else "running"
    return CaseClock(
        name=plan.clock,
        state=state,
        started_at=plan.started_at,
        due_at=plan.due_at,
        statutory_due_at=plan.statutory_due_at,
        breached_at=plan.due_at if is_missed else None,
        met_at=stop,
        resumes_at=plan.resumes_at if state == "paused" else None,
    )


def runs(reading: Reading) -> bool:
    """Whether its deadline is still ahead, or has passed without anybody having noticed."""
    return reading.clock.state == "running"


def is_resuming(reading: Reading, now: datetime) -> bool:
    """Whether it stood still for as long as it may."""
    resumes_at = reading.clock.resumes_at
    return resumes_at is not None and resumes_at <= now


def next_moment(rules: Rules, readings: Iterable[Reading], timed: Timed) -> datetime | None:
    """When something is next to be done about the clocks: a warning, a deadline, the end of a pause; else None."""
    moments: list[datetime] = []
    for one in last_runs(readings):
        if one.clock.resumes_at is not None:
            moments.append(one.clock.resumes_at)
        elif runs(one):
            moments.append(one.plan.due_at)
            moments += [
                at for fraction, at in rules.moments(one.plan, timed) if fraction > one.warned
            ]
    return min(moments, default=None)


def fire(rules: Rules, reading: Reading, timed: Timed, now: datetime) -> ClockFact | None:
    """What the passing of time adds to a running clock: the breach, or the largest fraction to warn of."""
    plan, name, cycle = reading.plan, reading.clock.name, reading.cycle
    if now >= plan.due_at:
        return ClockFact(cycle, name, "breached", plan.due_at, plan.episode, due_at=plan.due_at)
    passed = [
        each for each, at in rules.moments(plan, timed) if at <= now and each > reading.warned
    ]
    if not passed:
        return None
    return ClockFact(
        cycle, name, "warned", now, plan.episode, due_at=plan.due_at, fraction=max(passed)
    )
