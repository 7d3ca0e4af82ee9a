"""What people read about an assignment, in both languages."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from services.routing.model import HandlerSnapshot, Need, PassedOverBecause, Reason

_WHY_NOT: Final[Mapping[PassedOverBecause, tuple[str, str]]] = MappingProxyType(
    {
        "absent": ("不在岗", "is not present"),
        "off_shift": ("不在班次内", "is off shift"),
        "on_leave": ("休假", "is on leave"),
        "full": ("余量不足（{load}/{capacity}）", "has no room ({load} of {capacity})"),
        "lacks_skill": ("缺少所需技能", "lacks a skill it needs"),
        "refused": ("本轮已退回此件", "gave it back in this cycle"),
        "excluded": ("此件正从其手上转出", "it is taken from them"),
        "other_language": ("不使用客户的语言", "does not speak the customer's language"),
        "other_area": ("不负责该区域", "does not cover the area"),
        "farther_unit": ("所在单位更远", "sits in a unit farther away"),
        "not_theirs": ("未办过该客户的上一件", "did not have this customer's last one"),
        "more_load": ("负荷更高（{load}/{capacity}）", "has more to do ({load} of {capacity})"),
        "served_later": ("更近才接过新件", "was given one more recently"),
    }
)


def why_not(one: HandlerSnapshot, because: PassedOverBecause) -> Reason:
    """Why somebody was passed over."""
    zh, en = (text.format(load=one.load, capacity=one.capacity) for text in _WHY_NOT[because])
    return Reason(because, zh, en)


def why_chosen(
    one: HandlerSnapshot,
    need: Need,
    *,
    there: int,
    unit: str,
    has_room: bool,
    is_theirs: bool,
    stands_in: bool,
) -> Iterator[Reason]:
    """Why somebody was chosen, of how many who were there with the skill; `unit`: for which they sit."""
    yield Reason(
        "fits",
        f"在岗且具备技能（{need.team}），共{there}人在岗",
        f"There and skilled ({need.team}), one of {there}",
    )
    if not has_room:
        yield Reason(
            "critical_past_capacity",
            f"无人有余量，特急件不等待（{one.load}/{one.capacity}）",
            f"Nobody has room, and what is critical does not wait ({one.load} of {one.capacity})",
        )
    if unit == need.units[0]:
        yield Reason("own_unit", "在本单位", "Sits in the complaint's own unit")
    else:
        yield Reason("nearest_unit", f"最近的单位：{unit}", f"Nearest: {unit}")
    if one.areas is not None and need.area in one.areas:
        yield Reason("area", f"负责区域 {need.area}", f"Covers the area {need.area}")
    if stands_in:
        yield Reason("stands_in", "正代理休假同事", "Stands in for a colleague on leave")
    if is_theirs:
        yield Reason(
            "theirs",
            "该客户上一件的处理人（或其代理）",
            "Had this customer's last one, or stands in for who had",
        )
        return
    yield Reason(
        "least_load",
        f"负荷最低（{one.load}/{one.capacity}）",
        f"Has the least to do ({one.load} of {one.capacity})",
    )


def why_nobody(need: Need, *, near: int, skilled: int, there: int, eligible: int) -> Reason:
    """Why nobody can take it, by how many sit near, have the skill, are there, and may be asked."""
    if not near:
        return Reason(
            "no_handlers",
            f"{need.team}在这些单位没有处理人",
            f"No handler of team {need.team} in these units",
        )
    if not skilled:
        wanted = ", ".join(sorted(need.skills))
        return Reason("no_skill", f"没有人具备技能：{wanted}", f"Nobody has the skills: {wanted}")
    if not there:
        return Reason("all_absent", "没有人在岗", "Nobody who can take it is present")
    if not eligible:
        return Reason(
            "nobody_else", "没有其他在岗的人可接此件", "Nobody else is there who may have it"
        )
    return Reason("all_full", "在岗的人都已满", "Everybody present is full")
