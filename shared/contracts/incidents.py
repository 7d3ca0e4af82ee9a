"""What followup says of incidents, on `redress.cases`. Subject: the incident's id."""

from datetime import datetime
from typing import ClassVar

from shared.contracts.envelope import Body


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
