"""What followup says of remedies, on `redress.cases`. Subject: the complaint's id."""

from typing import ClassVar

from shared.contracts.envelope import Body
from shared.contracts.values import CaseRemedy


class RemedyBody(Body):
    """One remedy of a case, as it is after what happened. `complainant_id`: whom it is for, as the vault knows them."""

    source: ClassVar[str] = "followup"

    number: str
    cycle: int
    complainant_id: str
    remedy: CaseRemedy


class RemedyProposed(RemedyBody):
    """Somebody proposed a remedy. Once per remedy; `remedy.needs` says whose approval it waits for."""

    name: ClassVar[str] = "remedy.proposed.v1"


class RemedyApproved(RemedyBody):
    """A second person approved it, or it is within what the field settles on the spot. Once per remedy."""

    name: ClassVar[str] = "remedy.approved.v1"


class RemedyPayoutRequested(RemedyBody):
    """Whoever pays is to pay `remedy.amount` once under `remedy.reference`, however often this is heard.

    After a failed payment there is a next one, under another reference.
    """

    name: ClassVar[str] = "remedy.payout_requested.v1"


class RemedyPaid(RemedyBody):
    """It was paid, with `remedy.receipt`. Once per remedy."""

    name: ClassVar[str] = "remedy.paid.v1"


class RemedyReversed(RemedyBody):
    """The payment of `remedy.reference` is to be had back. Once per remedy."""

    name: ClassVar[str] = "remedy.reversed.v1"
