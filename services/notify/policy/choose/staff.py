"""What staff are told, and who of them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from services.notify.model import DANGER, Planned, Word, moment
from shared.contracts.desk import PolicyAccount
from shared.contracts.followup import CaseBody
from shared.contracts.values import CaseClock
from shared.packs.model import Pack
from shared.worktime import parse_term
from shared.worktime.terms import Unit

_AT_RISK: Final = 0.8
_ROLES: Final[Mapping[str, str]] = {
    "handler": "handler",
    "supervisor": "supervisor",
    "watch": "watch",
}
"""The ladder's roles that have accounts; above them it is supervisors of the units above."""
SEVERITIES: Final[Mapping[str, Word]] = {
    "low": {"zh": "低", "en": "low"},
    "normal": {"zh": "一般", "en": "normal"},
    "high": {"zh": "高", "en": "high"},
    "critical": {"zh": "严重", "en": "critical"},
}

_TERMS: Final[Mapping[Unit, tuple[str, str]]] = {
    "m": ("分钟", "minute"), "h": ("小时", "hour"), "d": ("天", "day"), "w": ("周", "week"),
    "wm": ("个工作分钟", "working minute"), "wh": ("个工作小时", "working hour"), "wd": ("个工作日", "working day"),
}  # fmt: skip
_WHY: Final[Mapping[str, Word]] = {
    "customer_asks": {"zh": "客户要求主管介入", "en": "the customer asks for a supervisor"},
    "refused_three_times": {
        "zh": "客户三次未接受方案",
        "en": "the customer did not accept three proposals",
    },
}
"""Why a case moved up, where it was no clock."""


def nearest(
    accounts: Iterable[PolicyAccount], role: str, units: Iterable[str]
) -> list[PolicyAccount]:
    """The active accounts of a role in the nearest of these units (own first, then upwards) that has any."""
    known = [one for one in accounts if one.active and one.role == role]
    for unit in units:
        if found := [one for one in known if one.unit == unit]:
            return sorted(found, key=lambda one: one.id)
    return []


def assigned(case: CaseBody, pack: Pack, known: Mapping[str, Any]) -> Planned | None:
    """The case is theirs: what it is about, and by when what must be done."""
    if case.owner.handler is None or case.state in {"closed", "withdrawn"}:
        return None
    found = _case_words(case, pack)
    for clock in case.clocks:
        if clock.name in {"first_contact", "solution"} and clock.state == "running":
            found[f"{clock.name}_by"] = moment(clock.due_at)
    if emotion := known.get("emotion"):
        found["emotion"] = emotion
    return Planned(
        f"assigned.{case.owner.handler}",
        "assigned_staff",
        found,
        recipient=f"staff/{case.owner.handler}",
    )


def _case_words(case: CaseBody, pack: Pack) -> dict[str, Word]:
    found: dict[str, Word] = {"number": case.number}
    if case.severity:
        found["severity"] = SEVERITIES[case.severity]
    if case.category:
        found["category"] = title(pack, case.category)
    return found


def title(pack: Pack, category: str) -> Word:
    """A category's name."""
    known = next((one.name for one in pack.taxonomy if one.code == category), None)
    return {"zh": known.zh, "en": known.en} if known else category


def cue_title(pack: Pack, cue: str | None) -> Word:
    """What raised the severity, by its name."""
    known = next((one.name for one in pack.cues if one.id == cue), None)
    return {"zh": known.zh, "en": known.en} if known else ""


def clock_words(clock: CaseClock, number: str, pack: Pack) -> dict[str, Word]:
    """A deadline in words."""
    called = clock_title(pack, clock.name)
    return {"number": number, "clock": called, "due_at": moment(clock.due_at)}


def clock_title(pack: Pack, clock: str) -> Word:
    """A clock's name."""
    named = next((one.title for one in pack.clocks if one.name == clock), None)
    return {"zh": named.zh, "en": named.en} if named else clock


def term(text: str) -> Word:
    """A term such as `3wd` in words: working time is said to be so."""
    asked = parse_term(text)
    zh, en = _TERMS[asked.unit]
    many = "" if asked.amount == 1 else "s"
    return {"zh": f"延长{asked.amount}{zh}", "en": f"{asked.amount} {en}{many} more"}


def at_risk(
    clock: CaseClock, *, number: str, fraction: float, handler: str | None, pack: Pack
) -> Planned | None:
    """Their deadline is near."""
    if handler is None or not _AT_RISK <= fraction < 1:
        return None
    return Planned(
        f"at_risk.{clock.name}",
        "at_risk_staff",
        clock_words(clock, number, pack),
        recipient=f"staff/{handler}",
    )


def breached(
    clock: CaseClock,
    *,
    number: str,
    handler: str | None,
    above: Iterable[PolicyAccount],
    pack: Pack,
) -> list[Planned]:
    """A deadline was missed: its handler and whoever stands above."""
    people = [handler] if handler else []
    people += [one.id for one in above if one.id != handler]
    words = clock_words(clock, number, pack)
    return [
        Planned(f"breached.{clock.name}", "breached_staff", words, recipient=f"staff/{one}")
        for one in people
    ]


def escalated(case: CaseBody, pack: Pack, people: Iterable[PolicyAccount]) -> list[Planned]:
    """The case moved up the ladder: whoever answers at that level."""
    level = next(
        (one for at, one in enumerate(pack.escalation, 1) if at == case.escalation_level), None
    )
    words = _case_words(case, pack)
    if level is not None:
        words["level"] = {"zh": level.name.zh, "en": level.name.en}
    if any(one.name == case.what for one in pack.clocks):
        words["clock"] = clock_title(pack, case.what)
    elif case.what in _WHY:
        words["reason"] = _WHY[case.what]
    return [
        Planned(
            f"escalated.{case.escalation_level}",
            "escalated_staff",
            words,
            recipient=f"staff/{one.id}",
        )
        for one in people
    ]


def role_at(pack: Pack, level: int) -> str:
    """The role of accounts that answer at a level of the ladder."""
    named = next(
        (one.role for at, one in enumerate(pack.escalation, 1) if at == level), "supervisor"
    )
    return _ROLES.get(named, "supervisor")


def approval_asked(case: CaseBody, people: Iterable[PolicyAccount], pack: Pack) -> list[Planned]:
    """Somebody asks for more time: whoever may grant it."""
    asked = case.extension
    if asked is None:
        return []
    words = _case_words(case, pack) | {
        "what": term(asked.by),
        "clock": clock_title(pack, asked.clock),
    }
    return [
        Planned(
            f"approval.{asked.id}"[:100],
            "approval_staff",
            words,
            recipient=f"staff/{one.id}",
            once_ever=True,
        )
        for one in people
    ]


def danger(
    *,
    number: str,
    category: Word,
    cue: Word,
    people: Iterable[PolicyAccount],
    groups: Iterable[str],
) -> list[Planned]:
    """There is danger to people: everybody who can act, and the groups they read, at once."""
    words: dict[str, Word] = {"number": number, "category": category, "cue": cue}
    recipients = [f"staff/{one.id}" for one in people] + [f"group/{one}" for one in groups]
    return [
        Planned("danger", "danger_staff", words, recipient=one, lane=DANGER, once_ever=True)
        for one in recipients
    ]
