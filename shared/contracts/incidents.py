"""What followup says of incidents, on `redress.cases`. Subject: the incident's id; of a copy for one member, that
complaint's.

Every `incident.opened`, `updated` and `closed` is the whole incident but for its members and inspections, which are
counted here and listed by followup's API.
"""

from datetime import datetime
from typing import ClassVar, Literal

from shared.contracts.envelope import Body
from shared.contracts.values import Finding, IncidentState, Language, Outcome, Value


class Sign(Value):
    """What its complaints share: `area`, `batch_no`, `vin_prefix`, `shop`, or a reference's name with its token."""

    by: str
    value: str


class Teammate(Value):
    """Who works on it, by account, and as what. The lead answers for it."""

    account: str
    role: str


class Inspected(Value):
    """How many like objects are to be looked at (排查), were looked at, and were found faulty."""

    objects: int = 0
    done: int = 0
    faulty: int = 0


class IncidentResult(Value):
    """The one result for all members. Texts are masked."""

    outcome: Outcome
    reason: str
    remedy: str | None = None
    told_at: datetime


class IncidentReport(Value):
    """What there is to learn of it. Texts are masked."""

    summary: str
    prevention: str | None = None
    effect_check_at: datetime | None = None
    written_by: str
    written_at: datetime


class IncidentBody(Body):
    """The incident as it is after what happened. `version` grows by one with each change."""

    source: ClassVar[str] = "followup"

    incident_id: str
    state: IncidentState
    version: int
    zh: str
    """What it is about, masked; `en` the same."""
    en: str
    origin: Literal["warning", "candidate", "staff"]
    warning_id: str | None = None
    sign: Sign | None = None
    """New complaints that show it join by themselves, of the categories alone where any are named."""
    categories: tuple[str, ...] = ()
    members: int = 0
    joined: int = 0
    """How many ever joined; who left is not taken off."""
    stands_for: str | None = None
    """The complaint that joined first: by it the ladder hears of a large group, once."""
    lead: str | None = None
    team: tuple[Teammate, ...] = ()
    inspections: Inspected = Inspected()
    finding: Finding | None = None
    result: IncidentResult | None = None
    report: IncidentReport | None = None
    bulletins: int = 0
    last_bulletin_id: str | None = None
    moves: int = 0
    """How often its state has changed; each change goes to every member."""
    opened_at: datetime
    solved_at: datetime | None = None
    closed_at: datetime | None = None
    by: str = "followup"
    """Who did it: an account, a key, or the service itself."""
    what: str = ""
    """What happened, as a command's name, or `joined`."""


class IncidentOpened(IncidentBody):
    """One cause seems to be behind many complaints. Once per incident."""

    name: ClassVar[str] = "incident.opened.v1"


class IncidentUpdated(IncidentBody):
    """Anything about the incident changed that has no event of its own."""

    name: ClassVar[str] = "incident.updated.v1"


class IncidentClosed(IncidentBody):
    """The cause was found, members were given the result, and the report is written. Its cases close by themselves."""

    name: ClassVar[str] = "incident.closed.v1"


class BulletinMember(Value):
    """One member of an incident, with what a message to them needs; as a page of members has it."""

    complaint: str
    number: str
    unit: str
    cycle: int
    complainant_id: str
    language: Language
    pack: str
    pack_version: str


class IncidentBulletin(Body):
    """Every member of an incident is to be told the same, each in their language and by their channel. Once each."""

    name: ClassVar[str] = "incident.bulletin.v1"
    source: ClassVar[str] = "followup"

    incident_id: str
    bulletin_id: str
    zh: str
    """What is told, masked; `en` the same."""
    en: str
    next_zh: str = ""
    """What comes next; `next_en` the same."""
    next_en: str = ""
    by: datetime | None = None
    """By when that is expected."""
    danger: bool = False
    """It goes before everything else and by every hour."""
    said_at: datetime
    only: BulletinMember | None = None
    """Who alone is to be told, having joined after it was said; the subject is their complaint then."""
