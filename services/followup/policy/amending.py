"""What people did to the clocks of a case, as one clock sees it: how long it stood still, how far it was put off."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.followup.model import (
    Amendment,
    ClockAsked,
    ClockFactName,
    ExtensionDecided,
    PackAdopted,
    Paused,
    Timed,
    Unpaused,
)
from shared.worktime import Calendar, Held, Pause, Term, cap, parse_term

NONE: Final = Held((), None)


@dataclass(frozen=True, slots=True)
class Amended:
    """What a clock that is looked at now has to count with. `revision` grows with everything that was done."""

    pauses: tuple[Pause, ...] = ()
    extensions: tuple[Term, ...] = ()
    resumes_at: datetime | None = None
    revision: int = 0
    since: datetime | None = None
    change: ClockFactName = "replanned"


NOTHING: Final = Amended()


def amended(
    timed: Timed,
    clock: str,
    *,
    calendar: Calendar,
    most: Term | None,
    start: datetime,
    stop: datetime | None,
    now: datetime,
) -> Amended:
    """What was done to a clock that started then, before its stop. `most` None: it never stands still."""
    all_ = [one for one in timed.amendments if stop is None or one.at < stop]
    if not all_:
        return NOTHING
    held = cap(calendar, pauses(all_), most, since=start) if most else NONE
    is_over = held.resumes_at is not None and now >= held.resumes_at
    if held.resumes_at is not None and is_over:
        held = Held((*held.pauses[:-1], replace(held.pauses[-1], end=held.resumes_at)), None)
    mine = [one for one in all_ if _is_about(one, clock, is_pausable=most is not None)]
    return Amended(
        pauses=held.pauses,
        extensions=tuple(extensions(all_, clock)),
        resumes_at=held.resumes_at,
        revision=2 * len(all_) + is_over,
        since=mine[-1].at if mine else None,
        change="resumed" if is_over else _change(mine),
    )


def pauses(amendments: Iterable[Amendment]) -> list[Pause]:
    """The stretches in which at least one reason to stand still held; the last may be open."""
    found: list[Pause] = []
    reasons: list[str] = []
    begun: datetime | None = None
    why = ""
    for one in amendments:
        match one.what:
            case Paused(reason=reason):
                if not reasons:
                    begun = one.at
                    why = reason.partition("/")[0]
                reasons.append(reason)
            case Unpaused(reason=reason) if reason in reasons:
                reasons = [each for each in reasons if each != reason]
                if not reasons and begun is not None:
                    found.append(Pause(begun, one.at, why))
                    begun = None
            case _:
                pass
    if begun is not None:
        found.append(Pause(begun, None, why))
    return found


def open_reasons(timed: Timed) -> list[str]:
    """What the clocks stand still for now, each once."""
    reasons: dict[str, None] = {}
    for one in timed.amendments:
        match one.what:
            case Paused(reason=reason):
                reasons[reason] = None
            case Unpaused(reason=reason):
                reasons.pop(reason, None)
            case _:
                pass
    return list(dict.fromkeys(one.partition("/")[0] for one in reasons))


def extensions(amendments: Iterable[Amendment], clock: str) -> Iterable[Term]:
    """By how much a clock was put off, in the order of time."""
    for one in amendments:
        match one.what:
            case ExtensionDecided(granted=True, clock=name, by=by) if name == clock:
                yield parse_term(by)
            case _:
                pass


def asked(timed: Timed) -> frozenset[str]:
    """The optional clocks that somebody had run."""
    return frozenset(one.what.clock for one in timed.amendments if isinstance(one.what, ClockAsked))


def _is_about(one: Amendment, clock: str, *, is_pausable: bool) -> bool:
    match one.what:
        case Paused() | Unpaused():
            return is_pausable
        case ExtensionDecided(granted=granted, clock=name):
            return granted and name == clock
        case ClockAsked(clock=name):
            return name == clock
        case PackAdopted():
            return True


def _change(mine: Sequence[Amendment]) -> ClockFactName:
    match mine[-1].what if mine else None:
        case Paused():
            return "paused"
        case Unpaused():
            return "resumed"
        case ExtensionDecided():
            return "extended"
        case _:
            return "replanned"
