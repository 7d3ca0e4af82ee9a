"""How far a complaint reaches, in what mood it is written, and what the person wants."""

from collections.abc import Sequence

from services.routing.model import Manner
from services.routing.policy.reading import Found
from shared.packs.model import Pack, Sign


def decide_manner(pack: Pack, found: Found) -> Manner:
    """Of scopes and moods the last one of the pack's list that shows; of wishes all that show."""
    usual = Manner()
    return Manner(
        scope=_last(pack.scopes, found, "scope") or usual.scope,
        emotion=_last(pack.emotions, found, "emotion") or usual.emotion,
        wants=tuple(one.id for one in pack.wants if found.sign("want", one.id)),
    )


def _last(signs: Sequence[Sign], found: Found, kind: str) -> str | None:
    shown = [one.id for one in signs if found.sign(kind, one.id)]
    return shown[-1] if shown else None
