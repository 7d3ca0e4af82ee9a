"""What routing hears."""

from types import MappingProxyType
from typing import Final

from services.routing import usecases
from services.routing.usecases import Routing
from services.routing.usecases.hear import hear, hear_end
from shared.bus.consume import Subscriptions
from shared.contracts.followup import CaseClosed, CaseEscalated, CaseRefused, CaseReopened
from shared.contracts.intake import ComplaintReceived

SUBSCRIPTIONS: Final[Subscriptions[Routing]] = MappingProxyType(
    {
        ComplaintReceived: hear,
        CaseReopened: usecases.reassign,
        CaseEscalated: usecases.escalate,
        CaseRefused: usecases.hear_refusal,
        CaseClosed: hear_end,
    }
)
