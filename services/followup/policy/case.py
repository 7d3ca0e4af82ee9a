"""The case as its facts say it: one fold, which gives the same for any order of the facts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.followup.model import (
    FIRST_CYCLE,
    Accepted,
    Acknowledged,
    Assigned,
    CallbackCame,
    CallbackPlanned,
    CallbackSettled,
    Case,
    Closed,
    Contacted,
    Escalated,
    Fact,
    Marked,
    PromiseDone,
    PromiseMissed,
    Proposed,
    Received,
    Refused,
    Reopened,
    Resolved,
    SecondCheckSettled,
    Timed,
    Triage,
    TriageRequested,
    Unassigned,
    Understanding,
    Understood,
    Visited,
    Withdrawn,
    Work,
)
from services.followup.policy.by_kind import ByKind, W, by_kind, by_order, by_place, by_time, of
from services.followup.policy.incidents.part import part_of
from services.followup.policy.rules import in_cycle
from services.followup.policy.timed import fold_timed
from services.followup.policy.work import executed_at, fold_work, state_of
from shared.contracts.values import CaseStateName, Owner, Promise, Resolution

RESOLVING: Final = ("solution_proposed", "remedy_done", "final_response", "resolved")
"""What a resolution is to the clocks: who is told it in one step was proposed it and got it then."""
OWN_STEPS: Final = frozenset(
    {
        "received", "triage_requested", "understood", "acknowledged", "contacted", "visited", "callback_settled",
        "second_callback_settled", "closed", "progress_told", *RESOLVING,
    }
)  # fmt: skip
"""Steps that the case's own facts say are done. All others are the trade's, and `mark` says so, and nothing else."""


def fold(facts: Iterable[Fact]) -> Case | None:
    """The case that the facts make; None until intake's receipt is among them.

    What routing and notify said earlier than that counts then. Of routing's facts the last by their order hold,
    of assignments only those of the present cycle; of facts that may come twice the earliest counts.
    """
    all_ = tuple(facts)
    known = by_kind(all_)
    receipt = next(iter(of(known, Received)), None)
    if receipt is None:
        return None
    cycle = max([FIRST_CYCLE, *(fact.cycle for fact, _ in of(known, Reopened))])
    of_cycle = [fact for fact in all_ if fact.cycle == cycle]
    mine = known if len(of_cycle) == len(all_) else by_kind(of_cycle)
    began = _first_at(mine, Reopened) or receipt[0].at
    understandings = _understandings(known)
    owner, assignment = _owner(mine)
    is_accepted = any(what.assignment == assignment for _, what in of(mine, Accepted)) and bool(
        owner.handler
    )
    resolution = _resolution(mine)
    work = fold_work(known, mine)
    timed = fold_timed(known, mine)
    settled = sorted(of(mine, CallbackSettled), key=by_order)
    planned = max(of(mine, CallbackPlanned), key=by_place, default=None)  # the last plan holds
    return Case(
        received=receipt[1],
        received_at=receipt[0].at,
        state=_state(mine, owner, work, is_accepted=is_accepted),
        cycle=cycle,
        began_at=began,
        understandings=understandings,
        severity=in_cycle(understandings[-1].severity, cycle) if understandings else None,
        owner=owner,
        assignment=assignment,
        is_accepted=is_accepted,
        happened=_happened(mine, began, work),
        triages=_triages(known, understandings, cycle),
        promises=_promises(known),
        resolution=resolution,
        callback_due_at=planned[1].due_at if planned else None,
        callback_result=settled[-1][1].result if settled else None,
        callbacks=len(settled),
        level=_level(known),
        work=work,
        timed=timed,
        incident=part_of(known),
    )


def timed_of(facts: Iterable[Fact], cycle: int) -> Timed:
    """What was done to the clocks of one cycle, which may be over."""
    all_ = tuple(facts)
    return fold_timed(by_kind(all_), by_kind(one for one in all_ if one.cycle == cycle))


def _first_at(
    facts: ByKind, kind: type[W], counts: Callable[[W], bool] | None = None
) -> datetime | None:
    if kind not in facts:
        return None
    found = [fact.at for fact, what in of(facts, kind) if counts is None or counts(what)]
    return min(found, default=None)


def _understandings(facts: ByKind) -> tuple[Understanding, ...]:
    return tuple(
        Understanding(
            fact.order, fact.at, what.kind, what.categories, what.severity, what.unsure, what.cues
        )
        for fact, what in sorted(of(facts, Understood), key=by_order)
    )


def _owner(facts: ByKind) -> tuple[Owner, int]:
    """Who answers in this cycle, and the place of what says so; 0 before anything did."""
    given = max(of(facts, Assigned), key=by_order, default=None)
    taken = max(of(facts, Unassigned), key=by_order, default=None)
    if given is None:
        return Owner(), 0
    fact, assigned = given
    if taken is not None and taken[0].order > fact.order:
        return Owner(team=assigned.team), taken[0].order
    if any(what.assignment == fact.order for _, what in of(facts, Refused)):
        return Owner(team=assigned.team), fact.order
    return Owner(team=assigned.team, handler=assigned.handler), fact.order


def _state(facts: ByKind, owner: Owner, work: Work, *, is_accepted: bool) -> CaseStateName:
    if of(facts, Withdrawn):
        return "withdrawn"
    if of(facts, Closed):
        return "closed"
    if of(facts, Resolved):
        return "callback" if of(facts, CallbackCame) else "resolved"
    if is_accepted:
        return state_of(work)
    return "assigned" if owner.handler else "received"


def _happened(facts: ByKind, began: datetime, work: Work) -> Mapping[str, datetime]:
    resolved, closed = _first_at(facts, Resolved), _first_at(facts, Closed) or work.withdrawn_at
    # Who was told the outcome was contacted, if not before.
    spoken = [_first_at(facts, Contacted, lambda what: what.heard), resolved]
    found: dict[str, datetime | None] = {
        "received": began,
        "acknowledged": _acknowledged(facts, began),
        "contacted": _earliest(*spoken),
        "callback_settled": _first_at(facts, CallbackSettled),
        "closed": closed,
        **dict.fromkeys(RESOLVING, resolved),
        "visited": _earliest(*(what.visited_at or fact.at for fact, what in of(facts, Visited))),
        "second_callback_settled": _first_at(facts, SecondCheckSettled),
    }
    if work.solutions:
        found["solution_proposed"] = _earliest(_first_at(facts, Proposed), resolved)
        found["remedy_done"] = _earliest(executed_at(work), resolved)
    for _, what in of(facts, Marked):
        found[what.step] = _earliest(found.get(what.step), what.done_at)
    return {name: at for name, at in found.items() if at is not None}


def _earliest(*times: datetime | None) -> datetime | None:
    return min((at for at in times if at), default=None)


def _acknowledged(facts: ByKind, began: datetime) -> datetime | None:
    """When the customer knew that we have it; without a way to write to them, the answer to the POST told it."""
    if any(
        fact.cycle == FIRST_CYCLE and not what.by_message for fact, what in of(facts, Acknowledged)
    ):
        return began
    return _first_at(facts, Acknowledged)


def _triages(
    facts: ByKind, understandings: Sequence[Understanding], cycle: int
) -> tuple[Triage, ...]:
    """The stretches of this cycle in which a person had to look: from a request to the next answer, by their order."""
    asked = [(one.order, one.at) for one in understandings if one.unsure and cycle == FIRST_CYCLE]
    asked += [
        (fact.order, fact.at) for fact, _ in of(facts, TriageRequested) if fact.cycle == cycle
    ]
    if not asked:
        return ()
    answered = [(one.order, one.at) for one in understandings if not one.unsure]
    answered += [(fact.order, fact.at) for fact, _ in of(facts, Assigned)]
    found: list[Triage] = []
    for order, at in sorted(asked):
        stopped = min((one for one in answered if one[0] > order), default=None)
        known = [one for one in understandings if one.order <= order]
        severity = in_cycle(known[-1].severity, cycle) if known else None
        last = found[-1] if found else None
        if last and not any(last.basis < one[0] < order for one in answered):
            found[-1] = replace(last, basis=order, severity=severity)
        else:
            found.append(Triage(order, order, at, severity, stopped[1] if stopped else None))
    return tuple(found)


def _resolution(facts: ByKind) -> Resolution | None:
    found = min(of(facts, Resolved), key=by_time, default=None)
    if found is None:
        return None
    fact, what = found
    return Resolution(
        outcome=what.outcome,
        reason=what.reason,
        remedy=what.remedy,
        told_at=what.told_at,
        resolved_at=fact.at,
    )


def _promises(facts: ByKind) -> tuple[Promise, ...]:
    missed = {what.promise: fact.at for fact, what in of(facts, PromiseMissed)}
    found = []
    for fact, what in sorted(of(facts, Contacted), key=by_time):
        if (promised := what.promised) is None:
            continue
        done = _earliest(
            *(each.at for each, what in of(facts, PromiseDone) if what.promise == promised.id),
            *(each.at for each, _ in of(facts, Resolved) if each.cycle == fact.cycle),
        )
        is_late = promised.id in missed if done is None else done > promised.due_at
        found.append(
            Promise(
                id=promised.id,
                what=promised.what,
                due_at=promised.due_at,
                made_at=fact.at,
                state="broken" if is_late else "kept" if done else "open",
                who=promised.who,
                settled_at=missed.get(promised.id, done),
            )
        )
    return tuple(found)


def _level(facts: ByKind) -> int:
    raised = [what.level for _, what in of(facts, Escalated)]
    raised += [what.level for _, what in of(facts, Reopened)]
    return max([1, *raised])
