"""What routing hears."""

from types import MappingProxyType
from typing import Final

from services.routing import usecases
from services.routing.usecases import Routing
from shared.bus.consume import Subscriptions
from shared.contracts.followup import CaseClosed, CaseReopened
from shared.contracts.intake import ComplaintReceived

SUBSCRIPTIONS: Final[Subscriptions[Routing]] = MappingProxyType(
    {
        ComplaintReceived: usecases.route,
        CaseReopened: usecases.reassign,
        CaseClosed: usecases.release,
    }
)
