"""What is said of remedies beside the case: one event a step that somebody outside waits for."""

from collections.abc import Iterable, Iterator

from services.followup.model import Case, Fact
from services.followup.model.remedies import (
    PayoutRequested,
    PayoutReversed,
    PayoutSettled,
    RemedyDecided,
    RemedyProposed,
)
from shared.contracts import remedies as said


def remedy_events(case: Case, added: Iterable[Fact]) -> list[said.RemedyBody]:
    """What became of the remedies."""
    known = {one.id: one for one in case.work.remedies}
    return [
        event(
            number=case.received.number,
            cycle=case.cycle,
            complainant_id=case.received.complainant_id,
            remedy=known[id_],
        )
        for fact in added
        for event, id_ in _of_fact(fact)
    ]


def _of_fact(fact: Fact) -> Iterator[tuple[type[said.RemedyBody], str]]:
    match fact.what:
        case RemedyProposed(id=id_, needs=needs):
            yield said.RemedyProposed, id_
            if needs is None:
                yield said.RemedyApproved, id_
        case RemedyDecided(id=id_, approved=True):
            yield said.RemedyApproved, id_
        case PayoutRequested(id=id_):
            yield said.RemedyPayoutRequested, id_
        case PayoutSettled(id=id_, paid=True):
            yield said.RemedyPaid, id_
        case PayoutReversed(id=id_):
            yield said.RemedyReversed, id_
        case _:
            pass
