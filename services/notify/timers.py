"""Notify's timers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from services.notify.usecases import Notify, telling
from shared.store.timers import TimerHandler

TIMERS: Final[Mapping[str, TimerHandler[Notify]]] = MappingProxyType(
    {telling.ACKNOWLEDGE_ANYWAY: telling.acknowledge_anyway}
)
