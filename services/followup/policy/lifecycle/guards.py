"""Facts that commands need."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from services.followup.model import Case
from services.followup.policy.callback import awaited_call, awaited_check
from services.followup.policy.lifecycle.table import Guard
from services.followup.policy.reckoning import is_agreed
from services.followup.policy.remedies.fold import is_settled
from services.followup.policy.work import is_executed


def _is_contacted(case: Case) -> bool:
    return case.kind not in (None, "complaint") or "contacted" in case.happened


def _is_critical(case: Case) -> bool:
    return case.kind == "complaint" and case.severity == "critical"


def _is_solution_accepted(case: Case) -> bool:
    solution = case.work.solution
    return solution is not None and solution.answer == "accepted"


def _is_executed(case: Case) -> bool:
    solution = case.work.solution
    return solution is None or solution.answer != "accepted" or is_executed(solution)


def _is_not_refused(case: Case) -> bool:
    solution = case.work.solution
    return solution is None or solution.answer != "refused" or is_agreed(case)


def _has_critical_solution(case: Case) -> bool:
    return not _is_critical(case) or is_agreed(case)


GUARDS: Final[Mapping[str, Guard]] = MappingProxyType(
    {
        guard.name: guard
        for guard in (
            Guard("assigned", "尚未派单", "nobody has it yet: wait for an assignment, or give it to somebody",
                  lambda case: case.owner.handler is not None),
            Guard("accepted", "处理人尚未受理", "its handler has not accepted it: issue `accept` first",
                  lambda case: case.is_accepted),
            Guard("contacted", "尚未联系客户", "nobody has spoken with the customer: issue `contact` first",
                  _is_contacted),
            Guard("resolved", "尚未解决", "it is not resolved: issue `resolve` first",
                  lambda case: case.resolution is not None),
            Guard("told", "尚未告知客户结果", "the customer was not told the outcome: issue `resolve` with `told_at`",
                  lambda case: case.resolution is not None),
            Guard("callback_open", "已回访", "the customer was asked already: close the case, or reopen it",
                  lambda case: case.callback_result in (None, "skipped", "unreached")),
            Guard("callback_settled", "尚未回访", "the customer was not asked yet: issue `callback` first",
                  lambda case: case.callback_result not in (None, "dissatisfied")),
            Guard("cause", "尚未查明原因", "why it happened is not known: issue `find_cause` first (preliminary will do)",
                  lambda case: case.work.finding is not None),
            Guard("decided", "尚未认定", "it was not decided: issue `decide` first",
                  lambda case: case.work.decision is not None),
            Guard("decision_open", "已复核", "a second person agreed already: `decide` anew to change it",
                  lambda case: case.work.decision is None or case.work.decision.confirmed_at is None),
            Guard("proposed", "尚未提出方案", "nothing was proposed: issue `propose` first",
                  lambda case: case.work.solution is not None),
            Guard("answer_open", "客户已答复", "the customer has answered already: `propose` anew to ask again",
                  lambda case: case.work.solution is None or case.work.solution.answer is None),
            Guard("answered", "客户尚未答复方案", "the customer has not answered the proposal: issue `answer` first",
                  lambda case: case.work.solution is None or case.work.solution.answer is not None),
            Guard("solution_accepted", "客户尚未接受方案", "the customer has not accepted what was proposed: issue `answer` first",
                  _is_solution_accepted),
            Guard("executed", "方案尚未全部执行", "what the customer accepted is not all done: issue `execute` for each action",
                  _is_executed),
            Guard("not_refused", "客户未接受方案，且未告知其他途径",
                  "the customer refused what was proposed: `propose` anew, `tell_recourse`, or `hand_over`", _is_not_refused),
            Guard("critical_apologised", "严重投诉尚未致歉", "it is critical: `contact` with `apologised`, or apologise in a `reply`",
                  lambda case: not _is_critical(case) or case.work.apologised_at is not None),
            Guard("critical_cause", "严重投诉尚未查明原因", "it is critical: issue `find_cause` first",
                  lambda case: not _is_critical(case) or case.work.finding is not None),
            Guard("critical_solution", "严重投诉尚无客户接受的方案",
                  "it is critical: `propose` what is done, and have it accepted (or `tell_recourse`, `hand_over`)",
                  _has_critical_solution),
            Guard("reviewed", "客户的补充尚未查看", "a message of the customer's awaits review: issue `review_message` first",
                  lambda case: not case.work.awaiting_review),
            Guard("remedy_proposed", "尚未提出补救", "no remedy was proposed: issue `offer_remedy` first",
                  lambda case: bool(case.work.remedies)),
            Guard("remedies_settled", "补救尚未了结", "a remedy awaits its approval, the customer's word or its payment: settle it first",
                  lambda case: all(is_settled(one) for one in case.work.remedies)),
            Guard("call_open", "没有待回访", "nobody is to be called: there is no open callback and no second check",
                  lambda case: awaited_call(case) is not None or awaited_check(case) is not None),
            Guard("check_open", "没有待二次回访", "no second check is planned, or it was made already",
                  lambda case: awaited_check(case) is not None),
        )
    }
)  # fmt: skip
