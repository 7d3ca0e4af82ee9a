"""What can be done to an incident: a row a command."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from services.followup.policy.commands.order import Order
from services.followup.policy.incidents import orders
from services.followup.policy.incidents.states import AT_WORK, TAKING, ZH
from shared.contracts.desk import Role
from shared.contracts.incidents import IncidentBody
from shared.contracts.values import IncidentState
from shared.errors import FieldError

STAFF: Final[tuple[Role, ...]] = ("handler", "supervisor")
SUPERVISOR: Final[tuple[Role, ...]] = ("supervisor",)


@dataclass(frozen=True, slots=True)
class Guard:
    """A fact that must be there first. `message` tells what is missing and what to do."""

    name: str
    zh: str
    message: str
    holds: Callable[[IncidentBody], bool]


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody can do to an incident: in which states, by which roles, after which facts, and where it leads."""

    name: str
    zh: str
    states: tuple[IncidentState, ...]
    roles: tuple[Role, ...]
    order: type[Order]
    guards: tuple[Guard, ...] = ()
    to: IncidentState | None = None
    """The state it leads to, which goes to every member's case; None where it stays."""


CAUSE: Final = Guard(
    "cause", "尚未查明原因", "why it happened is not known: issue `find_cause` first",
    lambda body: body.finding is not None and not body.finding.preliminary,
)  # fmt: skip
INSPECTED: Final = Guard(
    "inspections", "排查尚未全部完成", "not every object was looked at: `record_inspection` for each",
    lambda body: body.inspections.done == body.inspections.objects,
)  # fmt: skip
LEAD: Final = Guard(
    "lead", "尚无负责人", "nobody answers for it: issue `form_team` first",
    lambda body: body.lead is not None,
)  # fmt: skip

COMMANDS: Final[Mapping[str, Command]] = MappingProxyType(
    {
        one.name: one
        for one in (
            Command("attach", "加入成员", TAKING, STAFF, orders.Attach),
            Command("detach", "移出成员", TAKING, STAFF, orders.Detach),
            Command("follow", "设置自动加入", TAKING, SUPERVISOR, orders.Follow),
            Command("form_team", "组成小组", TAKING, SUPERVISOR, orders.FormTeam),
            Command("plan_inspections", "列出排查对象", TAKING, STAFF, orders.PlanInspections),
            Command("record_inspection", "记录排查结果", TAKING, STAFF, orders.RecordInspection),
            Command("find_cause", "查明原因", TAKING, STAFF, orders.FindCause),
            Command("tell", "发布通报", TAKING, SUPERVISOR, orders.Tell),
            Command("investigate", "开始调查", AT_WORK, SUPERVISOR, orders.Investigate, to="investigating"),
            Command("act", "开始处置", AT_WORK, SUPERVISOR, orders.Act, to="acting"),
            Command("solve", "统一答复", AT_WORK, SUPERVISOR, orders.Solve, (LEAD,), "solved"),
            Command("close", "结束", ("solved",), SUPERVISOR, orders.CloseIncident, (CAUSE, INSPECTED), "closed"),
        )
    }
)  # fmt: skip


def missing(command: Command, body: IncidentBody) -> tuple[FieldError, ...]:
    """What keeps a command from being done now: one entry a missing fact; if none, the state where it is wrong."""
    facts = tuple(
        FieldError(one.name, "missing", one.message, one.zh)
        for one in command.guards
        if not one.holds(body)
    )
    if facts or (body.state in command.states and body.state != command.to):
        return facts
    allowed = ", ".join(one for one in command.states if one != command.to)
    states = "、".join(ZH[one] for one in command.states if one != command.to)
    return (
        FieldError(
            "state",
            "state",
            f"it is {body.state}; {command.name} is for {allowed}",
            f"当前为{ZH[body.state]}，该操作仅限：{states}",
        ),
    )
