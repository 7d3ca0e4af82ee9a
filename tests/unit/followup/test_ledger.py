"""The ledger balances whatever people do with remedies, in whatever order."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from services.followup.model import Accepted, Assigned, Fact, Understood
from services.followup.model.remedies import Purse, RemedyExpired
from services.followup.policy.case import fold
from services.followup.policy.commands.order import Ground
from services.followup.policy.lifecycle import COMMANDS, missing
from services.followup.policy.remedies.approving import RANKS
from services.followup.policy.remedies.fold import UNPAID
from services.followup.policy.remedies.ledger import ACCOUNTS, transfers
from services.followup.policy.remedies.telling import remedy_events
from shared.contracts.remedies import RemedyPaid, RemedyPayoutRequested
from shared.errors import Rejected
from tests.unit.followup.facts import MONDAY, receipt, rules

if TYPE_CHECKING:
    from services.followup.model import Case
    from shared.contracts.remedies import RemedyBody
    from shared.contracts.values import RemedyState

PEOPLE = st.sampled_from(["account/an", "account/su", "account/co", "key/bank"])
PLACES = st.integers(0, 5)


class Till(RuleBasedStateMachine):
    """People propose, approve, answer, pay, confirm, take back and let lapse, as they like."""

    def __init__(self) -> None:
        super().__init__()
        what = Understood("complaint", ("GEN-SVC",), "normal", False)
        self.facts: list[Fact] = [
            receipt(),
            Fact(what, MONDAY, "routing", 1, 1),
            Fact(Assigned("service", "an"), MONDAY, "routing", 1, 2),
            Fact(Accepted(2), MONDAY, "account/an", 1, 3),
        ]
        self.now = MONDAY
        self.accounts = dict.fromkeys(ACCOUNTS, Decimal(0))
        self.entries: list[str] = []
        self.said: list[RemedyBody] = []

    @property
    def case(self) -> Case:
        found = fold(self.facts)
        assert found is not None
        return found

    def add(self, facts: list[Fact]) -> None:
        before = self.case.work.remedies
        self.facts += facts
        for one in transfers(before, self.case.work.remedies):
            self.accounts[one.source] -= one.amount
            self.accounts[one.target] += one.amount
            self.entries.append(one.id)
        self.said += remedy_events(self.case, facts)

    def do(self, name: str, body: dict[str, Any], by: str, rank: str = "handler") -> None:
        self.now += timedelta(minutes=1)
        order, known = COMMANDS[name].order.model_validate(body), COMMANDS[name]
        if missing(known, self.case, order):
            return
        ground = Ground(
            self.case, rules(), "c1", by, self.now, f"id-{len(self.facts)}", len(self.facts),
            purse=Purse(rank),  # type: ignore[arg-type]
        )  # fmt: skip
        try:
            deeds = known.do(order, ground)
        except Rejected:
            return
        self.add([one for one in deeds if isinstance(one, Fact)])

    def aimed(self, place: int, *states: RemedyState) -> str:
        """A remedy that is in such a state, if any is; at times whichever."""
        known = self.case.work.remedies
        fitting = [one for one in known if one.state in states]
        pool = fitting if fitting and place else known
        return pool[place % len(pool)].id if pool else "r1.1"

    @rule(
        cents=st.sampled_from([1, 4_999, 5_000, 5_001, 30_000, 400_000]),
        by=PEOPLE,
        place=PLACES,
        again=st.booleans(),
    )
    def offer(self, cents: int, by: str, place: int, *, again: bool) -> None:
        money = {"amount": str(Decimal(cents).scaleb(-2)), "currency": "CNY"}
        body: dict[str, Any] = {
            "remedy": "goodwill",
            "reason": "r",
            "calculation": "c",
            "amount": money,
        }
        if again:
            body["instead_of"] = self.aimed(place, "refused", "approved")
        self.do("offer_remedy", body, by)

    @rule(place=PLACES, by=PEOPLE, rank=st.sampled_from(RANKS), approved=st.booleans())
    def decide(self, place: int, by: str, rank: str, *, approved: bool) -> None:
        self.do(
            "decide_remedy",
            {"remedy": self.aimed(place, "proposed"), "approved": approved},
            by,
            rank,
        )

    @rule(place=PLACES, by=PEOPLE, accepted=st.booleans())
    def answer(self, place: int, by: str, *, accepted: bool) -> None:
        said = {"remedy": self.aimed(place, "approved"), "accepted": accepted, "channel": "web"}
        self.do("answer_remedy", said, by)

    @rule(place=PLACES, by=PEOPLE)
    def pay(self, place: int, by: str) -> None:
        self.do("pay_remedy", {"remedy": self.aimed(place, "accepted")}, by)

    @rule(
        place=PLACES,
        attempt=st.sampled_from([1, 1, 1, 2, 3]),
        paid=st.booleans(),
        receipt=st.sampled_from("AB"),
    )
    def confirm(self, place: int, attempt: int, receipt: str, *, paid: bool) -> None:
        id_ = self.aimed(place, "payout_requested")
        reference = f"0000-0000-001-{id_}-{attempt}"
        body = {"reference": reference, "paid": paid, "receipt": receipt, "reason": "r"}
        self.do("confirm_payout", body, "key/bank")

    @rule(paid=st.booleans(), by=PEOPLE)
    def go_the_whole_way(self, by: str, *, paid: bool) -> None:
        """What chance alone hardly ever comes to."""
        self.offer(5_000, by, 0, again=False)
        last = self.case.work.remedies[-1]
        self.do("answer_remedy", {"remedy": last.id, "accepted": True, "channel": "web"}, by)
        self.do("pay_remedy", {"remedy": last.id}, by)
        reference = f"0000-0000-001-{last.id}-1"
        body = {"reference": reference, "paid": paid, "receipt": "A", "reason": "r"}
        self.do("confirm_payout", body, "key/bank")

    @rule(place=PLACES, by=PEOPLE)
    def take_back(self, place: int, by: str) -> None:
        self.do("reverse_payout", {"remedy": self.aimed(place, "paid"), "reason": "r"}, by)

    @rule(days=st.sampled_from([0, 0, 0, 1, 35]))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)
        for one in self.case.work.remedies:
            if one.state in UNPAID and one.expires_at <= self.now:
                self.add(
                    [Fact(RemedyExpired(one.id), one.expires_at, "followup", 1, len(self.facts))]
                )

    @invariant()
    def sums_balance(self) -> None:
        assert sum(self.accounts.values()) == 0
        assert all(self.accounts[name] >= 0 for name in ACCOUNTS if name != "budget")
        assert len(set(self.entries)) == len(self.entries)

    @invariant()
    def accounts_hold_what_the_remedies_say(self) -> None:
        paid = [one for one in self.case.work.remedies if one.state == "paid"]
        assert self.accounts["paid"] == sum(one.amount.amount for one in paid if one.amount)

    @invariant()
    def nothing_is_paid_without_approval_or_twice(self) -> None:
        paid = Counter(one.remedy.id for one in self.said if isinstance(one, RemedyPaid))
        assert set(paid.values()) <= {1}
        asked = [one.remedy for one in self.said if isinstance(one, RemedyPayoutRequested)]
        assert len({one.reference for one in asked}) == len(asked)
        for one in asked:
            assert one.approved_at is not None
            assert one.needs is None or one.approved_by not in {None, one.proposed_by}


@pytest.mark.req("R-078")
def test_sums_balance_and_nothing_is_paid_twice_or_unapproved() -> None:
    """INVARIANT: sums balance; at most one payout an approval; none without; no approver proposed it.

    Posting by command instead of by what the facts fold into, or a state that goes back, would break this.
    """
    run_state_machine_as_test(
        Till, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )
