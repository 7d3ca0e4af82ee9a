"""One complaint's life as the log, its messages and a journal tell it. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from redress.verify.model import Entry, System


class Line(NamedTuple):
    """Something that happened: when, told by whom, and what."""

    at: datetime
    source: str
    text: str


def timeline(system: System, journal: Sequence[Entry], subject: str) -> list[Line]:
    """Everything known about a subject, in order of time; what was done to the system meanwhile stands between."""
    lines = [*_log(system, subject), *_journal(system, journal, subject)]
    if not lines:
        return []
    first, last = min(lines).at, max(lines).at
    faults = [
        Line(one.at, one.op, one.what or "")
        for one in journal
        if one.op in {"fault", "ended", "clock"} and first <= one.at <= last
    ]
    return sorted([*lines, *faults], key=lambda line: line.at)


def _log(system: System, subject: str) -> Iterator[Line]:
    for one in system.log:
        if one.key.subject == subject:
            place = f"{one.slot.topic}/{one.slot.partition}@{one.offset}"
            yield Line(one.time, one.key.source, f"{one.sequence}. {one.type} {one.id} ({place})")


def _journal(system: System, journal: Sequence[Entry], subject: str) -> Iterator[Line]:
    number = system.complaints.get(subject) or system.cases.get(subject)
    keys = {key for key, complaint in system.keys.items() if complaint == subject}
    for one in journal:
        if one.key in keys or (number is not None and one.number == number):
            yield Line(one.at, "client" if one.op != "mail" else "mail", _told(one))


def _told(entry: Entry) -> str:
    rest = (entry.key, entry.number, entry.message, entry.what)
    return " ".join([entry.op, *(part for part in rest if part)])
