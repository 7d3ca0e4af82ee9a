"""What followup hears."""

from types import MappingProxyType
from typing import Final

from services.followup.store.finding import clear_texts
from services.followup.usecases import incidents, reactions
from services.followup.usecases.record import Followup
from shared.bus.consume import Subscriptions
from shared.contracts.insight import WarningRaised
from shared.contracts.intake import ComplaintMessageAdded, ComplaintReceived
from shared.contracts.notify import MessageAccepted, MessageDelivered, MessageFailed
from shared.contracts.routing import (
    ComplaintAssigned,
    ComplaintTriageRequested,
    ComplaintUnassigned,
    ComplaintUnderstood,
)
from shared.rebuild import ReadModel

SUBSCRIPTIONS: Final[Subscriptions[Followup]] = MappingProxyType(
    {
        ComplaintReceived: reactions.open_case,
        ComplaintMessageAdded: reactions.add_message,
        ComplaintUnderstood: reactions.understand,
        ComplaintTriageRequested: reactions.ask_for_triage,
        ComplaintAssigned: reactions.assign,
        ComplaintUnassigned: reactions.unassign,
        MessageAccepted: reactions.acknowledge,
        MessageDelivered: reactions.acknowledge,
        MessageFailed: reactions.acknowledge,
        WarningRaised: incidents.warned,
    }
)
_TEXTS: Final[Subscriptions[Followup]] = MappingProxyType({ComplaintReceived: reactions.keep_text})
SEARCH: Final = ReadModel("search", clear=clear_texts, subscriptions=_TEXTS)
"""The words that cases are found by. What came before there was a search gets into it by a rebuild."""
