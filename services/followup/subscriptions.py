"""What followup hears."""

from types import MappingProxyType
from typing import Final

from services.followup.usecases import reactions
from services.followup.usecases.record import Followup
from shared.bus.consume import Subscriptions
from shared.contracts.intake import ComplaintReceived
from shared.contracts.notify import MessageAccepted, MessageDelivered, MessageFailed
from shared.contracts.routing import (
    ComplaintAssigned,
    ComplaintTriageRequested,
    ComplaintUnassigned,
    ComplaintUnderstood,
)

SUBSCRIPTIONS: Final[Subscriptions[Followup]] = MappingProxyType(
    {
        ComplaintReceived: reactions.open_case,
        ComplaintUnderstood: reactions.understand,
        ComplaintTriageRequested: reactions.ask_for_triage,
        ComplaintAssigned: reactions.assign,
        ComplaintUnassigned: reactions.unassign,
        MessageAccepted: reactions.acknowledge,
        MessageDelivered: reactions.acknowledge,
        MessageFailed: reactions.acknowledge,
    }
)
