"""Who comes from the company's identity provider: what must hold of an ID token, and which role its claims give.

OpenID Connect Core 1.0, section 3.1.3.7; PKCE: RFC 7636, section 4.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from services.desk.model import Flow
from shared.contracts.desk import Role

LEEWAY: Final = timedelta(seconds=60)
OLDEST: Final = timedelta(minutes=10)
"""How long somebody may take at the provider."""
_LONGEST: Final = 100


class Rule(BaseModel):
    """Who has this value in the claim gets the role in the unit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: str
    role: Role
    unit: str


class Roles(BaseModel):
    """The operator's file: the first rule whose value is in `claim` counts; without one nobody is let in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim: str = "groups"
    title: str = ""
    """What the button calls the provider."""
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Granted:
    """Who came: the provider's lasting name for them, and what they are here."""

    issuer: str
    subject: str
    login: str
    display: str
    role: Role
    unit: str


class NotTheirs(Exception):
    """An ID token that is not what was asked for; the message says why, for the log."""


def is_in_time(flow: Flow, now: datetime) -> bool:
    """Whether somebody came back in time."""
    return now - flow.created_at < OLDEST


def new_verifier() -> str:
    """A PKCE verifier: 43 characters."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def check_claims(
    claims: Mapping[str, Any], *, issuer: str, client: str, nonce: str, now: datetime
) -> None:
    """Raise NotTheirs unless the claims of a signed ID token answer what was asked."""
    audience = claims.get("aud")
    meant_for = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != issuer:
        raise NotTheirs(f"iss is {claims.get('iss')!r}")
    if client not in meant_for:
        raise NotTheirs(f"aud is {audience!r}")
    if (len(meant_for) > 1 or "azp" in claims) and claims.get("azp") != client:
        raise NotTheirs(f"azp is {claims.get('azp')!r}")
    if not _is_about(claims.get("exp"), now, least=-LEEWAY):
        raise NotTheirs("exp is over")
    if not _is_about(claims.get("iat"), now, least=-OLDEST, most=LEEWAY):
        raise NotTheirs("iat is long ago or ahead")
    if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise NotTheirs("nonce is another")
    if not claims.get("sub") or not isinstance(claims["sub"], str):
        raise NotTheirs("there is no sub")


def _is_about(
    value: object, now: datetime, *, least: timedelta, most: timedelta | None = None
) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    ahead = value - now.timestamp()
    return ahead > least.total_seconds() and (most is None or ahead <= most.total_seconds())


def granted(claims: Mapping[str, Any], roles: Roles) -> Granted | None:
    """What the claims give; None where no rule is for them."""
    said = claims.get(roles.claim)
    values = said if isinstance(said, list) else [said]
    rule = next((one for one in roles.rules if one.value in values), None)
    if rule is None:
        return None
    login = _text(claims.get("preferred_username")) or _text(claims.get("email")) or claims["sub"]
    return Granted(
        issuer=claims["iss"],
        subject=claims["sub"],
        login=login[:_LONGEST],
        display=(_text(claims.get("name")) or login)[:_LONGEST],
        role=rule.role,
        unit=rule.unit,
    )


def _text(value: object) -> str:
    """A claim as one line of text."""
    return " ".join(value.split()) if isinstance(value, str) and value.isprintable() else ""
