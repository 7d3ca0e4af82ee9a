"""Values of the desk."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.contracts.desk import Role

ROOT: Final = "root"
UNIT_ID: Final = re.compile(r"\A[a-z0-9][a-z0-9-]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class NewUnit:
    """A part of the business to be added below `parent`."""

    id: str
    parent: str
    title_zh: str
    title_en: str
    default_team: str


@dataclass(frozen=True, slots=True)
class NewKey:
    """A machine's credential to be made; the secret is drawn outside and only its hash is kept."""

    id: str
    secret: str
    label: str
    scopes: tuple[str, ...]
    unit: str
    channel: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A member of staff to be added; `password_hash` is argon2's."""

    id: str
    login: str
    display: str
    role: Role
    unit: str
    languages: tuple[str, ...]
    password_hash: str
