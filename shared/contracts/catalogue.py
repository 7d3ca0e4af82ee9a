"""Every event by its type, and which topic carries which service's."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from shared.contracts import desk, followup, incidents, insight, intake, notify, remedies, routing
from shared.contracts.envelope import PREFIX, Body

TOPICS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "intake": "redress.complaints",
        "routing": "redress.assignments",
        "followup": "redress.cases",
        "notify": "redress.notifications",
        "insight": "redress.warnings",
        "desk": "redress.policy",
    }
)
BOUNDED_SOURCES: Final = frozenset({"/redress/notify", "/redress/desk"})
"""Their topics forget: a gap in the sequence is no alarm there."""

EVENTS: Final[tuple[type[Body], ...]] = (
    intake.ComplaintReceived, intake.ComplaintMessageAdded, intake.ComplaintUndelivered,
    intake.ComplaintCodeRequested, intake.ComplaintLinked, intake.ComplainantChanged, intake.ComplainantErased,
    routing.ComplaintUnderstood, routing.ComplaintTriageRequested, routing.ComplaintAssigned,
    routing.ComplaintUnassigned, routing.ComplaintCorrected,
    followup.CaseOpened, followup.CaseChanged, followup.CaseEscalated, followup.CaseResolved,
    followup.CaseClosed, followup.CaseRefused, followup.CaseReopened,
    followup.ClockStarted, followup.ClockWarned, followup.ClockBreached, followup.ClockMet,
    followup.ClockPaused, followup.ClockResumed, followup.ClockExtended,
    followup.PromiseMade, followup.PromiseKept, followup.PromiseBroken,
    followup.CallbackDue, followup.CallbackDone,
    incidents.IncidentOpened, incidents.IncidentUpdated, incidents.IncidentBulletin, incidents.IncidentClosed,
    insight.WarningRaised,
    remedies.RemedyProposed, remedies.RemedyApproved, remedies.RemedyPayoutRequested, remedies.RemedyPaid,
    remedies.RemedyReversed,
    notify.MessageAccepted, notify.MessageDelivered, notify.MessageFailed, notify.MessageUnknown,
    notify.ContactFailed, notify.SubscriptionDisabled,
    desk.PolicyUnit, desk.PolicyKey, desk.PolicyAccount, desk.PolicyPack, desk.PolicyInForce, desk.PolicySeeded,
)  # fmt: skip


def by_type(events: Iterable[type[Body]] = EVENTS) -> Mapping[str, type[Body]]:
    """CloudEvents type → model. Raises ValueError when two events share a type."""
    found: dict[str, type[Body]] = {}
    for event in events:
        if found.setdefault(PREFIX + event.name, event) is not event:
            raise ValueError(f"two events are called {event.name}")
    return MappingProxyType(found)


BY_TYPE: Final = by_type()
_MAJOR = re.compile(r"\.v\d+\Z")
_FAMILIES: Final = frozenset(_MAJOR.sub("", name) for name in BY_TYPE)


def is_newer_version(type_: str) -> bool:
    """Whether `type_` is another major version of an event known here: a later deploy will read it."""
    return type_ not in BY_TYPE and _MAJOR.sub("", type_) in _FAMILIES
