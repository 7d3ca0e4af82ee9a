"""Notify's timers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from services.notify import usecases
from services.notify.usecases import Notify
from shared.store.timers import TimerHandler

TIMERS: Final[Mapping[str, TimerHandler[Notify]]] = MappingProxyType(
    {usecases.ACKNOWLEDGE_ANYWAY: usecases.acknowledge_anyway}
)
