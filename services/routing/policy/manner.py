"""How far a complaint reaches, in what mood it is written, and what the person wants."""

from collections.abc import Collection, Sequence

from services.routing.model import Manner
from services.routing.policy.reading import Found
from shared.packs.model import Pack, Sign


def decide_manner(pack: Pack, found: Found) -> Manner:
    """Of scopes and moods the last one of the pack's list that shows; of wishes all that show."""
    usual = Manner()
    return Manner(
        scope=_last(pack.scopes, found.scopes) or usual.scope,
        emotion=_last(pack.emotions, found.emotions) or usual.emotion,
        wants=tuple(one.id for one in pack.wants if one.id in found.wants),
    )


def _last(signs: Sequence[Sign], shown: Collection[str]) -> str | None:
    names = [one.id for one in signs if one.id in shown] if shown else []
    return names[-1] if names else None
