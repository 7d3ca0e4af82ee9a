"""Which incident a case is part of, as its facts say it."""

from services.followup.model import IncidentJoined, IncidentLeft, IncidentMoved
from services.followup.policy.by_kind import ByKind, by_order, of
from shared.contracts.values import InIncident


def part_of(facts: ByKind) -> InIncident | None:
    """The incident that the case joined last and did not leave; a case is in one open incident at a time."""
    joined = max(of(facts, IncidentJoined), key=by_order, default=None)
    if joined is None:
        return None
    fact, what = joined
    left = max(of(facts, IncidentLeft), key=by_order, default=None)
    if left is not None and left[0].order > fact.order:
        return None
    later = [one for one in of(facts, IncidentMoved) if one[0].order > fact.order]
    state = max(later, key=by_order)[1].state if later else what.state
    return InIncident(id=what.incident, state=state, joined_at=fact.at)
