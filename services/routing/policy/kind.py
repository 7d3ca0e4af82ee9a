"""Which kind a text is: complaint, suggestion, grumble, inquiry or praise; a mixed text is the
first of these.

Dissatisfaction with a request, or any report of loss or hazard, is a complaint; dissatisfaction
alone is a grumble. Polite words do not make a question of a grievance, nor thanks of sarcasm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.routing.model import CueHit, Evidence, Reason
from services.routing.policy.answers import Answers
from services.routing.policy.cue import ABOUT_PEOPLE
from services.routing.policy.evidence import without_covered
from services.routing.policy.reading import Found
from shared.packs.model import KINDS, Kind, Pack

STRONG, LIKELY, WEAK, NONE = 0.9, 0.7, 0.6, 0.0


@dataclass(frozen=True, slots=True)
class KindFound:
    """The kind, how sure (0 to 1), why, and what speaks against relying on it.

    `complaint`: how likely it is one.
    """

    kind: Kind
    score: float
    reasons: tuple[Reason, ...]
    doubts: tuple[Reason, ...] = ()
    complaint: float = 1.0


@dataclass(frozen=True, slots=True)
class Signs:
    """What the pack's words say of a text's kind."""

    strong: Mapping[str, Sequence[Evidence]]
    weak: Mapping[str, Sequence[Evidence]]
    is_question: bool
    is_grave: bool
    """A cue says that something happened or is threatened."""
    has_category: bool
    asked_for: tuple[str, ...] = field(default=())

    def has(self, kind: Kind) -> bool:
        return bool(self.strong[kind])

    def hints(self, kind: Kind) -> bool:
        return bool(self.weak[kind])


def decide_kind(
    *,
    pack: Pack,
    found: Found,
    channel: str,
    cues: Sequence[CueHit],
    has_category: bool,
    answers: Answers,
) -> KindFound:
    """The kind of a text. `has_category`: some category's words were found. Unsure ones count as
    complaints, which is what the customer loses least by, unless what was learnt says otherwise.
    """
    signs = _signs(found=found, channel=channel, cues=cues, has_category=has_category)
    kind, score = ruled(signs)
    likely = {} if signs.asked_for else answers.likely("kind")
    if likely:
        kind = max(KINDS, key=lambda one: likely.get(one, 0.0))
        score = likely[kind]
    words = (*signs.strong[kind], *signs.weak[kind])
    doubts = _doubts(pack, signs, kind, score, is_learnt=bool(likely))
    complaint = likely.get("complaint", float(kind == "complaint"))
    if score == NONE:
        return KindFound(kind, score, (), doubts, complaint)
    if doubts:
        score = min(score, 0.5)
    reason = _reason(pack, kind, words, signs, is_learnt=bool(likely))
    return KindFound(kind, round(score, 3), (reason,), doubts, complaint)


def ruled(signs: Signs) -> tuple[Kind, float]:
    """What the pack's words say by the rules, and how sure that is."""
    return _strong(signs) or _weak(signs) or ("complaint", NONE)


def _doubts(
    pack: Pack, signs: Signs, kind: Kind, score: float, *, is_learnt: bool
) -> tuple[Reason, ...]:
    if kind == "praise" and (signs.hints("complaint") or signs.is_grave):
        return (Reason("maybe_sarcasm", "既有表扬也有不满", "Praise and dissatisfaction together"),)
    if score == NONE or (is_learnt and score < pack.thresholds.sure_kind):
        return (
            Reason("no_kind", "无法判断是投诉、咨询还是其他", "Nothing tells which kind it is"),
        )
    return ()


def _signs(
    *,
    found: Found,
    channel: str,
    cues: Sequence[CueHit],
    has_category: bool,
) -> Signs:
    groups = without_covered(found.kinds)
    asked_for = tuple(name for name in ("remedy_sought",) if found.places.get(name))
    text = found.places.get("text", "").rstrip()
    return Signs(
        strong={kind: groups.get(f"{kind}!", ()) for kind in KINDS},
        weak={kind: groups.get(kind, ()) for kind in KINDS},
        is_question=text.endswith(("?", "吗")),
        is_grave=any(cue.id not in ABOUT_PEOPLE for cue in cues),
        has_category=has_category,
        asked_for=(*asked_for, *(("channel",) if channel == "regulator" else ())),
    )


def _strong(signs: Signs) -> tuple[Kind, float] | None:
    """What the deciding words say, strongest kind first."""
    if signs.has("complaint") or signs.asked_for:
        return "complaint", STRONG
    if signs.has("suggestion") and not signs.is_grave:
        return "suggestion", STRONG
    if signs.has("grumble") and not signs.is_grave:
        return "grumble", STRONG
    if signs.has("inquiry"):
        grieved = signs.is_grave or (signs.hints("complaint") and signs.has_category)
        return ("complaint", LIKELY) if grieved else ("inquiry", STRONG)
    if signs.has("praise"):
        return "praise", STRONG
    return None


def _weak(signs: Signs) -> tuple[Kind, float] | None:
    """What the other words say together, when nothing decided."""
    if signs.is_grave or signs.hints("complaint"):
        return "complaint", LIKELY
    said: list[tuple[Kind, bool]] = [
        ("grumble", signs.hints("grumble")),
        ("inquiry", signs.is_question),
        ("praise", signs.hints("praise") and not signs.has_category),
        ("complaint", signs.has_category),
        ("suggestion", signs.hints("suggestion")),
        ("inquiry", signs.hints("inquiry")),
    ]
    return next(((kind, WEAK) for kind, is_said in said if is_said), None)


def _reason(
    pack: Pack, kind: Kind, words: Sequence[Evidence], signs: Signs, *, is_learnt: bool
) -> Reason:
    name = pack.kind(kind).name
    quoted = ", ".join(dict.fromkeys(f"“{item.word}”" for item in words))
    if quoted:
        return Reason(f"kind:{kind}", f"{name.zh}：{quoted}", f"{name.en}: {quoted}")
    if signs.asked_for:
        return Reason(
            f"kind:{kind}", f"{name.zh}：提出了诉求", f"{name.en}: something is asked of us"
        )
    if is_learnt:
        return Reason(
            f"kind:{kind}",
            f"{name.zh}：与此类表述相近",
            f"{name.en}: it reads like texts of this kind",
        )
    if signs.is_question and kind == "inquiry":
        return Reason(f"kind:{kind}", f"{name.zh}：是一个问句", f"{name.en}: it is a question")
    return Reason(
        f"kind:{kind}", f"{name.zh}：反映了问题", f"{name.en}: it reports that something is wrong"
    )
