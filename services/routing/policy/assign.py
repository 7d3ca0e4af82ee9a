"""Who takes a complaint: somebody present who can do it and has room, near, and with the least to
do.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from services.routing.model import (
    Choice,
    HandlerSnapshot,
    Need,
    Nobody,
    PassedOver,
    PassedOverBecause,
    Reason,
)

MOST_PASSED_OVER = 50
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_Rank = tuple[bool, int, int, datetime, str]


def choose_handler(need: Need, *, handlers: Iterable[HandlerSnapshot]) -> Choice | Nobody:
    """The best of `handlers`, whatever their order.

    Only those of the team (or of a default team) in one of the need's units are looked at; of these
    only who is present, has every skill and has room. Among them: speaks the language, sits in the
    nearest unit, has the least load, was served the longest ago, has the smallest id. `passed_over`
    names the first 50 others with a reason.
    """
    distance = {unit: place for place, unit in reversed(list(enumerate(need.units)))}
    near = [
        handler
        for handler in handlers
        if handler.unit in distance and handler.team in (None, need.team)
    ]
    ranks = {handler.id: _rank(handler, need, distance[handler.unit]) for handler in near}
    near.sort(key=lambda handler: ranks[handler.id])
    fit = [handler for handler in near if _barred(handler, need) is None]
    if not fit:
        return Nobody(_why_nobody(near, need), _passed_over(near, need, None, ranks))
    best = fit[0]
    return Choice(
        handler=best.id,
        team=need.team,
        reasons=tuple(_why_chosen(best, need, len(fit))),
        passed_over=_passed_over(near, need, best, ranks),
    )


def _rank(handler: HandlerSnapshot, need: Need, distance: int) -> _Rank:
    return (
        not _speaks(handler, need.language),
        distance,
        handler.load,
        handler.last_assigned_at or _NEVER,
        handler.id,
    )


def _speaks(handler: HandlerSnapshot, language: str) -> bool:
    return handler.languages is None or language in handler.languages


def _barred(handler: HandlerSnapshot, need: Need) -> PassedOverBecause | None:
    if not handler.is_present:
        return "absent"
    if handler.skills is not None and not need.skills <= handler.skills:
        return "lacks_skill"
    if handler.load >= handler.capacity:
        return "full"
    return None


def _passed_over(
    near: Sequence[HandlerSnapshot],
    need: Need,
    best: HandlerSnapshot | None,
    ranks: dict[str, _Rank],
) -> tuple[PassedOver, ...]:
    found: list[PassedOver] = []
    for handler in near:
        if len(found) == MOST_PASSED_OVER:
            break
        if handler is best:
            continue
        because = _barred(handler, need)
        if because is None and best is not None:
            because = _worse(ranks[handler.id], ranks[best.id])
        if because is not None:
            found.append(PassedOver(handler.id, because, _why_not(handler, because)))
    return tuple(found)


def _worse(rank: _Rank, best: _Rank) -> PassedOverBecause:
    if rank[0] != best[0]:
        return "other_language"
    if rank[1] != best[1]:
        return "farther_unit"
    if rank[2] != best[2]:
        return "more_load"
    return "served_later"


def _why_not(handler: HandlerSnapshot, because: PassedOverBecause) -> Reason:
    said: dict[PassedOverBecause, tuple[str, str]] = {
        "absent": ("不在岗", "is not present"),
        "full": (
            f"已满（{handler.load}/{handler.capacity}）",
            f"is full ({handler.load} of {handler.capacity})",
        ),
        "lacks_skill": ("缺少所需技能", "lacks a skill it needs"),
        "other_language": ("不使用客户的语言", "does not speak the customer's language"),
        "farther_unit": ("所在单位更远", "sits in a unit farther away"),
        "more_load": (f"在办更多（{handler.load}）", f"has more to do ({handler.load})"),
        "served_later": ("更近才接过新件", "was given one more recently"),
    }
    zh, en = said[because]
    return Reason(because, zh, en)


def _why_chosen(best: HandlerSnapshot, need: Need, fit: int) -> list[Reason]:
    reasons = [
        Reason(
            "fits",
            f"在岗、具备技能且有余量（{need.team}），共{fit}人符合",
            f"Present, skilled and with room ({need.team}); {fit} fitted",
        )
    ]
    if best.unit == need.units[0]:
        reasons.append(Reason("own_unit", "在本单位", "Sits in the complaint's own unit"))
    else:
        reasons.append(Reason("nearest_unit", f"最近的单位：{best.unit}", f"Nearest: {best.unit}"))
    reasons.append(
        Reason("least_load", f"在办最少（{best.load}）", f"Has the least to do ({best.load})")
    )
    return reasons


def _why_nobody(near: Sequence[HandlerSnapshot], need: Need) -> Reason:
    if not near:
        return Reason(
            "no_handlers",
            f"{need.team}在这些单位没有处理人",
            f"No handler of team {need.team} in these units",
        )
    barred = [_barred(handler, need) for handler in near]
    skilled = sum(because != "lacks_skill" for because in barred)
    if not skilled:
        wanted = ", ".join(sorted(need.skills))
        return Reason("no_skill", f"没有人具备技能：{wanted}", f"Nobody has the skills: {wanted}")
    if "full" not in barred:
        return Reason("all_absent", "没有人在岗", "Nobody who can take it is present")
    return Reason("all_full", "在岗的人都已满", "Everybody present is full")
