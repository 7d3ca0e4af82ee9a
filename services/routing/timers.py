"""Routing's timers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from services.routing import usecases
from services.routing.store import LOOK_AGAIN
from services.routing.usecases import Routing
from shared.store.timers import TimerHandler

TIMERS: Final[Mapping[str, TimerHandler[Routing]]] = MappingProxyType(
    {LOOK_AGAIN: usecases.look_again}
)
