"""The lifecycle's table: every command in every state, and what it shows."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import get_args

import pytest

from services.followup.model import (
    Accepted,
    Acknowledged,
    Assigned,
    CallbackCame,
    CallbackSettled,
    Case,
    Closed,
    Contacted,
    Fact,
    Reopened,
    Resolved,
    Understood,
)
from services.followup.policy.case import fold
from services.followup.policy.escalation import raised
from services.followup.policy.lifecycle import (
    COMMANDS,
    GUARDS,
    STATES,
    lifecycle_markdown,
    missing,
)
from shared.contracts.values import CaseStateName
from tests.unit.followup.facts import minute, receipt, rules

STATE_NAMES: tuple[CaseStateName, ...] = get_args(CaseStateName)
ASSIGNED = Fact(Assigned("service", "an"), minute(1), "routing", 1, 2)
ACCEPTED = Fact(Accepted(2), minute(2), "account/an")
CONTACTED = Fact(Contacted(True, True, False, None), minute(3), "account/an")
RESOLVED = Fact(Resolved("upheld", "reason", None, minute(4)), minute(4), "account/an")
CAME = Fact(CallbackCame(), minute(5), "followup")
SETTLED = Fact(CallbackSettled("satisfied", None), minute(6), "account/cai")
CLOSED = Fact(Closed(), minute(7), "account/an")
WAY = (receipt(), ASSIGNED, ACCEPTED, CONTACTED, RESOLVED, CAME, SETTLED, CLOSED)


def after(count: int) -> Case:
    case = fold(WAY[:count])
    assert case is not None
    return case


def test_each_step_of_the_way_has_its_state() -> None:
    assert [after(count).state for count in range(1, 9)] == [
        "received", "assigned", "accepted", "accepted", "resolved", "callback", "callback", "closed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "refusals"),
    [
        ("accept", [["assigned"], [], ["state"], ["state"], ["state"], ["state"], ["state"], ["state"]]),
        ("contact", [["assigned"], [], [], [], ["state"], ["state"], ["state"], ["state"]]),
        ("resolve", [["accepted", "contacted"], ["accepted", "contacted"], ["contacted"], [],
                     ["state"], ["state"], ["state"], ["state"]]),
        ("callback", [["resolved"]] * 4 + [[], [], ["callback_open"], ["callback_open"]]),
        ("close", [["told", "callback_settled"]] * 4 + [["callback_settled"]] * 2 + [[], ["state"]]),
        ("reopen", [["state"]] * 4 + [[], [], [], []]),
    ],
)  # fmt: skip
def test_what_each_command_misses_on_each_step_of_the_way(
    name: str, refusals: list[list[str]]
) -> None:
    command = next(one for one in COMMANDS.values() if one.name == name)

    found = [[error.field for error in missing(command, after(count))] for count in range(1, 9)]

    assert found == refusals


@pytest.mark.parametrize(("name", "state"), list(product(COMMANDS, STATE_NAMES)))
def test_no_command_is_possible_outside_its_states(name: str, state: CaseStateName) -> None:
    command = next(one for one in COMMANDS.values() if one.name == name)
    ready = replace(after(7), state=state, callback_result="unreached")  # every fact is there

    errors = missing(command, ready)

    assert (errors == ()) == (state in command.states)
    assert all(error.message and error.zh for error in errors)


@pytest.mark.req("R-062")
def test_no_case_closes_untold_or_without_its_callback_settled() -> None:
    close = COMMANDS["close"]

    for count in range(1, 7):
        assert missing(close, after(count)) != ()
    assert missing(close, after(7)) == ()
    dissatisfied = replace(after(7), callback_result="dissatisfied")
    assert [one.field for one in missing(close, dissatisfied)] == ["callback_settled"]


def test_only_a_complaint_must_be_talked_over_before_it_is_resolved() -> None:
    praise = Fact(Understood("praise", (), "low", False), minute(1), "routing", 1, 1)
    case = fold([*WAY[:3], praise])
    assert case is not None

    assert missing(COMMANDS["resolve"], case) == ()


def test_an_attempt_that_reached_nobody_is_no_contact() -> None:
    tried = Fact(Contacted(False, False, False, None), minute(3), "account/an")
    case = fold([*WAY[:3], tried])
    assert case is not None

    assert "contacted" not in case.happened


def test_every_name_in_the_table_is_known_and_shown() -> None:
    page = lifecycle_markdown()

    assert set(STATES) == set(STATE_NAMES)
    for command in COMMANDS.values():
        assert set(command.states) <= set(STATES)
        assert set(command.guards) <= set(GUARDS)
        assert f"`{command.name}`" in page
    for state in STATES.values():
        assert f"| `{state.name}` | {state.zh} |" in page
    assert all(guard.message in page for guard in GUARDS.values())


def test_a_new_cycle_starts_without_the_facts_of_the_one_before() -> None:
    reopened = Fact(Reopened("again", 2), minute(8), "account/su", 2)
    acknowledged = Fact(Acknowledged(True), minute(1), "notify", 1, 1)
    case = fold([*WAY, acknowledged, reopened])
    assert case is not None

    assert (case.state, case.cycle, case.level) == ("received", 2, 2)
    assert dict(case.happened) == {"received": minute(8)}
    assert (case.resolution, case.callback_result) == (None, None)


def test_the_ladder_goes_to_the_supervisor_first_and_never_outside_by_itself() -> None:
    pack = rules().pack

    assert [raised(pack, level) for level in (1, 2, 3, 4)] == [2, 3, 4, 4]
