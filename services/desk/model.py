"""Values of the desk."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from shared.contracts.desk import Role

ROOT: Final = "root"
Action = Literal["added", "put_in_force", "put_back"]


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


@dataclass(frozen=True, slots=True)
class PackChange:
    """A change of packs as it is kept: `ref` is `P@V`, `was` what judged the unit until then."""

    action: Action
    unit: str
    ref: str
    by: str
    reason: str
    since: datetime | None = None
    was: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A member of staff who has signed in. `id` is the hash of what the browser holds; `csrf` stands in each form."""

    id: str
    account: str
    csrf: str
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Flow:
    """Somebody who was sent to the identity provider. `id` is the hash of the state that the browser holds."""

    id: str
    nonce: str
    verifier: str
    to: str
    created_at: datetime
