"""The lifecycle's table: every command in every state, and what it shows."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import get_args

import pytest

from services.followup.model import (
    Accepted,
    Acknowledged,
    Assigned,
    CallbackCame,
    CallbackSettled,
    Calling,
    Case,
    Closed,
    Contacted,
    Decided,
    Fact,
    Reopened,
    Resolved,
    Timed,
    Understood,
    Work,
)
from services.followup.model.remedies import RemedyProposed
from services.followup.policy.case import fold
from services.followup.policy.escalation import (
    asked_level,
    brought,
    group_sizes,
    missed_level,
    raised,
    unsolved_by,
)
from services.followup.policy.lifecycle import (
    COMMANDS,
    GUARDS,
    STATES,
    lifecycle_markdown,
    missing,
)
from shared.contracts.values import ApproverRank, CaseStateName, Decision, Finding, Solution
from tests.unit.followup.facts import heard, minute, receipt, remedy, rules
from tests.unit.followup.test_clocks import understood

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
    command = COMMANDS[name]

    found = [[error.field for error in missing(command, after(count))] for count in range(1, 9)]

    assert found == refusals


def ready_for(name: str) -> Case:
    """A case in which every fact that the command needs is there."""
    case = replace(after(7), callback_result="unreached")
    accepted = Solution(round=1, actions=(), proposed_at=minute(4), answer="accepted")
    solution = accepted.model_copy(update={"answer": None}) if name == "answer" else accepted
    decision = Decision(outcome="upheld", reason="r", by="account/an", decided_at=minute(4))
    finding = Finding(code="process", text="t", found_at=minute(4))
    work = Work(finding=finding, decision=decision, solutions=(solution,), remedies=(remedy(),))
    calling = Calling(second_due_at=minute(9))
    result = None if name == "claim_callback" else case.callback_result
    return replace(
        case,
        work=work,
        timed=Timed(calling=calling),
        callback_due_at=minute(9),
        callback_result=result,
    )


@pytest.mark.parametrize(("name", "state"), list(product(COMMANDS, STATE_NAMES)))
def test_no_command_is_possible_outside_its_states(name: str, state: CaseStateName) -> None:
    command = COMMANDS[name]
    ready = replace(ready_for(name), state=state)

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


@pytest.mark.req("R-093")
def test_each_step_of_the_ladder_names_what_brings_a_case_there() -> None:
    pack = rules().pack

    assert [brought(pack, 1, one) for one in ("warned", "breached", "critical", "nobody's")] == [
        2, 3, 4, 1,
    ]  # fmt: skip
    assert [missed_level(pack, level) for level in (1, 2, 3, 4)] == [3, 3, 4, 4]
    assert [asked_level(pack, level) for level in (1, 2, 3, 4)] == [2, 3, 4, 4]
    assert brought(pack, 1, "statutory_limit") == 1  # nobody outside is told by itself


@pytest.mark.parametrize("is_first", [True, False], ids=["receipt first", "understood first"])
def test_what_is_critical_goes_to_the_company_at_once_and_stays_there(*, is_first: bool) -> None:
    first, then = receipt(), understood("critical", order=1)
    told = [first, then] if is_first else [then, first]
    milder = understood("normal", after=5, order=2)

    case = heard([*told, milder])[0]

    assert case is not None
    assert (case.level, case.severity) == (4, "normal")


def test_a_cue_that_the_ladder_names_and_a_verdict_against_the_customer_go_up() -> None:
    again = understood("high", order=1, cues=("repeat",))
    decided = Fact(Decided(1, "not_upheld", "r", ("e",)), minute(9), "account/an")

    for told in ([again], [understood("high", order=1), decided]):
        case = heard([receipt(), *told])[0]
        assert case is not None
        assert case.level == 2


def test_media_and_regulator_together_go_to_the_company_whichever_way_each_is_known() -> None:
    both = [receipt(), understood("high", order=1, cues=("media", "regulator"))]
    posted = [receipt(channel="social"), understood("high", order=1, cues=("regulator",))]
    passed_on = [understood("high", order=1, cues=("media",)), receipt(authority="12345")]
    one = [receipt(channel="social"), understood("high", order=1, cues=("media",))]

    levels = []
    for told in (both, posted, passed_on, one):
        case = heard(told)[0]
        assert case is not None
        levels.append(case.level)
    assert levels == [4, 4, 4, 1]


@pytest.mark.parametrize(
    ("needs", "level"), [(None, 1), ("supervisor", 1), ("department_head", 3), ("company", 4)]
)
def test_a_remedy_above_what_a_rank_may_approve_brings_the_case_to_who_may(
    needs: ApproverRank | None, level: int
) -> None:
    offered = RemedyProposed(
        "r1", "GEN-C1", "退款", "Refund", "money", Decimal(900), "CNY", "r", "据", "basis", "算", "sum",
        needs, over_budget=False, expires_at=minute(500),
    )  # fmt: skip
    told = [receipt(), understood("normal", order=1), Fact(offered, minute(9), "account/an")]

    case = heard(told)[0]

    assert case is not None
    assert case.level == level


@pytest.mark.parametrize(
    ("severity", "is_resolved", "is_due"),
    [
        ("high", False, True),
        ("critical", False, False),
        ("normal", False, False),
        ("high", True, False),
    ],
    ids=["high", "critical is above already", "normal", "solved"],
)
def test_a_grave_case_is_to_be_solved_in_the_time_that_the_ladder_names(
    severity: str, *, is_resolved: bool, is_due: bool
) -> None:
    told = [receipt(), understood(severity, order=1)]
    resolved = Fact(Resolved("upheld", "r", None, minute(5)), minute(5), "account/an")
    case = heard([*told, resolved] if is_resolved else told)[0]
    assert case is not None

    due = unsolved_by(rules(), case)

    assert set(due) == ({"high_unsolved_2wd"} if is_due else set())


def test_the_ladder_says_from_how_many_complaints_of_one_incident_on_it_is_told() -> None:
    assert group_sizes(rules().pack) == (10,)
