"""What an incident does to a case of its own, as facts. `order` of each is the number of its entry in the record."""

from dataclasses import dataclass
from typing import Literal

from shared.contracts.values import IncidentState


@dataclass(frozen=True, slots=True)
class IncidentJoined:
    """The case became part of an incident, which is so far; clocks and closing stay its own."""

    incident: str
    state: IncidentState
    name: Literal["incident_joined"] = "incident_joined"


@dataclass(frozen=True, slots=True)
class IncidentLeft:
    """It was no part of it after all. The reason is masked."""

    incident: str
    reason: str
    name: Literal["incident_left"] = "incident_left"


@dataclass(frozen=True, slots=True)
class IncidentMoved:
    """The incident came to a state."""

    incident: str
    state: IncidentState
    name: Literal["incident_moved"] = "incident_moved"


@dataclass(frozen=True, slots=True)
class IncidentGrew:
    """The incident that this case stands for has so many members as the ladder names."""

    incident: str
    size: int
    name: Literal["incident_grew"] = "incident_grew"
