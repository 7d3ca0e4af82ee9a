"""What a channel's customers are promised: the pack's clocks in words."""

from typing import Final

from shared.packs.model import Pack
from shared.worktime.terms import Term

SHOWN: Final = ("acknowledge", "first_contact", "solution", "closure")
_UNITS: Final = {
    "m": ("分钟", "minute"), "h": ("小时", "hour"), "d": ("天", "day"), "w": ("周", "week"),
    "wm": ("个工作分钟", "working minute"), "wh": ("个工作小时", "working hour"), "wd": ("个工作日", "working day"),
}  # fmt: skip


def in_words(term: Term) -> tuple[str, str]:
    """A term in Chinese and English: `2个工作日`, `2 working days`."""
    zh, en = _UNITS[term.unit]
    return f"{term.amount}{zh}", f"{term.amount} {en}{'s' if term.amount > 1 else ''}"


def promised(pack: Pack) -> list[dict[str, object]]:
    """The times promised to an ordinary complaint, in the order in which they come."""
    clocks = {clock.name: clock for clock in pack.clocks}
    found: list[dict[str, object]] = []
    for name in SHOWN:
        clock = clocks.get(name)
        term = clock.target("normal") if clock else None
        if clock and term:
            zh, en = in_words(term)
            found.append(
                {
                    "name": name,
                    "title": {"zh": clock.title.zh, "en": clock.title.en},
                    "within": str(term),
                    "text": {"zh": f"{zh}内", "en": f"within {en}"},
                }
            )
    return found


def hours(pack: Pack, calendar: str) -> dict[str, object] | None:
    """When a calendar of the pack is open, or None where the pack has no such calendar."""
    for spec in pack.calendars:
        if spec.id == calendar:
            return {
                "zh": spec.name.zh,
                "en": spec.name.en,
                "open": {day: list(at) for day, at in spec.open.items()},
            }
    return None
