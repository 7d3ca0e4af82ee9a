"""What notify hears: everything, for the feed; and the case, for the customer."""

from types import MappingProxyType
from typing import Final

from services.notify import store
from services.notify.usecases import Notify, bulletins, remedies, telling
from shared.bus.consume import Subscriptions
from shared.contracts.catalogue import EVENTS
from shared.contracts.followup import (
    CallbackDue,
    CaseChanged,
    CaseClosed,
    CaseEscalated,
    CaseOpened,
    CaseRefused,
    CaseReopened,
    CaseResolved,
    ClockBreached,
    ClockExtended,
    ClockMet,
    ClockWarned,
    PromiseBroken,
)
from shared.contracts.incidents import IncidentBulletin
from shared.contracts.intake import (
    ComplainantErased,
    ComplaintCodeRequested,
    ComplaintMessageAdded,
    ComplaintReceived,
    ComplaintUndelivered,
)
from shared.contracts.remedies import RemedyApproved, RemedyPaid, RemedyProposed
from shared.contracts.routing import ComplaintUnderstood
from shared.rebuild import ReadModel

# Who may do what is no business of the feed's readers.
KEPT: Final[Subscriptions[Notify]] = MappingProxyType(
    {event: telling.keep for event in EVENTS if event.source != "desk"}
)
# Positions go on where they were: a reader meets events again rather than missing any.
FEED: Final = ReadModel("feed", clear=store.clear_feed, subscriptions=KEPT)

SUBSCRIPTIONS: Final[Subscriptions[Notify]] = MappingProxyType(
    dict(KEPT)
    | {
        ComplaintReceived: telling.on_received,
        ComplaintMessageAdded: telling.on_message_added,
        ComplaintCodeRequested: telling.on_code_requested,
        ComplaintUndelivered: telling.on_undelivered,
        ComplainantErased: telling.on_erased,
        ComplaintUnderstood: telling.on_understood,
        CaseOpened: telling.on_opened,
        CaseChanged: telling.on_changed,
        CaseRefused: telling.on_refused,
        CaseReopened: telling.on_reopened,
        CaseEscalated: telling.on_escalated,
        CaseResolved: telling.on_resolved,
        CaseClosed: telling.on_closed,
        ClockWarned: telling.on_warned,
        ClockBreached: telling.on_breached,
        ClockExtended: telling.on_extended,
        ClockMet: telling.on_met,
        PromiseBroken: telling.on_promise_broken,
        CallbackDue: telling.on_callback_due,
        IncidentBulletin: bulletins.on_bulletin,
        RemedyProposed: remedies.on_remedy_proposed,
        RemedyApproved: remedies.on_remedy_approved,
        RemedyPaid: remedies.on_remedy_paid,
    }
)
