"""Which message, if any, follows from the case as it now is."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime

from services.notify.model import ACKNOWLEDGEMENT, Planned
from shared.contracts.followup import CaseBody
from shared.contracts.values import Outcome

# Parsed once: by name, babel looks through all the locales that it has.
_CHINESE, _ENGLISH = Locale.parse("zh_CN"), Locale.parse("en_GB")
_LETTERS = {
    "complaint": "acknowledgement",
    "grumble": "acknowledgement_grumble",
    "inquiry": "acknowledgement_inquiry",
    "suggestion": "acknowledgement_suggestion",
    "praise": "praise_reply",
}
_OUTCOMES: Mapping[Outcome, tuple[str, str]] = {
    "upheld": ("您反映的情况属实", "What you told us is right"),
    "partly_upheld": ("您反映的情况部分属实", "What you told us is right in part"),
    "not_upheld": (
        "经核查，目前的情况与您反映的有所不同",
        "We found that things are not quite as you told us",
    ),
}


def language_of(case: CaseBody) -> str:
    """The language to write in: that of the complaint, English for any that we do not write."""
    return "zh" if case.language == "zh" else "en"


def acknowledgement(case: CaseBody, *, owner: str | None, zone: str) -> Planned:
    """The acknowledgement of this cycle: who is responsible, and what will happen by when."""
    letter = "reopened" if case.cycle > 1 else _LETTERS[case.kind or "complaint"]
    found = {"number": case.number, "owner": owner or ""}
    for clock in case.clocks:
        if clock.state in {"running", "paused"}:
            name = {"first_contact": "first_contact_by", "solution": "solution_by"}.get(clock.name)
            if name:
                found[name] = moment(clock.due_at, language=language_of(case), zone=zone)
    return Planned(ACKNOWLEDGEMENT, letter, found)


def result(case: CaseBody) -> Planned | None:
    """The result of this cycle, with its reason and remedy; None while there is none."""
    if case.resolution is None:
        return None
    chinese = language_of(case) == "zh"
    outcome = _OUTCOMES[case.resolution.outcome][0 if chinese else 1]
    letter = "not_upheld" if case.resolution.outcome == "not_upheld" else "resolved"
    said = (
        {"finding": outcome, "help": case.resolution.remedy or ""}
        if letter == "not_upheld"
        else {"outcome": outcome, "remedy": case.resolution.remedy or ""}
    )
    return Planned(
        "resolved", letter, {"number": case.number, "reason": case.resolution.reason} | said
    )


def closing(case: CaseBody) -> Planned:
    """Thanks, and what to do if it comes back."""
    return Planned("closed", "closed", {"number": case.number})


def moment(at: datetime, *, language: str, zone: str) -> str:
    """A time as people of that language write it, in the company's zone."""
    local = at.astimezone(ZoneInfo(zone))
    if language == "zh":
        return format_datetime(local, "y年M月d日 HH:mm", locale=_CHINESE)
    return format_datetime(local, "d MMMM y, HH:mm", locale=_ENGLISH)
