"""How far an incident can be, and in what words."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shared.contracts.values import IncidentState

ZH: Final[Mapping[IncidentState, str]] = MappingProxyType(
    {
        "open": "已建立",
        "investigating": "调查中",
        "acting": "处置中",
        "solved": "已解决",
        "closed": "已结束",
    }
)
AT_WORK: Final[tuple[IncidentState, ...]] = ("open", "investigating", "acting")
TAKING: Final[tuple[IncidentState, ...]] = (*AT_WORK, "solved")
"""Until it is closed it takes members in."""
