"""The life of a case as one table: states, commands, who may, what must have happened first, what is recorded.

The service checks against this table and nothing else; `GET /followup/v1/lifecycle` and the documents show it.
"""

from services.followup.policy.lifecycle.checks import missing
from services.followup.policy.lifecycle.commands import COMMANDS
from services.followup.policy.lifecycle.guards import GUARDS
from services.followup.policy.lifecycle.page import lifecycle_markdown
from services.followup.policy.lifecycle.states import STATES
from services.followup.policy.lifecycle.table import Command, Guard, State

__all__ = [
    "COMMANDS",
    "GUARDS",
    "STATES",
    "Command",
    "Guard",
    "State",
    "lifecycle_markdown",
    "missing",
]
