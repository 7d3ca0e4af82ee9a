"""Brings complaints to Redress. A request is repeated under one Idempotency-Key until answered, and never doubled."""

from redress_client.client import Accepted, Redress
from redress_client.errors import (
    Conflict,
    FieldError,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    RedressError,
    Refused,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from redress_client.retry import Retry

__all__ = [
    "Accepted",
    "Conflict",
    "FieldError",
    "Forbidden",
    "Gone",
    "Invalid",
    "NotFound",
    "Redress",
    "RedressError",
    "Refused",
    "Retry",
    "TooLarge",
    "TooMany",
    "Unauthenticated",
    "Unavailable",
]
