"""What a complaint is about, how bad it is and how soon it needs somebody: from the pack's words
alone.

Kind comes first: it decides whether the text is dissatisfaction at all. Where the words do not
decide, the answer is "unsure" with the reason, for a person; it is never guessed.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from services.routing.model import Candidate, CueHit, Evidence, Reason, Understanding
from services.routing.policy.amounts import amounts, names_more
from services.routing.policy.evidence import places_of, without_covered
from services.routing.policy.kind import KindFound, decide_kind
from services.routing.policy.reading import Found, read
from shared.packs.model import SEVERITIES, Category, Pack, Severity

MOST_CATEGORIES = 3
_GENERAL_SHARE = 0.1


def understand(
    *,
    text: str,
    subject: str | None,
    fields: Mapping[str, str],
    channel: str,
    pack: Pack,
    language: str,
) -> Understanding:
    """Understand a text by `pack`. `fields`: product, shop, remedy_sought and the like, by name.

    Severity: critical with a critical cue, a critical category or enough different high cues; high
    with a high cue or category; low for what is no complaint and shows no cue; the category's own
    otherwise.
    """
    found = read(pack, places_of(text=text, subject=subject, fields=fields))
    cues = _cues(pack, found)
    ranked = _ranked(pack, found)
    telling = [candidate for candidate, category in ranked if not category.general]
    kind = decide_kind(
        pack=pack, found=found, channel=channel, cues=cues, has_category=bool(telling)
    )
    doubts = [*kind.doubts, *_category_doubts(pack, kind, ranked)]
    candidates = [category for _, category in ranked[:2]] if doubts else [ranked[0][1]]
    severity, because = _severity(pack=pack, kind=kind, cues=cues, candidates=candidates)
    chosen = ranked[0][1]
    return Understanding(
        kind=kind.kind,
        kind_score=kind.score,
        categories=tuple(candidate for candidate, _ in ranked[:MOST_CATEGORIES]),
        severity=severity,
        urgency=pack.urgency[severity],
        cues=cues,
        team=chosen.team,
        skills=frozenset(chosen.skills),
        language=language,
        unsure_because=tuple(doubts),
        reasons=(*kind.reasons, _category_reason(*ranked[0]), *because, *doubts),
    )


def _ranked(pack: Pack, found: Found) -> list[tuple[Candidate, Category]]:
    """The categories with evidence, the likeliest first; the general one alone when there is none.

    Where two weigh the same the one with the more severe base comes first (safety), then what went
    wrong before what is asked for, then the one mentioned first.
    """
    hits = without_covered(
        {
            category.code: found.category(
                category.code, spoken=category.base_severity in ("high", "critical")
            )
            for category in pack.taxonomy
        }
    )
    points = {
        category.code: sum(item.weight for item in hits[category.code])
        * (_GENERAL_SHARE if category.general else 1)
        for category in pack.taxonomy
    }
    shown = [category for category in pack.taxonomy if points[category.code]]
    if not shown:
        general = next(category for category in pack.taxonomy if category.general)
        return [(Candidate(general.code, 0.0, ()), general)]

    def order(category: Category) -> tuple[float, int, bool, bool, int]:
        first = min((item.place != "text", item.start) for item in hits[category.code])
        severe = -SEVERITIES.index(category.base_severity)
        return (-points[category.code], severe, category.is_request, *first)

    total = sum(points.values()) + pack.thresholds.least_evidence / 2
    return [
        (
            Candidate(category.code, round(points[category.code] / total, 3), hits[category.code]),
            category,
        )
        for category in sorted(shown, key=order)
    ]


def _category_doubts(
    pack: Pack, kind: KindFound, ranked: Sequence[tuple[Candidate, Category]]
) -> list[Reason]:
    """Why the category of a complaint is not sure; for other kinds "other" is good enough."""
    if kind.kind != "complaint":
        return []
    category = ranked[0][1]
    if category.general:
        return [Reason("no_category", "没有找到类别依据", "No evidence for any category")]
    if len(ranked) == 1 or not _is_close(pack, ranked[0], ranked[1]):
        return []
    other = ranked[1][1]
    return [
        Reason(
            "categories_close",
            f"{category.name.zh}与{other.name.zh}难以区分",
            f"{category.name.en} and {other.name.en} are too close to tell",
        )
    ]


def _is_close(
    pack: Pack, first: tuple[Candidate, Category], second: tuple[Candidate, Category]
) -> bool:
    """Whether thin evidence leaves two categories of different teams, and no rule prefers one."""
    (best, category), (next_best, other) = first, second
    thresholds = pack.thresholds
    has_rule = category.team == "safety" or category.is_request or other.is_request
    evidence = sum(item.weight for item in best.evidence)
    return (
        not has_rule
        and other.team != category.team
        and next_best.score >= thresholds.too_close * best.score
        and evidence < thresholds.sure_evidence
    )


def _cues(pack: Pack, found: Found) -> tuple[CueHit, ...]:
    hits: list[CueHit] = []
    for cue in pack.cues:
        evidence = found.cue(cue.id)
        if cue.above_amount:
            evidence += _large_amounts(pack.thresholds.large_amount, found.spoken)
        if not evidence or (cue.above and not names_more(cue.above, found.spoken, beside=evidence)):
            continue
        hits.append(CueHit(cue.id, cue.effect, evidence))
    return _together(pack, hits)


def _together(pack: Pack, hits: Sequence[CueHit]) -> tuple[CueHit, ...]:
    """The hits without those that only count beside another cue which does not show."""
    company = {cue.id: cue.together_with for cue in pack.cues}
    shown = {hit.id for hit in hits}
    return tuple(
        hit for hit in hits if not company[hit.id] or not shown.isdisjoint(company[hit.id])
    )


def _large_amounts(limit: Decimal, places: Mapping[str, str]) -> tuple[Evidence, ...]:
    found: list[Evidence] = []
    for place, text in places.items():
        for match, amount in amounts(text):
            if amount > limit:
                found.append(Evidence(match[0].strip(), place, match.start(), match.end(), 1.0))
    return tuple(found)


def _severity(
    *, pack: Pack, kind: KindFound, cues: Sequence[CueHit], candidates: Sequence[Category]
) -> tuple[Severity, list[Reason]]:
    names = {cue.id: cue.name for cue in pack.cues}
    because = [
        Reason(
            f"cue:{cue.id}",
            f"征象：{names[cue.id].zh}（{_quoted(cue.evidence)}）",
            f"Cue: {names[cue.id].en} ({_quoted(cue.evidence)})",
        )
        for cue in cues
    ]
    high = sum(cue.effect == "high" for cue in cues)
    severities: list[Severity] = [
        "critical" if cue.effect == "critical" else "high" for cue in cues
    ]
    if high >= pack.thresholds.high_cues_make_critical:
        severities.append("critical")
        because.append(
            Reason("many_cues", f"共有{high}个不同的高级征象", f"{high} different high cues")
        )
    if kind.kind == "complaint":
        base = max((category.base_severity for category in candidates), key=SEVERITIES.index)
        severities.append(base)
        because.append(
            Reason(f"base:{base}", f"类别的基础严重度：{base}", f"Base of the category: {base}")
        )
    elif not severities:
        severities.append("low")
        because.append(
            Reason("no_complaint", "不是投诉且没有征象", "It is no complaint and shows no cue")
        )
    return max(severities, key=SEVERITIES.index), because


def _category_reason(candidate: Candidate, category: Category) -> Reason:
    if not candidate.evidence:
        return Reason(
            f"category:{category.code}",
            f"类别：{category.name.zh}（没有更具体的依据）",
            f"Category: {category.name.en} (nothing points to a narrower one)",
        )
    words = _quoted(candidate.evidence)
    return Reason(
        f"category:{category.code}",
        f"类别：{category.name.zh}（{words}）",
        f"Category: {category.name.en} ({words})",
    )


def _quoted(evidence: Sequence[Evidence]) -> str:
    return ", ".join(dict.fromkeys(f"“{item.word}”" for item in evidence))
