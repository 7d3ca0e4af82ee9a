"""What the one result of an incident does to a member's case, whose clocks, callback and closing stay its own."""

from collections.abc import Sequence
from typing import Final

from services.followup.model import Case, Fact
from services.followup.policy.commands.ending import Resolve, resolve
from services.followup.policy.commands.order import Ground
from services.followup.policy.lifecycle import COMMANDS, GUARDS
from shared.contracts.incidents import IncidentResult

DONE_TOGETHER: Final = frozenset({"accepted", "contacted"})
"""Guards that the incident stands for: its team has the matter, and its bulletins spoke with the customers."""
RESOLVE: Final = COMMANDS["resolve"]


def is_told_already(case: Case) -> bool:
    """Whether the customer has a result, or wants none any more."""
    return case.resolution is not None or case.state in ("closed", "withdrawn")


def lacking(case: Case, result: IncidentResult) -> tuple[str, ...]:
    """What a case of its own needs before it can be resolved with all: what was begun with a customer is finished."""
    guards = (GUARDS[name] for name in RESOLVE.guards if name not in DONE_TOGETHER)
    found = [one.name for one in guards if not one.holds(case)]
    return (*found, *(one.field for one in RESOLVE.lacks(_order(result), case)))


def resolved_with_all(on: Ground, result: IncidentResult) -> Sequence[Fact]:
    """The facts that resolve the case."""
    return [one for one in resolve(_order(result), on) if isinstance(one, Fact)]


def _order(result: IncidentResult) -> Resolve:
    return Resolve(
        outcome=result.outcome, reason=result.reason, remedy=result.remedy, told_at=result.told_at
    )
