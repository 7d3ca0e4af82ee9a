"""What the use cases know beside the transaction."""

from dataclasses import dataclass, field

from services.routing.usecases.models import Models
from shared.policy import Policy


@dataclass(frozen=True, slots=True)
class Routing:
    """What the use cases know beside the transaction."""

    policy: Policy
    models: Models = field(default_factory=Models)
