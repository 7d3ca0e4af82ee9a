"""What desk says, on `redress.policy`: whole states, so that the last of each subject is all there is to know."""

from datetime import datetime
from typing import ClassVar, Literal

from shared.contracts.envelope import Body
from shared.contracts.values import Value

Role = Literal["handler", "caller", "supervisor", "watch", "auditor", "administrator"]
ROLES: tuple[Role, ...] = ("handler", "caller", "supervisor", "watch", "auditor", "administrator")


class PolicyUnit(Body):
    """Subject `unit/U`. A part of the business; the root has no parent."""

    name: ClassVar[str] = "policy.unit.v1"
    source: ClassVar[str] = "desk"

    id: str
    parent: str | None
    title_zh: str
    title_en: str
    default_team: str = "service"


class PolicyKey(Body):
    """Subject `key/K`. A machine's credential: the hash only; revoked is a state."""

    name: ClassVar[str] = "policy.key.v1"
    source: ClassVar[str] = "desk"

    id: str
    secret_sha256: str
    label: str
    scopes: tuple[str, ...]
    unit: str
    channel: str | None = None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class PolicyAccount(Body):
    """Subject `account/A`. A member of staff, by the name shown to customers; passwords stay with the desk."""

    name: ClassVar[str] = "policy.account.v1"
    source: ClassVar[str] = "desk"

    id: str
    login: str
    display: str
    role: Role
    unit: str
    languages: tuple[str, ...] = ("zh", "en")
    active: bool = True


class PolicyPack(Body):
    """Subject `pack/P@V`. A pack as it was put in force, unresolved and compressed; never replaced."""

    name: ClassVar[str] = "policy.pack.v1"
    source: ClassVar[str] = "desk"

    pack: str
    version: str
    inherits: str | None
    """`P@V` of the pack it is laid over; None for a base."""
    body: str


class Before(Value):
    """A pack version that a unit was judged by, or will be, and from when."""

    pack: str
    version: str
    since: datetime


class PolicyInForce(Body):
    """Subject `in-force/U`. Which pack a unit and those below it are judged by, from when.

    `before` has what was said before, the last 20 of it: the topic keeps only the last event of a subject, and a
    version that begins later, or cannot be read, needs the one that judges until then.
    """

    name: ClassVar[str] = "policy.in_force.v1"
    source: ClassVar[str] = "desk"

    unit: str
    pack: str
    version: str
    since: datetime
    before: tuple[Before, ...] = ()


class PolicySeeded(Body):
    """Subject `seeded`. The first-run rows are all said: the policy is complete from here on."""

    name: ClassVar[str] = "policy.seeded.v1"
    source: ClassVar[str] = "desk"

    at: datetime
