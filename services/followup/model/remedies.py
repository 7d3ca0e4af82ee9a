"""What happened to the remedies of a case. Texts of staff are masked; amounts are exact."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from shared.contracts.values import ApproverRank

Form = Literal["money", "voucher", "points", "gift", "service"]


@dataclass(frozen=True, slots=True)
class RemedyProposed:
    """Somebody proposes a remedy of the pack's; what it rests on is kept as it was told.

    `needs` None: within what the field settles on the spot. `amount` None: it has none of its own.
    """

    id: str
    code: str
    name_zh: str
    name_en: str
    form: Form
    amount: Decimal | None
    currency: str
    reason: str
    basis_zh: str
    basis_en: str
    calculation_zh: str
    calculation_en: str
    needs: ApproverRank | None
    over_budget: bool
    expires_at: datetime
    instead_of: str | None = None
    name: Literal["remedy_proposed"] = "remedy_proposed"


@dataclass(frozen=True, slots=True)
class RemedyDecided:
    """A second person approved it, as what, or did not. `expires_at`: until when it holds."""

    id: str
    approved: bool
    rank: ApproverRank
    expires_at: datetime
    note: str | None = None
    name: Literal["remedy_decided"] = "remedy_decided"


@dataclass(frozen=True, slots=True)
class RemedyAnswered:
    """What the customer said to it, and how it came."""

    id: str
    accepted: bool
    channel: str
    reason: str | None = None
    name: Literal["remedy_answered"] = "remedy_answered"


@dataclass(frozen=True, slots=True)
class PayoutRequested:
    """Whoever pays is asked to, the `attempt`th time, under that reference."""

    id: str
    attempt: int
    reference: str
    name: Literal["payout_requested"] = "payout_requested"


@dataclass(frozen=True, slots=True)
class PayoutSettled:
    """It was paid, with what shows it; or it failed, and why."""

    id: str
    attempt: int
    paid: bool
    receipt: str | None = None
    reason: str | None = None
    name: Literal["payout_settled"] = "payout_settled"


@dataclass(frozen=True, slots=True)
class PayoutReversed:
    """What was paid is taken back, and why."""

    id: str
    reason: str
    name: Literal["payout_reversed"] = "payout_reversed"


@dataclass(frozen=True, slots=True)
class RemedyExpired:
    """Its time passed before it was approved, or used."""

    id: str
    name: Literal["remedy_expired"] = "remedy_expired"


@dataclass(frozen=True, slots=True)
class Purse:
    """As what the actor may approve on a case, and what its unit has committed and paid this month."""

    rank: ApproverRank = "handler"
    spent: Decimal = Decimal(0)


NO_PURSE: Final = Purse()
