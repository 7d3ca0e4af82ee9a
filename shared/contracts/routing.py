"""What routing says, on `redress.assignments`. Subject: the complaint's id."""

from datetime import datetime
from typing import ClassVar

from shared.contracts.envelope import Body
from shared.contracts.values import Category, Cue, Kind, Severity, Urgency


class ComplaintUnderstood(Body):
    """Routing understood a complaint. A later one (higher sequence) replaces an earlier one."""

    name: ClassVar[str] = "complaint.understood.v1"
    source: ClassVar[str] = "routing"

    number: str
    kind: Kind
    categories: tuple[Category, ...]
    severity: Severity
    urgency: Urgency
    unsure: bool
    cues: tuple[Cue, ...] = ()
    reasons: tuple[str, ...] = ()
    pack: str
    pack_version: str
    model: str
    scope: str | None = None
    """How far it reaches: one, household_group, area, batch, or what the pack adds."""
    emotion: str | None = None
    """The mood: calm, upset, angry, desperate. It never lowers a severity."""
    wants: tuple[str, ...] = ()
    """What the person wants: solution, explanation, compensation, apology, respect."""
    by: str = "machine"
    """`machine`, or the account that corrected it."""
    understood_at: datetime


class ComplaintTriageRequested(Body):
    """Routing is unsure, or nobody can take it: a person must look. Once per understanding."""

    name: ClassVar[str] = "complaint.triage_requested.v1"
    source: ClassVar[str] = "routing"

    number: str
    cycle: int
    reasons: tuple[str, ...]
    candidates: tuple[Category, ...] = ()


class ComplaintAssigned(Body):
    """Routing gave a complaint to a handler, for this cycle. A later one replaces an earlier one."""

    name: ClassVar[str] = "complaint.assigned.v1"
    source: ClassVar[str] = "routing"

    number: str
    cycle: int
    team: str
    handler: str
    """Who answers for it, alone."""
    helpers: tuple[str, ...] = ()
    """Teams that help: those of what else the complaint is about."""
    reasons: tuple[str, ...] = ()
    assigned_at: datetime


class ComplaintUnassigned(Body):
    """Routing took a complaint from its handler; another assignment follows."""

    name: ClassVar[str] = "complaint.unassigned.v1"
    source: ClassVar[str] = "routing"

    number: str
    cycle: int
    handler: str
    reason: str


class ComplaintCorrected(Body):
    """A person corrected the understanding; `complaint.understood` with the new one follows. The reason is masked."""

    name: ClassVar[str] = "complaint.corrected.v1"
    source: ClassVar[str] = "routing"

    number: str
    by: str
    reason: str
    old_kind: Kind
    old_category: str | None
    old_severity: Severity
    new_kind: Kind
    new_category: str
    new_severity: Severity
