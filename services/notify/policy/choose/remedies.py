"""What is told of remedies: to whoever has to approve, and to the customer with reason, calculation and amount."""

from collections.abc import Iterable, Sequence
from typing import Final

from services.notify.model import Planned, Word, moment
from services.notify.policy.choose.customer import letter_for
from shared.contracts.desk import PolicyAccount
from shared.contracts.values import ApproverRank, CaseRemedy, Money
from shared.packs.model import Pack

APPROVED: Final = "compensation"
PAID: Final = "compensation_paid"


def of_approved(remedy: CaseRemedy, pack: Pack, *, number: str, category: str | None) -> Planned | None:  # fmt: skip
    """What we offer, why, by which rule, and how it was counted. Without an amount the proposal tells it.

    The letter requires all of these: where one is missing it does not go out, and staff are told (R-076).
    """
    if remedy.amount is None or not _has(pack, APPROVED):
        return None
    found: dict[str, Word] = {
        "number": number,
        "what": {"zh": remedy.name_zh, "en": remedy.name_en},
        "amount": _said(remedy.amount),
        "reason": remedy.reason,
        "basis": {"zh": remedy.basis_zh, "en": remedy.basis_en},
        "calculation": {"zh": remedy.calculation_zh, "en": remedy.calculation_en},
        "by": moment(remedy.expires_at),
    }
    letter = letter_for(pack, APPROVED, category)
    return Planned(f"remedy.{remedy.id}", letter, found, once_ever=True)


def of_paid(remedy: CaseRemedy, pack: Pack, *, number: str) -> Planned | None:
    """It is on its way, under which reference."""
    if remedy.amount is None or not _has(pack, PAID):
        return None
    found: dict[str, Word] = {
        "number": number,
        "what": {"zh": remedy.name_zh, "en": remedy.name_en},
        "amount": _said(remedy.amount),
        "ref": remedy.receipt or remedy.reference or "",
    }
    return Planned(f"paid.{remedy.id}", PAID, found, once_ever=True)


def to_approve(
    remedy: CaseRemedy, people: Iterable[PolicyAccount], *, number: str
) -> list[Planned]:
    """A remedy waits for the approval of one of these."""
    words: dict[str, Word] = {
        "number": number,
        "clock": {"zh": remedy.name_zh, "en": remedy.name_en},
        "what": _said(remedy.amount) if remedy.amount else remedy.reason,
    }
    return [
        Planned(
            f"approval.{remedy.id}",
            "approval_staff",
            words,
            recipient=f"staff/{one.id}",
            once_ever=True,
        )
        for one in people
        if f"account/{one.id}" != remedy.proposed_by
    ]


def whose(needs: ApproverRank, units: Sequence[str]) -> Sequence[str]:
    """The units whose supervisors approve as that, nearest first; `units`: the case's own, then upwards."""
    if needs == "company":
        return units[-1:]
    return units[1:] or units if needs == "department_head" else units


def _has(pack: Pack, letter: str) -> bool:
    """Packs from before the letter have none."""
    return any(one.id == letter for one in pack.templates)


def _said(money: Money) -> Word:
    zh = f"{money.amount:,}元" if money.currency == "CNY" else f"{money.currency} {money.amount:,}"
    return {"zh": zh, "en": f"{money.currency} {money.amount:,}"}
