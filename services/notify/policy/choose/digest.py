"""What a member of staff is told once a day: what of theirs happened, counted, and what is urgent by its number."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from services.notify.model import Planned, Word

LETTER: Final = "digest_staff"
AT: Final = time(8, 0)
"""When the day is told, in the company's zone."""
NUMBERS: Final = 10
"""So many numbers are named of each kind."""
_KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "danger": {"zh": "安全警报", "en": "safety alerts"},
    "breached": {"zh": "已超时", "en": "deadlines missed"},
    "escalated": {"zh": "升级", "en": "escalated"},
    "at_risk": {"zh": "临近时限", "en": "deadlines near"},
    "approval": {"zh": "请您审批", "en": "approvals asked"},
    "assigned": {"zh": "新分配", "en": "new cases"},
}
"""By the purpose's first part, the most urgent first."""


class Told(NamedTuple):
    """A message that a member of staff got."""

    purpose: str
    number: str


def due_day(now: datetime, zone: str) -> date | None:
    """The day whose digest is due by now; None before the hour."""
    local = now.astimezone(ZoneInfo(zone))
    return local.date() if local.time() >= AT else None


def since(day: date, zone: str) -> datetime:
    """From when on the digest of a day tells."""
    return datetime.combine(day, AT, ZoneInfo(zone)) - timedelta(days=1)


def digest(account: str, told: Iterable[Told], *, day: date, waiting: int) -> Planned | None:
    """The digest of a day; None where nothing happened and nothing waits. `waiting`: alerts that nobody looked at."""
    numbers: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    for one in told:
        kind = one.purpose.partition(".")[0]
        if one.number not in numbers.get(kind, (one.number,)):
            numbers[kind].append(one.number)
    lines = {
        language: "\n".join(
            _line(_KINDS[kind][language], found, language)
            for kind, found in numbers.items()
            if found
        )
        for language in ("zh", "en")
    }
    if not lines["zh"] and not waiting:
        return None
    nothing = {"zh": "· 没有新的事项", "en": "· nothing new"}
    words: dict[str, Word] = {
        "day": {"zh": f"{day.year}年{day.month}月{day.day}日", "en": day.isoformat()},
        "news": {language: lines[language] or nothing[language] for language in lines},
    }
    if waiting:
        words["waiting"] = {
            "zh": f"另有 {waiting} 件消息未能送达或待人工确认，请查看提醒。",
            "en": f"{waiting} alerts about messages wait for somebody to look at them.",
        }
    return Planned(f"digest.{day.isoformat()}", LETTER, words, recipient=f"staff/{account}")


def _line(title: str, numbers: Sequence[str], language: str) -> str:
    named, more = numbers[:NUMBERS], len(numbers) > NUMBERS
    if language == "zh":
        return f"· {title} {len(numbers)} 件：{'、'.join(named)}{'等' if more else ''}"
    return f"· {title}: {len(numbers)} ({', '.join(named)}{' …' if more else ''})"
