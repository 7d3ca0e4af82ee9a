"""What a complaint is about: the pack's words and what was learnt, weighed together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.routing.model import Candidate, Evidence, Reason
from services.routing.policy.answers import Answers
from services.routing.policy.evidence import without_covered
from services.routing.policy.kind import KindFound
from services.routing.policy.reading import Found
from shared.packs.model import SEVERITIES, Category, Pack

MOST_CATEGORIES = 3
_GENERAL_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Ranked:
    """The categories, the likeliest first, and what speaks against relying on that."""

    categories: Sequence[tuple[Candidate, Category]]
    doubts: tuple[Reason, ...]
    candidates: tuple[Category, ...]
    """Those that it may be: one alone where there is no doubt."""
    likely: Mapping[str, float] = field(default_factory=dict)
    """How likely each is, by code; empty where only words were asked."""

    @property
    def first(self) -> tuple[Candidate, Category]:
        """The likeliest."""
        return self.categories[0]


def points_of(pack: Pack, found: Found) -> tuple[dict[str, tuple[Evidence, ...]], dict[str, float]]:
    """For each category that shows the evidence in words, and what it counts for."""
    hits = {code: items for code, items in without_covered(found.categories).items() if items}
    general = {category.code for category in pack.taxonomy if category.general}
    points = {
        code: sum(item.weight for item in items) * (_GENERAL_SHARE if code in general else 1)
        for code, items in hits.items()
    }
    return hits, points


def rank(
    pack: Pack,
    *,
    hits: Mapping[str, tuple[Evidence, ...]],
    points: Mapping[str, float],
    kind: KindFound,
    answers: Answers,
) -> Ranked:
    """The categories that a text may belong to. Without a model the words decide alone."""
    likely = answers.likely("category")
    if likely:
        return _by_both(pack, hits, likely, kind, answers)
    ranked = _by_words(pack, hits, points)
    doubts = _doubts(pack, kind, ranked)
    return Ranked(ranked, doubts, tuple(one for _, one in ranked[: 2 if doubts else 1]))


def _by_both(
    pack: Pack,
    hits: Mapping[str, tuple[Evidence, ...]],
    likely: Mapping[str, float],
    kind: KindFound,
    answers: Answers,
) -> Ranked:
    order = sorted(pack.taxonomy, key=lambda one: -likely.get(one.code, 0.0))[:MOST_CATEGORIES]
    ranked = [
        (Candidate(one.code, round(likely.get(one.code, 0.0), 3), hits.get(one.code, ())), one)
        for one in order
    ]
    first, category = ranked[0]
    if not first.evidence:
        telling = answers.telling("category", first.code)
        ranked[0] = (Candidate(first.code, first.score, telling), category)
    thresholds = pack.thresholds
    if kind.kind != "complaint" or first.score >= thresholds.sure_category:
        return Ranked(ranked, (), (category,), likely)
    near = [one for found, one in ranked if found.score >= thresholds.candidate_category]
    doubt = Reason(
        "category_unsure",
        f"类别把握不足（{category.name.zh}，{first.score:.0%}）",
        f"The category is not sure ({category.name.en}, {first.score:.0%})",
    )
    return Ranked(ranked, (doubt,), tuple(near or [category]), likely)


def _by_words(
    pack: Pack, hits: Mapping[str, tuple[Evidence, ...]], points: Mapping[str, float]
) -> list[tuple[Candidate, Category]]:
    """The categories with evidence, the likeliest first; the general one alone when there is none.

    Where two weigh the same the one with the more severe base comes first (safety), then what went
    wrong before what is asked for, then the one mentioned first.
    """
    shown = [category for category in pack.taxonomy if points.get(category.code)]
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


def _doubts(
    pack: Pack, kind: KindFound, ranked: Sequence[tuple[Candidate, Category]]
) -> tuple[Reason, ...]:
    """Why the category of a complaint is not sure; for other kinds "other" is good enough."""
    if kind.kind != "complaint":
        return ()
    category = ranked[0][1]
    if category.general:
        return (Reason("no_category", "没有找到类别依据", "No evidence for any category"),)
    if len(ranked) == 1 or not _is_close(pack, ranked[0], ranked[1]):
        return ()
    other = ranked[1][1]
    return (
        Reason(
            "categories_close",
            f"{category.name.zh}与{other.name.zh}难以区分",
            f"{category.name.en} and {other.name.en} are too close to tell",
        ),
    )


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
