"""Who hears of it next: the pack's ladder, a step at a time, to the supervisor first."""

from shared.packs.model import Pack


def raised(pack: Pack, level: int) -> int:
    """The level after one step up; the same at the top. Levels count from 1.

    Nobody outside the company is told by itself: that step is a person's.
    """
    ladder = pack.escalation
    inside = [place for place, step in enumerate(ladder, start=1) if step.role != "outside"]
    first = next(
        (place for place, step in enumerate(ladder, start=1) if step.role == "supervisor"), 2
    )
    top = max(inside, default=1)
    return max(level, min(top, max(level + 1, first)))
