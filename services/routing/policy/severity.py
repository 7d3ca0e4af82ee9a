"""How bad it is: by the cues, the category's base, and what reads like danger."""

from collections.abc import Collection, Sequence

from services.routing.model import CueHit, Evidence, Reason
from services.routing.policy.kind import KindFound
from shared.packs.model import SEVERITIES, Category, Kind, Pack, Severity


def judge_severity(
    *,
    pack: Pack,
    kind: KindFound,
    cues: Sequence[CueHit],
    candidates: Sequence[Category],
    danger: float = 0.0,
) -> tuple[Severity, list[Reason]]:
    """How bad it is, with the reasons. `danger`: how likely it is critical, by what was learnt."""
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
        "critical" if cue.effect == "critical" else "high" for cue in cues
    ]
    if high >= pack.thresholds.high_cues_make_critical:
        severities.append("critical")
        because.append(
            Reason("many_cues", f"共有{high}个不同的高级征象", f"{high} different high cues")
        )
    if danger >= pack.thresholds.danger and "critical" not in severities:
        severities.append("high")
        because.append(
            Reason(
                "danger",
                f"与危险情形的描述相近（{danger:.0%}）",
                f"It reads like texts about danger ({danger:.0%})",
            )
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
