"""Who helps beside the one who answers: the teams of what else a complaint is about."""

from services.routing.model import Understanding
from shared.packs.model import Pack


def find_helpers(pack: Pack, understood: Understanding) -> tuple[str, ...]:
    """Teams of further categories that are likely enough to be looked at, without the one that answers."""
    if understood.unsure:
        return ()
    least = pack.thresholds.candidate_category
    teams = [
        pack.category(one.code).team for one in understood.categories[1:] if one.score >= least
    ]
    return tuple(one for one in dict.fromkeys(teams) if one != understood.team)
