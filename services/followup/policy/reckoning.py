"""What a case may be ended on: the customer agreed, or was told where else to turn."""

from typing import Final

from services.followup.model import Case

CONTENT: Final = frozenset({"satisfied", "neutral"})


def is_accepted_by_customer(case: Case) -> bool:
    """Whether the customer said yes: to what was proposed, or at the callback."""
    solution = case.work.solution
    has_accepted = solution is not None and solution.answer == "accepted"
    if case.callback_result == "dissatisfied":
        return False
    return has_accepted or case.callback_result in CONTENT


def is_agreed(case: Case) -> bool:
    """Whether the customer agreed, was told where else to turn, or a body outside has it."""
    has_been_handed_over = any(one.handed_at >= case.began_at for one in case.work.outside)
    return is_accepted_by_customer(case) or bool(case.work.recourse) or has_been_handed_over
