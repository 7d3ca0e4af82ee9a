"""What the table of the lifecycle is made of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from services.followup.model import Case
from services.followup.policy.commands.order import Deeds, Ground, Order
from shared.contracts.desk import Role
from shared.contracts.values import CaseStateName
from shared.errors import FieldError

Who = Literal["anyone", "owner", "not_owner", "second_person", "approver"]
"""Which of the people with the role: `owner`: of handlers only the case's own; `not_owner`: not the case's handler;
`second_person`: a person, no key, and another one than who decided;
`approver`: a person, no key, whose limit it is within, and another one than who proposed."""


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

    name: str
    zh: str
    message: str
    holds: Callable[[Case], bool]


def _nothing(_: Order, __: Case) -> Iterable[FieldError]:
    return ()


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody can do to a case: in which states, by which roles, after which facts, and what it leaves."""

    name: str
    zh: str
    en: str
    states: tuple[CaseStateName, ...]
    roles: tuple[Role, ...]
    guards: tuple[str, ...]
    facts: tuple[str, ...]
    to: CaseStateName | None
    """The state it leads to; None where it stays, or where that depends."""
    order: type[Order]
    """What it is sent with."""
    do: Callable[[Any, Ground], Deeds]
    """What it adds, once everything allows it. Raises Invalid for what the order names and the case has not."""
    lacks: Callable[[Any, Case], Iterable[FieldError]] = _nothing
    """Facts missing because of what the order says."""
    who: Who = "anyone"
    for_customers: bool = False
    """Whether the customer may do it too, with number and code."""
    needs_purse: bool = False
    """Whether it has to know what the actor may approve, and what the unit has spent."""
