"""The promise about money, as a function from what was found to what breaks it. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from redress.verify.model import Said, System, Violation

APPROVED: Final = "redress.remedy.approved.v1"
REQUESTED: Final = "redress.remedy.payout_requested.v1"
PAID: Final = "redress.remedy.paid.v1"
MONEY: Final = frozenset({APPROVED, REQUESTED, PAID})


def money_goes_once(system: System) -> Iterator[Violation]:
    """I9: at most one payout an approval, none without, no approver proposed it, and the ledger balances."""
    log = [one for one in system.log if one.type in MONEY and one.data is not None]
    yield from _approvals(log)
    yield from _twice(log, REQUESTED, "reference")
    yield from _twice(log, PAID, "id")
    for complaint, entry in system.unbalanced:
        yield Violation("I9", complaint, f"entry {entry} of the ledger does not balance")


def _approvals(log: Iterable[Said]) -> Iterator[Violation]:
    """What is paid was approved before; who approved did not propose."""
    approved: set[tuple[str, str]] = set()
    for one in log:
        remedy = one.data["remedy"] if one.data else {}
        place = one.key.subject, str(remedy["id"])
        if one.type == APPROVED:
            approved.add(place)
            if remedy["needs"] and remedy["approved_by"] == remedy["proposed_by"]:
                yield Violation("I9", place[0], f"{place[1]} was approved by who proposed it")
        elif place not in approved:
            yield Violation("I9", place[0], f"{place[1]} is paid, and nobody approved it")


def _twice(log: Iterable[Said], type_: str, name: str) -> Iterator[Violation]:
    """What was said by two events; the same event may stand in the log twice."""
    first: dict[tuple[str, str], str] = {}
    for one in log:
        if one.type != type_ or one.data is None:
            continue
        value = str(one.data["remedy"][name])
        if first.setdefault((one.key.subject, value), one.id) != one.id:
            yield Violation("I9", one.key.subject, f"{value}: {type_} was said twice")
