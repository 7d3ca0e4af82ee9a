"""What was done in a cycle, as its facts say it; the same for any order of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from services.followup.model import (
    NOTHING_DONE,
    Answered,
    Asked,
    CauseFound,
    Contacted,
    Decided,
    DecisionConfirmed,
    Executed,
    Fact,
    FactsRecorded,
    HandedOver,
    MessageAdded,
    MessageReviewed,
    OutsideAnswered,
    Overdue,
    Proposed,
    RecourseTold,
    Replied,
    TaskDone,
    TaskGiven,
    Visited,
    VisitPlanned,
    Withdrawn,
    Work,
)
from services.followup.model.remedies import RemedyProposed
from services.followup.policy.by_kind import ByKind, W, by_place, of
from services.followup.policy.remedies.fold import fold_remedies
from shared.contracts.values import (
    AwaitingReview,
    CaseStateName,
    Decision,
    Finding,
    HelperTask,
    Outside,
    Question,
    Reply,
    Solution,
    SolutionAction,
    Visit,
    Visitor,
)

DONE_BY_PEOPLE: Final = frozenset(
    {
        Asked, CauseFound, Contacted, Decided, FactsRecorded, HandedOver, MessageAdded, OutsideAnswered, Proposed,
        RecourseTold, RemedyProposed, Replied, TaskGiven, VisitPlanned, Visited, Withdrawn,
    }
)  # fmt: skip
"""Without any of these nothing was done: what most cases are when they open."""


def fold_work(known: ByKind, mine: ByKind) -> Work:
    """What was done: by `mine`, the facts of the present cycle; messages and outside bodies by all that is known."""
    if DONE_BY_PEOPLE.isdisjoint(known):
        return NOTHING_DONE
    return Work(
        apologised_at=_apologised_at(mine),
        finding=_finding(mine),
        decision=_decision(mine),
        decisions=len(of(mine, Decided)),
        solutions=_solutions(mine),
        tasks=_tasks(mine),
        visits=_visits(mine),
        questions=_questions(mine),
        reply=_reply(mine),
        known=_recorded(mine),
        awaiting_review=_awaiting_review(known),
        recourse=_recourse(mine),
        outside=_outside(known),
        withdrawn_at=min((fact.at for fact, _ in of(mine, Withdrawn)), default=None),
        remedies=fold_remedies(known),
    )


def state_of(work: Work) -> CaseStateName:
    """Where the work of an accepted case stands."""
    solution = work.solution
    if solution is not None and solution.answer != "refused":
        return "executing" if solution.answer else "solution_proposed"
    if work.finding or work.decision or work.known or work.visits or work.tasks or solution:
        return "investigating"
    return "accepted"


def is_executed(solution: Solution) -> bool:
    """Whether everything that was proposed is done."""
    return all(one.done_at is not None for one in solution.actions)


def executed_at(work: Work) -> datetime | None:
    """When the last action of the accepted proposal was done."""
    solution = work.solution
    if solution is None or solution.answer != "accepted":
        return None
    done = [one.done_at for one in solution.actions]
    return None if None in done else max((at for at in done if at), default=None)


def _last(facts: ByKind, kind: type[W]) -> tuple[Fact, W] | None:
    return max(of(facts, kind), key=by_place, default=None)


def _apologised_at(facts: ByKind) -> datetime | None:
    found = [fact.at for fact, what in of(facts, Contacted) if what.apologised]
    found += [fact.at for fact, what in of(facts, Replied) if what.apologised]
    return min(found, default=None)


def _finding(facts: ByKind) -> Finding | None:
    found = _last(facts, CauseFound)
    if found is None:
        return None
    fact, what = found
    return Finding(
        code=what.code,
        text=what.text,
        preliminary=what.preliminary,
        evidence=what.evidence,
        found_at=fact.at,
    )


def _decision(facts: ByKind) -> Decision | None:
    found = max(of(facts, Decided), key=lambda one: one[1].decision, default=None)
    if found is None:
        return None
    fact, what = found
    confirmed = min(
        (one for one in of(facts, DecisionConfirmed) if one[1].decision == what.decision),
        key=by_place,
        default=None,
    )
    return Decision(
        outcome=what.outcome,
        reason=what.reason,
        evidence=what.evidence,
        responsibility=what.responsibility,
        expected=what.expected,
        standard=what.standard,
        by=fact.by,
        decided_at=fact.at,
        confirmed_by=confirmed[0].by if confirmed else None,
        confirmed_at=confirmed[0].at if confirmed else None,
    )


def _solutions(facts: ByKind) -> tuple[Solution, ...]:
    proposed = sorted(of(facts, Proposed), key=lambda one: one[1].round)
    return tuple(_solution(facts, fact, what) for fact, what in proposed)


def _solution(facts: ByKind, fact: Fact, what: Proposed) -> Solution:
    answer = min(
        (one for one in of(facts, Answered) if one[1].round == what.round),
        key=by_place,
        default=None,
    )
    said = None if answer is None else "accepted" if answer[1].accepted else "refused"
    return Solution.model_validate(
        {
            "round": what.round,
            "actions": tuple(_action(facts, one) for one in what.actions),
            "impact": what.impact,
            "proposed_at": fact.at,
            "answer": said,
            "answered_at": answer[0].at if answer else None,
            "channel": answer[1].channel if answer else None,
        }
    )


def _action(facts: ByKind, action: Any) -> SolutionAction:  # noqa: ANN401 - a ProposedAction
    done = min(
        (one for one in of(facts, Executed) if one[1].action == action.id),
        key=by_place,
        default=None,
    )
    is_late = _is_overdue(facts, "action", action.id)
    return SolutionAction(
        id=action.id,
        what=action.what,
        owner=action.owner,
        due_at=action.due_at,
        state="done" if done else "overdue" if is_late else "open",
        done_at=done[0].at if done else None,
        evidence=done[1].evidence if done else (),
    )


def _is_overdue(facts: ByKind, what: str, id_: str) -> bool:
    return any((one.what, one.id) == (what, id_) for _, one in of(facts, Overdue))


def _tasks(facts: ByKind) -> tuple[HelperTask, ...]:
    found = []
    for _, what in sorted(of(facts, TaskGiven), key=by_place):
        done = min(
            (one for one in of(facts, TaskDone) if one[1].id == what.id), key=by_place, default=None
        )
        is_late = _is_overdue(facts, "task", what.id)
        found.append(
            HelperTask(
                id=what.id,
                what=what.what,
                team=what.team,
                owner=what.owner,
                due_at=what.due_at,
                state="done" if done else "overdue" if is_late else "open",
                done_at=done[0].at if done else None,
                finding=done[1].finding if done else None,
            )
        )
    return tuple(found)


def _visits(facts: ByKind) -> tuple[Visit, ...]:
    found = []
    for _, what in sorted(of(facts, VisitPlanned), key=by_place):
        done = min(
            (one for one in of(facts, Visited) if one[1].id == what.id), key=by_place, default=None
        )
        found.append(
            Visit(
                id=what.id,
                at=what.visit_at,
                visitors=tuple(
                    Visitor(role=one.role, account=one.account) for one in what.visitors
                ),
                state="done" if done else "planned",
                done_at=done[0].at if done else None,
                findings=done[1].findings if done else None,
                photos=done[1].photos if done else (),
                witness=done[1].witness if done else None,
            )
        )
    return tuple(found)


def _questions(facts: ByKind) -> tuple[Question, ...]:
    answered: dict[str, datetime] = {}
    for fact, recorded in sorted(of(facts, FactsRecorded), key=by_place):
        for id_ in recorded.answers:
            answered.setdefault(id_, fact.at)
    return tuple(
        Question(id=id_, text=text, asked_at=fact.at, answered_at=answered.get(id_))
        for fact, asked in sorted(of(facts, Asked), key=by_place)
        for id_, text in asked.questions.items()
    )


def _reply(facts: ByKind) -> Reply | None:
    found = _last(facts, Replied)
    if found is None:
        return None
    fact, what = found
    return Reply(
        id=what.id,
        text=what.text,
        template=what.template,
        channel=what.channel,
        attachments=what.attachments,
        questions=what.questions,
        replied_at=fact.at,
    )


def _recorded(facts: ByKind) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for _, what in sorted(of(facts, FactsRecorded), key=by_place):
        found |= what.values
    return found


def _awaiting_review(facts: ByKind) -> tuple[AwaitingReview, ...]:
    reviewed = {what.message_id for _, what in of(facts, MessageReviewed)}
    return tuple(
        AwaitingReview(message_id=what.message_id, channel=what.channel, added_at=fact.at)
        for fact, what in sorted(of(facts, MessageAdded), key=by_place)
        if what.by_complainant and what.message_id not in reviewed
    )


def _recourse(facts: ByKind) -> tuple[str, ...]:
    told = [
        where for _, what in sorted(of(facts, RecourseTold), key=by_place) for where in what.where
    ]
    return tuple(dict.fromkeys(told))


def _outside(facts: ByKind) -> tuple[Outside, ...]:
    found = []
    for fact, what in sorted(of(facts, HandedOver), key=by_place):
        answer = min(
            (one for one in of(facts, OutsideAnswered) if one[1].id == what.id),
            key=by_place,
            default=None,
        )
        found.append(
            Outside(
                id=what.id,
                body=what.body,
                reference=what.reference,
                handed_at=fact.at,
                result=answer[1].result if answer else None,
                result_at=answer[0].at if answer else None,
            )
        )
    return tuple(found)
