"""What notify hears: everything, for the feed; and the case, for the customer."""

from types import MappingProxyType
from typing import Final

from services.notify import store, usecases
from services.notify.usecases import Notify
from shared.bus.consume import Subscriptions
from shared.contracts.catalogue import EVENTS
from shared.contracts.followup import (
    CaseChanged,
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseResolved,
)
from shared.rebuild import ReadModel

# Who may do what is no business of the feed's readers.
KEPT: Final[Subscriptions[Notify]] = MappingProxyType(
    {event: usecases.keep for event in EVENTS if event.source != "desk"}
)
# Positions go on where they were: a reader meets events again rather than missing any.
FEED: Final = ReadModel("feed", clear=store.clear_feed, subscriptions=KEPT)

SUBSCRIPTIONS: Final[Subscriptions[Notify]] = MappingProxyType(
    dict(KEPT)
    | {
        CaseOpened: usecases.on_opened,
        CaseChanged: usecases.on_changed,
        CaseReopened: usecases.on_reopened,
        CaseResolved: usecases.on_resolved,
        CaseClosed: usecases.on_closed,
    }
)
