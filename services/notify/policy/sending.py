"""Whether a message may go out now: quiet hours, caps, what a person closed. Danger always may."""

from datetime import datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from services.notify.model import DANGER, Begun, Traits

CAP: Final = 12
"""Messages to one person within a day; what is not needed stops at half of it."""
EXTRAS: Final = ("progress", "bulletin", "tips", "invitation", "closed")
"""Purposes that a person may do without; all others tell what they are waiting for."""
CAP_PAUSE: Final = timedelta(hours=1)
QUIET: Final = (21 * 60, 8 * 60)
"""Nobody's telephone rings between 21:00 and 08:00 unless they want it so."""
DAY: Final = 24 * 60


class Now(NamedTuple):
    """It may go."""


class Later(NamedTuple):
    """It may go then."""

    at: datetime


class Never(NamedTuple):
    """It is not sent at all, for that reason."""

    reason: str


def may_send(begun: Begun, traits: Traits, *, now: datetime, zone: str) -> Now | Later | Never:
    """By the person's wishes and what they got of late. `zone` is theirs where they said none."""
    message, wishes = begun.message, begun.wishes
    if message.lane == DANGER:
        return Now()
    if not message.is_to_staff and begun.lately >= (CAP // 2 if is_extra(message.purpose) else CAP):
        return Never("capped") if is_extra(message.purpose) else Later(now + CAP_PAUSE)
    hours = (wishes.quiet_from, wishes.quiet_to)
    quiet = hours if None not in hours else QUIET if traits.rings else (None, None)
    ends = quiet_until(now, quiet[0], quiet[1], wishes.zone or zone)
    return Later(ends) if ends else Now()


def is_extra(purpose: str) -> bool:
    """Whether a person may do without it: by the part of the purpose before the dot."""
    return purpose.partition(".")[0] in EXTRAS


def quiet_until(now: datetime, start: int | None, end: int | None, zone: str) -> datetime | None:
    """When the quiet hours end that `now` lies in; None outside them. Minutes of the day in `zone`."""
    if start is None or end is None or start == end:
        return None
    local = now.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    is_quiet = start <= minute < end if start < end else minute >= start or minute < end
    if not is_quiet:
        return None
    days = 1 if start > end and minute >= start else 0
    day = local.date() + timedelta(days=days)
    wall = datetime.combine(day, time(end // 60 % 24, end % 60), ZoneInfo(zone))
    if end == DAY:
        wall += timedelta(days=1)
    # Where the clock is set forward or back meanwhile, the wall's time may be past already.
    return max(wall.astimezone(now.tzinfo), now + timedelta(minutes=1))
