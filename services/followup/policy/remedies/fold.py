"""The remedies of a case as its facts say them; the same for any order of them."""

from typing import Final

from services.followup.model import Fact
from services.followup.model.remedies import (
    PayoutRequested,
    PayoutReversed,
    PayoutSettled,
    RemedyAnswered,
    RemedyDecided,
    RemedyExpired,
    RemedyProposed,
)
from services.followup.policy.by_kind import ByKind, W, by_place, of
from shared.contracts.values import CaseRemedy, Money, RemedyState

OPEN: Final[frozenset[RemedyState]] = frozenset(
    {"proposed", "approved", "accepted", "payout_requested"}
)
UNPAID: Final = OPEN - {"payout_requested"}
"""What another form may take the place of, and time runs out on."""


def is_settled(remedy: CaseRemedy) -> bool:
    """Whether nothing about it is waited for: what has no amount needs no payment."""
    return remedy.state not in OPEN or (remedy.state == "accepted" and remedy.amount is None)


def fold_remedies(facts: ByKind) -> tuple[CaseRemedy, ...]:
    """The remedies of all cycles, in the order in which they were proposed: money outlives a cycle."""
    proposed = sorted(of(facts, RemedyProposed), key=by_place)
    replaced = {what.instead_of for _, what in proposed}
    return tuple(_remedy(facts, fact, what, replaced) for fact, what in proposed)


def _remedy(
    facts: ByKind, fact: Fact, what: RemedyProposed, replaced: set[str | None]
) -> CaseRemedy:
    decided = _first(facts, RemedyDecided, what.id)
    answered = _first(facts, RemedyAnswered, what.id)
    requested = [one for one in of(facts, PayoutRequested) if one[1].id == what.id]
    last = max(requested, key=lambda one: one[1].attempt, default=None)
    settled = {one.attempt: (at, one) for at, one in of(facts, PayoutSettled) if one.id == what.id}
    end = settled.get(last[1].attempt) if last else None
    taken_back = _first(facts, PayoutReversed, what.id)
    is_approved = decided is not None and decided[1].approved
    return CaseRemedy(
        id=what.id,
        code=what.code,
        name_zh=what.name_zh,
        name_en=what.name_en,
        form=what.form,
        amount=Money(amount=what.amount, currency=what.currency) if what.amount is not None else None,
        state=_state(facts, what, replaced),
        reason=what.reason,
        basis_zh=what.basis_zh,
        basis_en=what.basis_en,
        calculation_zh=what.calculation_zh,
        calculation_en=what.calculation_en,
        needs=what.needs,
        over_budget=what.over_budget,
        proposed_by=fact.by,
        proposed_at=fact.at,
        approved_by=decided[0].by if decided and is_approved else None,
        approved_at=(decided[0].at if decided and is_approved else fact.at if what.needs is None else None),
        expires_at=decided[1].expires_at if decided and is_approved else what.expires_at,
        answered_at=answered[0].at if answered else None,
        answer_reason=answered[1].reason if answered else None,
        instead_of=what.instead_of,
        attempts=last[1].attempt if last else 0,
        reference=last[1].reference if last else None,
        requested_by=last[0].by if last else None,
        requested_at=last[0].at if last else None,
        receipt=end[1].receipt if end else None,
        paid_at=end[0].at if end and end[1].paid else None,
        reversed_at=taken_back[0].at if taken_back else None,
    )  # fmt: skip


def _state(facts: ByKind, what: RemedyProposed, replaced: set[str | None]) -> RemedyState:
    """The furthest that it came."""
    decided, answered = (
        _first(facts, RemedyDecided, what.id),
        _first(facts, RemedyAnswered, what.id),
    )
    steps: tuple[tuple[RemedyState, object], ...] = (
        ("reversed", _first(facts, PayoutReversed, what.id)),
        ("paid", _paying(facts, what.id) == "paid"),
        ("payout_requested", _paying(facts, what.id)),
        ("refused", answered and not answered[1].accepted),
        ("rejected", decided and not decided[1].approved),
        ("expired", _first(facts, RemedyExpired, what.id)),
        ("replaced", what.id in replaced),
        ("accepted", answered),
        ("approved", decided or what.needs is None),
    )
    return next((state for state, is_so in steps if is_so), "proposed")


def _paying(facts: ByKind, id_: str) -> RemedyState | None:
    """Whether it is paid or being paid; a payment that failed leaves it where it was."""
    ended = {one.attempt: one.paid for _, one in of(facts, PayoutSettled) if one.id == id_}
    if any(ended.values()):
        return "paid"
    asked = [one.attempt for _, one in of(facts, PayoutRequested) if one.id == id_]
    return "payout_requested" if asked and max(asked) not in ended else None


def _first(facts: ByKind, kind: type[W], id_: str) -> tuple[Fact, W] | None:
    return min(
        (one for one in of(facts, kind) if getattr(one[1], "id", None) == id_), key=by_place, default=None
    )  # fmt: skip
