"""How bad it is: by the cues, the category's base, and how grave what happened reads."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from services.routing.model import CueHit, Evidence, Reason
from services.routing.policy.answers import Answers
from services.routing.policy.category import Ranked
from services.routing.policy.kind import KindFound
from services.routing.policy.weighing import Outlook, weighed
from shared.packs.model import SEVERITIES, Category, Kind, Pack, Severity

NO_ANSWERS: Final = Answers()


def judge_severity(
    *,
    pack: Pack,
    kind: KindFound,
    cues: Sequence[CueHit],
    candidates: Sequence[Category],
    outlook: Outlook | None = None,
    answers: Answers = NO_ANSWERS,
) -> tuple[Severity, list[Reason]]:
    """How bad it is, with the reasons: what the cues say, and at least what is likeliest.

    Without an `outlook` the strictest candidate's base stands for it. `answers` tell which words
    make a text read grave.
    """
    by_cues, because = _by_cues(pack, cues)
    if outlook is None:
        least, why = _by_base(kind, candidates)
    else:
        least, why = _by_outlook(pack, kind, candidates[0], outlook, answers)
    if least == "low" and by_cues != "low":
        return by_cues, because
    return max(by_cues, least, key=SEVERITIES.index), [*because, why]


def outlook_of(
    pack: Pack, kind: KindFound, ranked: Ranked, cues: Sequence[CueHit], answers: Answers
) -> Outlook | None:
    """How likely each severity is by kind, category, cues and how grave it reads; None where nothing
    is learnt.
    """
    grave = answers.likely("grave")
    if not grave or not ranked.likely:
        return None
    high, critical = grave["high"], grave["critical"]
    outlook = expected(pack, kind=kind, likely=ranked.likely, high=high, critical=critical)
    return weighed(outlook, high=high, critical=critical, cues=cues)


def expected(
    pack: Pack, *, kind: KindFound, likely: Mapping[str, float], high: float, critical: float
) -> Outlook:
    """Something critical makes any text critical, something high any text at least high; else a
    complaint is as bad as its category (`likely`, by code), and what is none is low.
    """
    base: dict[Severity, float] = dict.fromkeys(SEVERITIES, 0.0)
    for code, severity in pack.derived(_bases):
        base[severity] += kind.complaint * likely.get(code, 0.0)
    base["low"] += 1 - kind.complaint
    high = max(high, critical)
    milder, calm = 1 - critical, 1 - high
    return {
        "low": milder * calm * base["low"],
        "normal": milder * calm * base["normal"],
        "high": milder * (base["high"] + high * (base["low"] + base["normal"])),
        "critical": critical + milder * base["critical"],
    }


def _bases(pack: Pack) -> tuple[tuple[str, Severity], ...]:
    return tuple((category.code, category.base_severity) for category in pack.taxonomy)


def _by_cues(pack: Pack, cues: Sequence[CueHit]) -> tuple[Severity, list[Reason]]:
    names = {cue.id: cue.name for cue in pack.cues}
    because = [
        Reason(
            f"cue:{cue.id}",
            f"征象：{names[cue.id].zh}（{quoted(cue.evidence)}）",
            f"Cue: {names[cue.id].en} ({quoted(cue.evidence)})",
        )
        for cue in cues
    ]
    high = sum(cue.effect == "high" for cue in cues)
    severities: list[Severity] = [
        "low",
        *("critical" if cue.effect == "critical" else "high" for cue in cues),
    ]
    if high >= pack.thresholds.high_cues_make_critical:
        severities.append("critical")
        because.append(
            Reason("many_cues", f"共有{high}个不同的高级征象", f"{high} different high cues")
        )
    return max(severities, key=SEVERITIES.index), because


def _by_base(kind: KindFound, candidates: Sequence[Category]) -> tuple[Severity, Reason]:
    if kind.kind != "complaint":
        return "low", _NO_COMPLAINT
    base = max((category.base_severity for category in candidates), key=SEVERITIES.index)
    return base, _base_reason(base)


def _by_outlook(
    pack: Pack,
    kind: KindFound,
    first: Category,
    outlook: Outlook,
    answers: Answers,
) -> tuple[Severity, Reason]:
    likeliest = max(SEVERITIES, key=lambda one: outlook[one])
    if outlook["critical"] >= pack.thresholds.danger:
        likeliest = max(likeliest, "high", key=SEVERITIES.index)
    base = first.base_severity if kind.kind == "complaint" else "low"
    if likeliest == base:
        return base, _base_reason(base) if kind.kind == "complaint" else _NO_COMPLAINT
    if SEVERITIES.index(likeliest) > SEVERITIES.index("normal"):
        return likeliest, _danger_reason(outlook, answers.telling("grave", likeliest))
    share = outlook[likeliest]
    return likeliest, Reason(
        f"likely:{likeliest}",
        f"综合类型与类别，最可能的严重度：{likeliest}（{share:.0%}）",
        f"The likeliest by kind and category: {likeliest} ({share:.0%})",
    )


def _danger_reason(outlook: Outlook, telling: Sequence[Evidence]) -> Reason:
    share = outlook["high"] + outlook["critical"]
    words = quoted(telling)
    return Reason(
        "danger",
        f"与严重情形的描述相近（{share:.0%}{'：' if words else ''}{words}）",
        f"It reads like texts about something grave ({share:.0%}{': ' if words else ''}{words})",
    )


def _base_reason(base: Severity) -> Reason:
    return Reason(f"base:{base}", f"类别的基础严重度：{base}", f"Base of the category: {base}")


_NO_COMPLAINT = Reason("no_complaint", "不是投诉且没有征象", "It is no complaint and shows no cue")


def quoted(evidence: Sequence[Evidence]) -> str:
    """The words of some evidence, for people."""
    return ", ".join(dict.fromkeys(f"“{item.word}”" for item in evidence))


def severity_of(pack: Pack, *, kind: Kind, category: str, cues: Collection[str]) -> Severity:
    """How bad a text is of which a person told kind, category and cues."""
    hits = [CueHit(one.id, one.effect, ()) for one in pack.cues if one.id in cues]
    severity, _ = judge_severity(
        pack=pack, kind=KindFound(kind, 1.0, ()), cues=hits, candidates=[pack.category(category)]
    )
    return severity
