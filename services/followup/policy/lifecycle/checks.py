"""What keeps a command from being done."""

from services.followup.model import Case
from services.followup.policy.commands.order import Order
from services.followup.policy.lifecycle.guards import GUARDS
from services.followup.policy.lifecycle.states import STATES
from services.followup.policy.lifecycle.table import Command
from shared.errors import FieldError


def missing(command: Command, case: Case, order: Order | None = None) -> tuple[FieldError, ...]:
    """What keeps a command from being done now: one entry a missing fact; if none, the state where it is wrong.

    With its order, also what that needs.
    """
    facts = tuple(
        FieldError(name, "missing", GUARDS[name].message, GUARDS[name].zh)
        for name in command.guards
        if not GUARDS[name].holds(case)
    )
    if order is not None:
        facts = (*facts, *command.lacks(order, case))
    if facts or case.state in command.states:
        return facts
    allowed = ", ".join(command.states)
    states = "、".join(STATES[name].zh for name in command.states)
    return (
        FieldError(
            "state",
            "state",
            f"it is {case.state}; {command.name} is for {allowed}",
            f"当前为{STATES[case.state].zh}，该操作仅限：{states}",
        ),
    )
