"""The ledger as remedies move it: money goes from one account to another, never out of nothing.

`budget` is what the unit gives it from, `committed` what was approved, `requested` what is being paid, `paid` what the
customer has. An entry has two postings that add up to nothing; entries are only ever added.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from shared.contracts.values import CaseRemedy, RemedyState

Account = Literal["budget", "committed", "requested", "paid"]
ACCOUNTS: Final[tuple[Account, ...]] = ("budget", "committed", "requested", "paid")
_HOLDS: Final[Mapping[RemedyState, Account]] = {
    "approved": "committed",
    "accepted": "committed",
    "payout_requested": "requested",
    "paid": "paid",
}
"""Where the money of a remedy is; with all others it is in the budget."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One entry: an amount of one remedy goes from an account to another. `id` is its own within the case."""

    id: str
    remedy: str
    source: Account
    target: Account
    amount: Decimal
    currency: str


def holds(state: RemedyState) -> Account:
    """The account that holds the money of a remedy in that state."""
    return _HOLDS.get(state, "budget")


def transfers(before: Iterable[CaseRemedy], after: Iterable[CaseRemedy]) -> Iterator[Transfer]:
    """What moved between two states of a case's remedies."""
    known = {one.id: one for one in before}
    for one in after:
        if one.amount is None:
            continue
        source = holds(known[one.id].state) if one.id in known else "budget"
        target = holds(one.state)
        if source != target:
            entry = f"{one.id}/{target}/{one.attempts}"
            yield Transfer(entry, one.id, source, target, one.amount.amount, one.amount.currency)
