"""Routing's timers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from services.routing import usecases
from services.routing.store import DUTY, END_OF_SHIFT, LOOK_AGAIN, TURN
from services.routing.usecases import Routing
from shared.store.timers import TimerHandler

TIMERS: Final[Mapping[str, TimerHandler[Routing]]] = MappingProxyType(
    {
        LOOK_AGAIN: usecases.look_again,
        TURN: usecases.take_turn,
        DUTY: usecases.change_of_duty,
        END_OF_SHIFT: usecases.end_of_shift,
    }
)
