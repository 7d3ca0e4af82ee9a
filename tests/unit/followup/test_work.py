"""What was done on a case, purely: what a message answers, any order of facts, and no path that closes too early."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.followup.model import (
    Assigned,
    CallbackSettled,
    Case,
    Closed,
    Fact,
    RecourseTold,
    Resolved,
    Understood,
)
from services.followup.model.remedies import Purse
from services.followup.policy.case import fold
from services.followup.policy.choice import choice
from services.followup.policy.commands.order import Ground, Order
from services.followup.policy.lifecycle import COMMANDS, missing
from services.followup.policy.reckoning import is_agreed
from services.followup.policy.remedies.fold import is_settled
from shared.errors import Rejected
from tests.unit.followup.facts import MONDAY, receipt, rules

if TYPE_CHECKING:
    from collections.abc import Sequence

SOON = (MONDAY + timedelta(days=30)).isoformat()
BODIES: dict[str, list[dict[str, Any]]] = {
    "refuse": [{"reason": "not ours"}],
    "contact": [{"apologised": True}, {"heard": False}, {"promised": {"what": "call", "by": SOON}}],
    "ask_customer": [{"questions": ["when?"]}],
    "record_facts": [{"values": {"when": "monday"}}, {"answers": ["q1.1"]}],
    "note": [{"text": "n"}],
    "reply": [{"text": "hello", "apologised": True}],
    "keep_promise": [{"promise": "id-2", "evidence": "done"}],
    "find_cause": [{"code": "process", "text": "t"}],
    "decide": [
        {"outcome": "upheld", "reason": "r"},
        {"outcome": "not_upheld", "reason": "r", "evidence": ["e"]},
    ],
    "propose": [{"actions": [{"what": "w", "owner": "an", "due_at": SOON}], "impact": "i"}],
    "answer": [{"accepted": True, "channel": "web"}, {"accepted": False, "channel": "web"}],
    "execute": [{"action": f"a{cycle}.{round_}.1", "evidence": ["e"]} for cycle in (1, 2) for round_ in (1, 2)],
    "resolve": [
        {"outcome": one, "reason": "r", "remedy": "m", "told_at": MONDAY.isoformat()}
        for one in ("upheld", "not_upheld")
    ],
    "callback": [{"result": one} for one in ("satisfied", "dissatisfied", "unreached")],
    "reopen": [{"reason": "again"}],
    "withdraw": [{"reason": "solved"}],
    "tell_recourse": [{"where": ["12315"]}],
    "hand_over": [{"body": "court", "reference": "1", "reason": "r"}],
    "outside_result": [{"outside": "o1.1", "result": "r"}],
    "offer_remedy": [
        {"remedy": "goodwill", "reason": "r", "calculation": "c", "amount": {"amount": amount}, **more}
        for amount in ("50", "120")
        for more in ({}, {"form": "voucher"}, {"instead_of": "r1.1"})
    ],
    "decide_remedy": [
        {"remedy": id_, "approved": approved} for id_ in ("r1.1", "r1.2") for approved in (True, False)
    ],
    "answer_remedy": [
        {"remedy": id_, "accepted": accepted, "channel": "web"}
        for id_ in ("r1.1", "r1.2") for accepted in (True, False)
    ],
    "pay_remedy": [{"remedy": id_} for id_ in ("r1.1", "r1.2")],
    "confirm_payout": [
        {"reference": f"0000-0000-001-r1.1-{attempt}", "paid": paid, "receipt": "B", "reason": "r"}
        for attempt in (1, 2) for paid in (True, False)
    ],
    "reverse_payout": [{"remedy": "r1.1", "reason": "r"}],
    "give_task": [{"what": "w", "team": "t", "due_at": SOON}],
    "finish_task": [{"task": "t1.1", "finding": "f"}],
    "plan_visit": [
        {
            "visit_at": SOON,
            "visitors": [{"role": "a", "account": "an"}, {"role": "b", "account": "bo"}],
        }
    ],
    "record_visit": [{"visit": "v1.1", "findings": "f"}],
    "review_message": [{"message": "m1"}],
    "mark": [{"step": "visited"}],
    "pause_clocks": [{"reason": "customer"}, {"reason": "nobody's"}],
    "resume_clocks": [{"reason": "customer"}],
    "start_clock": [{"clock": "site_visit", "reason": "r"}],
    "ask_extension": [{"clock": "solution", "by": "2wd", "reason": "r", "basis": "b"}],
    "decide_extension": [{"granted": True}, {"granted": False}],
    "adopt_pack": [{"pack_version": "1.0", "reason": "r"}],
    "urge": [{"text": "hurry"}],
    "supervise": [{"reason": "r"}],
    "plan_callback": [{"at": SOON}],
    "try_callback": [{"outcome": one} for one in ("no_answer", "wrong_number", "refused")],
    "check_back": [{"result": one} for one in ("satisfied", "dissatisfied")],
}  # fmt: skip
STEPS = [(name, body) for name in COMMANDS for body in BODIES.get(name, [{}])]
WALK = [
    ("accept", {}), ("contact", BODIES["contact"][0]), ("find_cause", BODIES["find_cause"][0]),
    ("decide", BODIES["decide"][0]), ("propose", BODIES["propose"][0]), ("answer", BODIES["answer"][0]),
    ("execute", BODIES["execute"][0]), ("resolve", BODIES["resolve"][0]), ("callback", BODIES["callback"][0]), ("close", {}),
]  # fmt: skip
MONEY = [
    (name, BODIES[name][0])
    for name in ("offer_remedy", "answer_remedy", "pay_remedy", "confirm_payout", "reverse_payout")
]


@st.composite
def paths(draw: st.DrawFn) -> list[tuple[str, dict[str, Any]]]:
    """The whole way, with anything else thrown in and anything left out."""
    found = [step for step in WALK if draw(st.integers(0, 9))]
    if draw(st.booleans()):
        found[2:2] = [step for step in MONEY if draw(st.integers(0, 9))]
    for step in draw(st.lists(st.sampled_from(STEPS), max_size=8)):
        found.insert(draw(st.integers(0, len(found))), step)
    return found


def opened(severity: str) -> list[Fact]:
    what = Understood("complaint", ("GEN-SVC",), severity, False)  # type: ignore[arg-type]
    return [
        receipt(),
        Fact(what, MONDAY, "routing", 1, 1),
        Fact(Assigned("service", "an"), MONDAY, "routing", 1, 2),
    ]


def walk(facts: list[Fact], path: Sequence[tuple[str, dict[str, Any]]]) -> list[Fact]:
    """The facts after issuing commands one a minute, each where its guards let it; what may not be leaves nothing."""
    for at, (name, body) in enumerate(path, start=1):
        case = fold(facts)
        assert case is not None
        order: Order = COMMANDS[name].order.model_validate(body)
        if missing(COMMANDS[name], case, order):
            continue
        now = MONDAY + timedelta(minutes=at)
        ground = Ground(
            case, rules(), "c1", f"account/{'su' if at % 2 else 'an'}", now, f"id-{at}", len(facts),
            purse=Purse("company"),
        )  # fmt: skip
        try:
            deeds = COMMANDS[name].do(order, ground)
        except Rejected:
            continue
        facts = [*facts, *(one for one in deeds if isinstance(one, Fact))]
    return facts


@pytest.mark.req("R-062")
@settings(max_examples=300)
@given(paths(), st.sampled_from(["low", "normal", "high", "critical"]))
def test_no_path_closes_untold_without_agreement_or_recourse_or_with_the_callback_open(
    path: list[tuple[str, dict[str, Any]]], severity: str
) -> None:
    """INVARIANT: closed means told the outcome, agreed or told where else to turn, asked, and no money in the air.

    A guard taken out of `close`, or a command that closes by itself, breaks this.
    """
    facts = walk(opened(severity), path)

    for end in (fact for fact in facts if isinstance(fact.what, Closed)):
        mine = [fact for fact in facts if fact.cycle == end.cycle]
        known = facts[: facts.index(end)]
        case = fold(known)
        assert isinstance(case, Case)
        assert any(isinstance(fact.what, Resolved) for fact in mine)
        assert any(
            isinstance(fact.what, CallbackSettled) and fact.what.result != "dissatisfied"
            for fact in mine
        )
        assert is_agreed(case) or any(isinstance(fact.what, RecourseTold) for fact in mine)
        assert case.is_accepted
        assert "contacted" in case.happened
        assert all(is_settled(one) for one in case.work.remedies)
        if severity == "critical":
            assert case.work.finding
            assert case.work.apologised_at


@settings(max_examples=200)
@given(paths(), st.randoms(use_true_random=False))
def test_any_order_of_what_was_done_folds_into_the_same(
    path: list[tuple[str, dict[str, Any]]], randomness: random.Random
) -> None:
    facts = walk(opened("normal"), path)
    shuffled = list(facts)
    randomness.shuffle(shuffled)

    assert fold(shuffled) == fold(facts)


@pytest.mark.parametrize("text", ["1", " １ 。", "同意", "【1】", "接受！", "Yes.", "回复1"])
def test_a_plain_yes_is_understood(text: str) -> None:
    assert choice(text) is True


@pytest.mark.parametrize("text", ["2", "２", "不同意", "不接受。", "NO", "拒绝"])
def test_a_plain_no_is_understood(text: str) -> None:
    assert choice(text) is False


@pytest.mark.parametrize(
    "text", ["", "12", "1块钱也不退", "不同意，我要投诉", "yes but", "谢谢", "3", "1 2"]
)
def test_what_says_more_is_for_a_person_to_read(text: str) -> None:
    assert choice(text) is None
