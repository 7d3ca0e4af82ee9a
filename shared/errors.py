"""Errors, by what must be done about them.

    RedressError
    ├── Rejected        the caller is wrong: told once, never retried        (HTTP 4xx, by `slug`)
    │   ├── Invalid         the input breaks the contract; `errors` name the fields
    │   ├── Unauthenticated no credential, or one that is unknown or revoked
    │   ├── Forbidden       known, but may not
    │   ├── NotFound        not there, or outside the caller's units
    │   ├── Conflict        the state forbids it; `errors` name what is missing
    │   ├── Stale           somebody else changed it since it was read
    │   ├── Precondition    the request must say which version it means
    │   ├── Gone            it was erased
    │   ├── TooLarge        over a cap
    │   └── TooMany         asked too often; `retry_after` seconds will do
    ├── Transient       may work later: waited for, for ever, never counted as a failure    (HTTP 503)
    │   └── CommitUnknown   COMMIT was sent and not answered: it may or may not have happened
    └── Poison          can never work as it is: parked for a person

Which HTTP status each gets is the web frame's business (`shared/web/problems.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass


class RedressError(Exception):
    """Base of every error Redress raises on purpose."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong: where (`field`, dotted path), a stable `code`, and a sentence for people in each language."""

    field: str
    code: str
    message: str
    zh: str = ""


class Rejected(RedressError):
    """The caller is wrong. `detail` says what and what to do, `zh` the same in Chinese; `errors` name the fields.

    `extra` members go into the problem document beside the standard ones.
    """

    slug = "rejected"

    def __init__(
        self, detail: str, *, zh: str = "", errors: Sequence[FieldError] = (), **extra: object
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.zh = zh
        self.errors = tuple(errors)
        self.extra = extra


class Invalid(Rejected):
    """The input breaks the contract."""

    slug = "invalid"


class Unauthenticated(Rejected):
    """No credential, or one that is unknown, expired or revoked."""

    slug = "unauthenticated"


class Forbidden(Rejected):
    """The credential is good but may not do this."""

    slug = "forbidden"


class NotFound(Rejected):
    """Not there, or outside the caller's units: the two look the same on purpose."""

    slug = "not-found"


class Conflict(Rejected):
    """The present state forbids it."""

    slug = "conflict"


class Stale(Rejected):
    """Somebody else changed it since it was read."""

    slug = "stale"


class Precondition(Rejected):
    """The request must say which version it means (If-Match)."""

    slug = "precondition-required"


class Gone(Rejected):
    """It was erased."""

    slug = "gone"


class TooLarge(Rejected):
    """Over a cap."""

    slug = "too-large"


class TooMany(Rejected):
    """Asked too often. `retry_after` is in whole seconds."""

    slug = "too-many"

    def __init__(self, detail: str, *, zh: str, retry_after: int) -> None:
        super().__init__(detail, zh=zh)
        self.retry_after = retry_after


class Transient(RedressError):
    """May work later: a database, the bus or a peer is away, or something it needs is not here yet."""


class NotHereYet(Transient):
    """Something that an event or request names has not reached this process yet."""


class CommitUnknown(Transient):
    """COMMIT was sent and not answered: it may or may not have happened. Never run again blindly."""


class Poison(RedressError):
    """Can never work as it is. The event is parked with its key until a person decides."""
