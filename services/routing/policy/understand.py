"""What a text is about, how bad it is and how soon it needs somebody.

Kind comes first: it decides whether the text is dissatisfaction at all. The pack's words and what
was learnt from examples and corrections are weighed together. Where they do not decide, the answer
is "unsure" with the reason, for a person; it is never guessed.
"""

from collections.abc import Mapping

from services.routing.model import Candidate, Reason, Understanding
from services.routing.policy.answers import ask
from services.routing.policy.category import MOST_CATEGORIES, points_of, rank
from services.routing.policy.cue import find_cues
from services.routing.policy.evidence import places_of
from services.routing.policy.kind import decide_kind
from services.routing.policy.learnt import Learnt
from services.routing.policy.manner import decide_manner
from services.routing.policy.reading import read
from services.routing.policy.severity import judge_severity, outlook_of, quoted
from shared.packs.model import Category, Pack


def understand(
    *,
    text: str,
    subject: str | None,
    fields: Mapping[str, str],
    channel: str,
    pack: Pack,
    language: str,
    model: Learnt | None = None,
) -> Understanding:
    """Understand a text by `pack` and what `model` learnt; without a model by the words alone.

    `fields`: product, shop, remedy_sought and the like, by name. Severity: critical with a critical
    cue or enough different high ones, at least high with a high one; else what is likeliest, and
    without a model the base of the category, low for what is no complaint.
    """
    found = read(pack, places_of(text=text, subject=subject, fields=fields))
    hits, points = points_of(pack, found)
    answers = ask(model, found.places.get("text", ""), found.places.get("subject", ""), points)
    cues = find_cues(pack, found, answers)
    has_category = any(points.get(one.code) for one in pack.taxonomy if not one.general)
    kind = decide_kind(
        pack=pack,
        found=found,
        channel=channel,
        cues=cues,
        has_category=has_category,
        answers=answers,
    )
    ranked = rank(pack, hits=hits, points=points, kind=kind, answers=answers)
    doubts = (*kind.doubts, *ranked.doubts)
    candidates = ranked.candidates
    if kind.doubts and not ranked.doubts:
        candidates = tuple(one for _, one in ranked.categories[:2])
    severity, because = judge_severity(
        pack=pack,
        kind=kind,
        cues=cues,
        candidates=candidates,
        outlook=outlook_of(pack, kind, ranked, cues, answers),
        answers=answers,
    )
    _, chosen = ranked.first
    return Understanding(
        kind=kind.kind,
        kind_score=kind.score,
        categories=tuple(candidate for candidate, _ in ranked.categories[:MOST_CATEGORIES]),
        severity=severity,
        urgency=pack.urgency[severity],
        cues=cues,
        team=chosen.team,
        skills=frozenset(chosen.skills),
        language=language,
        unsure_because=doubts,
        reasons=(*kind.reasons, _category_reason(*ranked.first), *because, *doubts),
        manner=decide_manner(pack, found),
        model=answers.name,
    )


def _category_reason(candidate: Candidate, category: Category) -> Reason:
    if not candidate.evidence:
        return Reason(
            f"category:{category.code}",
            f"类别：{category.name.zh}（没有更具体的依据）",
            f"Category: {category.name.en} (nothing points to a narrower one)",
        )
    words = quoted(candidate.evidence)
    return Reason(
        f"category:{category.code}",
        f"类别：{category.name.zh}（{words}）",
        f"Category: {category.name.en} ({words})",
    )
