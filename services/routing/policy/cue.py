"""Which severity signals a text shows: by the pack's words, by money, and by what was learnt."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from services.routing.model import CueHit, Evidence
from services.routing.policy.amounts import amounts, names_more
from services.routing.policy.answers import Answers
from services.routing.policy.reading import Found
from shared.packs.model import Cue, Pack

ABOUT_PEOPLE = frozenset({"minor_child", "vulnerable"})
"""Cues that say who is there, not that something is wrong."""
_HEADS = ("cue", "own_cue")
"""What is learnt of all packs' cues, and of those that only this pack has."""


def find_cues(pack: Pack, found: Found, answers: Answers) -> tuple[CueHit, ...]:
    """The cues of `pack` that show. One that only what was learnt sees must be likely enough, and
    where somebody is named the matter must touch them.
    """
    hits: list[CueHit] = []
    least = pack.thresholds.learnt_cue
    learnt = {cue: head for head in _HEADS for cue in answers.shown(head, least)}
    by_money = pack.derived(_by_money)
    for cue in pack.cues if found.cues or learnt else by_money:
        evidence = found.cues.get(cue.id, ())
        if not evidence and cue.id not in learnt and not cue.above_amount:
            continue
        if cue.above_amount:
            evidence += _large_amounts(pack.thresholds.large_amount, found.spoken)
        if cue.above and not names_more(cue.above, found.spoken, beside=evidence):
            continue
        if evidence and cue.id in ABOUT_PEOPLE and _is_only_mentioned(pack, cue.id, answers):
            continue
        if not evidence and cue.id in learnt:
            evidence = answers.telling(learnt[cue.id], cue.id)
        if evidence:
            hits.append(CueHit(cue.id, cue.effect, evidence))
    return _together(pack, hits)


def _by_money(pack: Pack) -> tuple[Cue, ...]:
    return tuple(cue for cue in pack.cues if cue.above_amount)


def _is_only_mentioned(pack: Pack, cue: str, answers: Answers) -> bool:
    """Whether somebody is spoken of whom the matter does not touch, as far as was learnt."""
    likely = answers.likely("cue")
    return likely.get(cue, 1.0) < pack.thresholds.people_cue


def _together(pack: Pack, hits: Sequence[CueHit]) -> tuple[CueHit, ...]:
    """The hits without those that only count beside another cue which does not show."""
    company = {cue.id: cue.together_with for cue in pack.cues if cue.together_with}
    if not company:
        return tuple(hits)
    shown = {hit.id for hit in hits}
    return tuple(
        hit for hit in hits if hit.id not in company or not shown.isdisjoint(company[hit.id])
    )


def _large_amounts(limit: Decimal, places: Mapping[str, str]) -> tuple[Evidence, ...]:
    found: list[Evidence] = []
    for place, text in places.items():
        for match, amount in amounts(text):
            if amount > limit:
                found.append(Evidence(match[0].strip(), place, match.start(), match.end(), 1.0))
    return tuple(found)
