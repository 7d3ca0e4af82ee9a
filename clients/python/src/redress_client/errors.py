"""What can go wrong, by what must be done about it.

RedressError
├── Unavailable     not answered, or not possible right now: nothing is known to be wrong, try again later
│   └── TooMany     more than this key may send; `retry_after` says when to come again
└── Refused         told once; the same request will be refused again
    ├── Invalid         `errors` name the fields
    ├── Unauthenticated the key is missing, unknown, expired or revoked
    ├── Forbidden       the key may not do this, or is for another channel
    ├── NotFound        not there, or outside the key's units
    ├── Conflict        the state forbids it
    ├── Gone            it was erased
    └── TooLarge        over a limit
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong: where (`field`, a dotted path), a stable `code`, and a sentence."""

    field: str
    code: str
    message: str


class RedressError(Exception):
    """Base of every error of this package."""


class Unavailable(RedressError):
    """It did not answer, or cannot right now. The request may be sent again under the same key."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooMany(Unavailable):
    """This key sends more than it may."""


class Refused(RedressError):
    """It was refused. `problem` is the problem document (RFC 9457), `trace_id` what operators look for."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        detail = problem.get("detail") or problem.get("title") or "refused"
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.problem = problem
        self.trace_id: str | None = problem.get("trace_id")
        self.errors = tuple(
            FieldError(str(one.get("field")), str(one.get("code")), str(one.get("message")))
            for one in problem.get("errors", ())
        )


class Invalid(Refused):
    """The request breaks the contract; `errors` name the fields."""


class Unauthenticated(Refused):
    """The key is missing, unknown, expired or revoked."""


class Forbidden(Refused):
    """The key may not do this."""


class NotFound(Refused):
    """Not there, or outside the key's units."""


class Conflict(Refused):
    """The present state forbids it."""


class Gone(Refused):
    """It was erased."""


class TooLarge(Refused):
    """Over a limit."""


_BY_STATUS: Mapping[int, type[Refused]] = {
    400: Invalid, 401: Unauthenticated, 403: Forbidden, 404: NotFound, 409: Conflict, 410: Gone, 413: TooLarge,
    422: Invalid,
}  # fmt: skip


def error_of(answer: httpx.Response) -> RedressError:
    """The error that an answer stands for."""
    status = answer.status_code
    problem = _problem(answer)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return TooMany(str(problem.get("detail", "too many requests")), retry_after=_after(answer))
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        said = problem.get("detail") or answer.reason_phrase
        return Unavailable(f"{status}: {said}", retry_after=_after(answer))
    return _BY_STATUS.get(status, Refused)(status, problem)


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {"title": answer.reason_phrase}
    return found if isinstance(found, dict) else {"title": answer.reason_phrase}


def _after(answer: httpx.Response) -> float | None:
    try:
        return max(0.0, float(answer.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None
