"""The case as its facts say it: one fold, which gives the same for any order of the facts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

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
    PromiseMissed,
    Received,
    Reopened,
    Resolved,
    Triage,
    TriageRequested,
    Unassigned,
    Understanding,
    Understood,
)
from services.followup.policy.rules import in_cycle
from shared.contracts.values import CaseStateName, Owner, Promise, Resolution

W = TypeVar("W")
Found = Sequence[tuple[Fact, W]]
ByKind = Mapping[type, Sequence[tuple[Fact, Any]]]
"""Facts with what they are about, in their order, by what kind that is."""

RESOLVING: Final = ("solution_proposed", "remedy_done", "final_response", "resolved")
"""What a resolution is to the clocks: it carries all of these at once until a later release splits it."""


def fold(facts: Iterable[Fact]) -> Case | None:
    """The case that the facts make; None until intake's receipt is among them.

    What routing and notify said earlier than that counts then. Of routing's facts the last by their order hold,
    of assignments only those of the present cycle; of facts that may come twice the earliest counts.
    """
    all_ = tuple(facts)
    known = _by_kind(all_)
    receipt = next(iter(_of(known, Received)), None)
    if receipt is None:
        return None
    cycle = max([FIRST_CYCLE, *(fact.cycle for fact, _ in _of(known, Reopened))])
    of_cycle = [fact for fact in all_ if fact.cycle == cycle]
    mine = known if len(of_cycle) == len(all_) else _by_kind(of_cycle)
    began = _first_at(mine, Reopened) or receipt[0].at
    understandings = _understandings(known)
    owner, assignment = _owner(mine)
    is_accepted = any(what.assignment == assignment for _, what in _of(mine, Accepted)) and bool(
        owner.handler
    )
    resolution = _resolution(mine)
    settled = sorted(_of(mine, CallbackSettled), key=_order)
    planned = max(_of(mine, CallbackPlanned), key=_at, default=None)
    return Case(
        received=receipt[1],
        received_at=receipt[0].at,
        state=_state(mine, owner, is_accepted=is_accepted),
        cycle=cycle,
        began_at=began,
        understandings=understandings,
        severity=in_cycle(understandings[-1].severity, cycle) if understandings else None,
        owner=owner,
        assignment=assignment,
        is_accepted=is_accepted,
        happened=_happened(mine, began),
        triage=_triage(known, understandings, cycle),
        promises=_promises(known),
        resolution=resolution,
        callback_due_at=planned[1].due_at if planned else None,
        callback_result=settled[-1][1].result if settled else None,
        callbacks=len(settled),
        level=_level(known),
    )


def _by_kind(facts: Iterable[Fact]) -> ByKind:
    found: dict[type, list[tuple[Fact, Any]]] = {}
    for fact in facts:
        found.setdefault(type(fact.what), []).append((fact, fact.what))
    return found


def _of(facts: ByKind, kind: type[W]) -> Found[W]:
    return facts.get(kind, ())


def _at(found: tuple[Fact, object]) -> datetime:
    return found[0].at


def _order(found: tuple[Fact, object]) -> int:
    return found[0].order


def _first_at(
    facts: ByKind, kind: type[W], counts: Callable[[W], bool] | None = None
) -> datetime | None:
    found = [fact.at for fact, what in _of(facts, kind) if counts is None or counts(what)]
    return min(found) if found else None


def _understandings(facts: ByKind) -> tuple[Understanding, ...]:
    return tuple(
        Understanding(fact.order, fact.at, what.kind, what.categories, what.severity, what.unsure)
        for fact, what in sorted(_of(facts, Understood), key=_order)
    )


def _owner(facts: ByKind) -> tuple[Owner, int]:
    """Who answers in this cycle, and the place of what says so; 0 before anything did."""
    given = max(_of(facts, Assigned), key=_order, default=None)
    taken = max(_of(facts, Unassigned), key=_order, default=None)
    if given is None:
        return Owner(), 0
    fact, assigned = given
    if taken is not None and taken[0].order > fact.order:
        return Owner(team=assigned.team), taken[0].order
    return Owner(team=assigned.team, handler=assigned.handler), fact.order


def _state(facts: ByKind, owner: Owner, *, is_accepted: bool) -> CaseStateName:
    if _of(facts, Closed):
        return "closed"
    if _of(facts, Resolved):
        return "callback" if _of(facts, CallbackCame) else "resolved"
    if is_accepted:
        return "accepted"
    return "assigned" if owner.handler else "received"


def _happened(facts: ByKind, began: datetime) -> Mapping[str, datetime]:
    resolved, closed = _first_at(facts, Resolved), _first_at(facts, Closed)
    # Who was told the outcome was contacted, if not before.
    spoken = [_first_at(facts, Contacted, lambda what: what.heard), resolved]
    found = {
        "received": began,
        "acknowledged": _acknowledged(facts, began),
        "contacted": min((at for at in spoken if at), default=None),
        "callback_settled": _first_at(facts, CallbackSettled),
        "closed": closed,
    } | dict.fromkeys(RESOLVING, resolved)
    return {name: at for name, at in found.items() if at is not None}


def _acknowledged(facts: ByKind, began: datetime) -> datetime | None:
    """When the customer knew that we have it; without a way to write to them, the answer to the POST told it."""
    if any(
        fact.cycle == FIRST_CYCLE and not what.by_message for fact, what in _of(facts, Acknowledged)
    ):
        return began
    return _first_at(facts, Acknowledged)


def _triage(facts: ByKind, understandings: Sequence[Understanding], cycle: int) -> Triage | None:
    """The last stretch of this cycle in which a person had to look."""
    asked = [(one.order, one.at) for one in understandings if one.unsure and cycle == FIRST_CYCLE]
    asked += [
        (fact.order, fact.at) for fact, _ in _of(facts, TriageRequested) if fact.cycle == cycle
    ]
    answered = [(one.order, one.at) for one in understandings if not one.unsure]
    answered += [(fact.order, fact.at) for fact, _ in _of(facts, Assigned)]
    if not asked:
        return None
    last = max(asked)[0]
    before = max((order for order, _ in answered if order < last), default=-1)
    episode, started = min((order, at) for order, at in asked if order > before)
    stopped = min(((order, at) for order, at in answered if order > last), default=None)
    known = [one for one in understandings if one.order <= last]
    return Triage(
        episode=episode,
        basis=last,
        started_at=started,
        severity=in_cycle(known[-1].severity, cycle) if known else None,
        stopped_at=stopped[1] if stopped else None,
    )


def _resolution(facts: ByKind) -> Resolution | None:
    found = min(_of(facts, Resolved), key=_at, default=None)
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
    missed = {what.promise for _, what in _of(facts, PromiseMissed)}
    found = []
    for fact, what in sorted(_of(facts, Contacted), key=_at):
        if (promised := what.promised) is None:
            continue
        done = min(
            (each.at for each, _ in _of(facts, Resolved) if each.cycle == fact.cycle), default=None
        )
        is_late = promised.id in missed if done is None else done > promised.due_at
        found.append(
            Promise(
                id=promised.id,
                what=promised.what,
                due_at=promised.due_at,
                made_at=fact.at,
                state="broken" if is_late else "kept" if done else "open",
            )
        )
    return tuple(found)


def _level(facts: ByKind) -> int:
    raised = [what.level for _, what in _of(facts, Escalated)]
    raised += [what.level for _, what in _of(facts, Reopened)]
    return max([1, *raised])
