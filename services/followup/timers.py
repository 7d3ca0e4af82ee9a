"""What followup does when time has passed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from services.followup.usecases import due
from services.followup.usecases.expiring import remedy_due
from services.followup.usecases.record import (
    CALLBACK_TIMER,
    CHECK_TIMER,
    CLOCK_TIMER,
    LADDER_TIMER,
    LINK_TIMER,
    OVERDUE_TIMER,
    PROMISE_TIMER,
    UNSOLVED_TIMER,
    Followup,
)
from services.followup.usecases.remedies import REMEDY_TIMER
from shared.store.timers import TimerHandler

TIMERS: Final[Mapping[str, TimerHandler[Followup]]] = MappingProxyType(
    {
        CLOCK_TIMER: due.clock_due,
        PROMISE_TIMER: due.promise_due,
        CALLBACK_TIMER: due.callback_due,
        LINK_TIMER: due.link_over,
        CHECK_TIMER: due.second_check_due,
        LADDER_TIMER: due.escalation_due,
        OVERDUE_TIMER: due.overdue,
        REMEDY_TIMER: remedy_due,
        UNSOLVED_TIMER: due.unsolved,
    }
)
