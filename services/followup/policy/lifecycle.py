"""The life of a case as one table: states, commands, who may, what must have happened first, what is recorded.

The service checks against this table and nothing else; `GET /followup/v1/lifecycle` and the documents show it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from services.followup.model import Case
from shared.contracts.desk import Role
from shared.contracts.values import CaseStateName
from shared.errors import FieldError

CommandName = Literal["accept", "contact", "resolve", "callback", "close", "reopen"]
GuardName = Literal[
    "assigned", "accepted", "contacted", "resolved", "told", "callback_open", "callback_settled"
]


@dataclass(frozen=True, slots=True)
class State:
    """Where a case can be, and the same in words for customers."""

    name: CaseStateName
    zh: str
    en: str
    customer_zh: str
    customer_en: str


@dataclass(frozen=True, slots=True)
class Guard:
    """A fact that must be there first. `message` tells what is missing and what to do."""

    name: GuardName
    zh: str
    message: str
    holds: Callable[[Case], bool]


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody can do to a case: in which states, by which roles, after which facts, and what it leaves."""

    name: CommandName
    zh: str
    en: str
    states: tuple[CaseStateName, ...]
    roles: tuple[Role, ...]
    guards: tuple[GuardName, ...]
    facts: tuple[str, ...]
    to: CaseStateName | None
    """The state it leads to; None where it stays."""


def _is_contacted(case: Case) -> bool:
    return case.kind not in (None, "complaint") or "contacted" in case.happened


STATES: Final[Mapping[CaseStateName, State]] = MappingProxyType(
    {
        state.name: state
        for state in (
            State("received", "已接收", "Received", "已收到，正在安排专人处理", "We have it and are finding the right person"),
            State("assigned", "已派单", "Assigned", "已安排专人负责", "Somebody is responsible for it"),
            State("accepted", "已受理", "Accepted", "专人正在处理", "It is being worked on"),
            State("investigating", "调查中", "Investigating", "正在查明原因", "We are finding out what happened"),
            State("solution_proposed", "方案已提出", "Solution proposed", "方案已提出", "We have proposed a solution"),
            State("executing", "执行中", "Executing", "正在落实方案", "The solution is being carried out"),
            State("resolved", "已解决", "Resolved", "已处理完毕，结果已告知您", "It is done and you were told the result"),
            State("callback", "回访中", "Callback", "将回访您，确认问题是否解决", "We are asking you whether it is solved"),
            State("closed", "已关闭", "Closed", "已办结", "Closed"),
            State("withdrawn", "已撤回", "Withdrawn", "已撤回", "Withdrawn"),
        )
    }
)  # fmt: skip

GUARDS: Final[Mapping[GuardName, Guard]] = MappingProxyType(
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
        )
    }
)  # fmt: skip

_WORKING: Final[tuple[CaseStateName, ...]] = (
    "assigned",
    "accepted",
    "investigating",
    "solution_proposed",
    "executing",
)
_STAFF: Final[tuple[Role, ...]] = ("handler", "supervisor")
_ASKING: Final[tuple[Role, ...]] = ("caller", "handler", "supervisor")

COMMANDS: Final[Mapping[CommandName, Command]] = MappingProxyType(
    {
        command.name: command
        for command in (
            Command("accept", "受理", "Take the case on", ("received", "assigned"), _STAFF, ("assigned",),
                    ("accepted",), "accepted"),
            Command("contact", "联系客户", "Record a talk with the customer, and what was promised", _WORKING, _STAFF,
                    ("assigned",), ("contacted",), None),
            Command("resolve", "解决", "Record the outcome that the customer was told", ("received", *_WORKING), _STAFF,
                    ("accepted", "contacted"),
                    ("passed investigating", "passed solution_proposed", "passed executing", "resolved",
                     "callback_planned or callback_settled"), "resolved"),
            Command("callback", "回访", "Record what the customer said to the resolution", ("resolved", "callback"),
                    _ASKING, ("resolved", "callback_open"), ("callback_settled",), None),
            Command("close", "关闭", "End the case", ("received", *_WORKING, "resolved", "callback"), _ASKING,
                    ("told", "callback_settled"), ("closed",), "closed"),
            Command("reopen", "重新打开", "Begin the next cycle", ("resolved", "callback", "closed", "withdrawn"),
                    _ASKING, (), ("reopened",), "received"),
        )
    }
)  # fmt: skip


def missing(command: Command, case: Case) -> tuple[FieldError, ...]:
    """What keeps a command from being done now: one entry a missing fact; if none, the state where it is wrong."""
    facts = tuple(
        FieldError(name, "missing", GUARDS[name].message, GUARDS[name].zh)
        for name in command.guards
        if not GUARDS[name].holds(case)
    )
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


def lifecycle_markdown() -> str:
    """The table as a page."""
    lines = ["# The life of a case", "", "## States", "", "| State | 中文 | In words | To the customer |",
             "|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| `{one.name}` | {one.zh} | {one.en} | {one.customer_en} |" for one in STATES.values()
    ]
    lines += ["", "## Commands", "",
              "A key with `followup:write` may issue every command; of staff only the roles named.", "",
              "| Command | 中文 | What it does | In states | By | Needs | Records | Leads to |",
              "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for one in COMMANDS.values():
        cells = [f"`{one.name}`", one.zh, one.en, _codes(one.states), ", ".join(one.roles), _codes(one.guards),
                 ", ".join(one.facts), f"`{one.to}`" if one.to else "—"]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "A dissatisfied `callback` reopens the case: the next cycle, at a higher level.", "",
              "## Facts that commands need", "", "| Fact | Missing | 缺少时 |", "|---|---|---|"]  # fmt: skip
    lines += [f"| `{one.name}` | {one.message} | {one.zh} |" for one in GUARDS.values()]
    return "\n".join(lines) + "\n"


def _codes(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "—"
