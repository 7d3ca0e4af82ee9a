"""Who is asking, and what they may: machines send a key, staff and services a short token signed with the secret."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from fastapi import Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from shared.clock import Clock
from shared.contracts.desk import PolicyAccount, Role
from shared.errors import Forbidden, NotFound, NotHereYet, Unauthenticated
from shared.policy import Policy
from shared.settings import Secrets

SCOPES: Final = (
    "intake:write", "intake:read", "vault:read", "routing:read", "routing:write", "followup:read", "followup:write",
    "notify:read", "notify:write", "insight:read", "events:read", "administer",
)  # fmt: skip
ROLE_SCOPES: Final[dict[Role, frozenset[str]]] = {
    "handler": frozenset({
        "intake:write", "intake:read", "vault:read", "routing:read", "followup:read", "followup:write", "notify:read",
    }),
    "caller": frozenset({"intake:read", "vault:read", "followup:read", "followup:write"}),
    "supervisor": frozenset({
        "intake:write", "intake:read", "vault:read", "routing:read", "routing:write", "followup:read", "followup:write",
        "notify:read", "insight:read",
    }),
    "watch": frozenset({"intake:write", "intake:read", "vault:read", "routing:read", "routing:write", "followup:read"}),
    "auditor": frozenset({"intake:read", "routing:read", "followup:read", "notify:read", "insight:read"}),
    "administrator": frozenset({"administer"}),
}  # fmt: skip
KEY_PREFIX: Final = "rk"
TOKEN_LIFE: Final = timedelta(minutes=15)
_LEEWAY_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. `id` is what the record of an act names; rights reach the unit and all below it."""

    id: str
    kind: Literal["key", "staff", "service"]
    unit: str
    scopes: frozenset[str]
    channel: str | None = None
    role: Role | None = None
    units: frozenset[str] = field(default_factory=frozenset, compare=False)
    """The unit and all below it, as of the request."""

    def must_reach(self, unit: str, what: str = "it") -> None:
        """Raise NotFound unless `unit` is within reach: outside one's subtree nothing exists."""
        if unit not in self.units:
            raise NotFound(f"There is no such thing: check {what} and the unit of your credential.")


def new_key() -> tuple[str, str]:
    """Id and secret of a new key; the key itself is `rk_{id}_{secret}`."""
    return secrets.token_hex(6), secrets.token_urlsafe(32)


def format_key(key: str, secret: str) -> str:
    """The key as it is sent."""
    return f"{KEY_PREFIX}_{key}_{secret}"


class Guard:
    """Tells who asks from a request's credential. Shared by every route of a process."""

    def __init__(self, *, policy: Policy, secrets: Secrets, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._signing = OctKey.import_key(secrets.signing)

    def principal(self, authorization: str | None) -> Principal:
        """Who a credential belongs to. Raises Unauthenticated, or NotHereYet before the policy was read."""
        scheme, _, value = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not value:
            raise _unknown("no credential was sent")
        now = self._clock.now()
        prefix, _, rest = value.partition("_")
        return self._by_key(rest, now) if prefix == KEY_PREFIX else self._by_token(value, now)

    def of(self, request: Request, scope: str) -> Principal:
        """Who asks, if they have the scope. Raises Unauthenticated or Forbidden."""
        found = self.principal(request.headers.get("authorization"))
        if scope not in found.scopes:
            raise Forbidden(
                f"This needs the scope {scope}; your credential has {', '.join(sorted(found.scopes)) or 'none'}.",
                zh=f"此操作需要权限 {scope}。",
            )
        return found

    def scope(self, scope: str) -> "ScopeCheck":
        """A FastAPI dependency: the principal, if it has the scope."""
        return ScopeCheck(self, scope)

    def staff_token(self, account: PolicyAccount) -> str:
        """A short token for a member of staff."""
        claims = {"sub": account.id, "kind": "staff"}
        return self._sign(claims)

    def service_token(self, service: str, scopes: frozenset[str]) -> str:
        """A short token for one of our own services: it reaches every unit, with these scopes only."""
        return self._sign({"sub": service, "kind": "service", "scope": " ".join(sorted(scopes))})

    def _sign(self, claims: dict[str, str]) -> str:
        now = int(self._clock.now().timestamp())
        times = {"iat": now, "exp": now + int(TOKEN_LIFE.total_seconds())}
        return jwt.encode({"alg": "HS256"}, claims | times, self._signing)

    def _by_key(self, rest: str, now: datetime) -> Principal:
        key, _, secret = rest.partition("_")
        found = self._policy.key_of(key, secret, now)
        if found is None:
            self._must_be_read()
            raise _unknown("the key is unknown, expired or revoked")
        return Principal(
            f"key/{found.id}", "key", found.unit, frozenset(found.scopes), found.channel,
            units=self._policy.subtree(found.unit),
        )  # fmt: skip

    def _by_token(self, value: str, now: datetime) -> Principal:
        try:
            token = jwt.decode(value, self._signing, algorithms=["HS256"])
        except (JoseError, ValueError) as error:
            raise _unknown("the token is not ours") from error
        claims = token.claims
        expires = claims.get("exp")
        # The library checks the signature only (measured): the times are ours to check.
        if not isinstance(expires, int) or expires + _LEEWAY_SECONDS < now.timestamp():
            raise _unknown("the token has expired: sign in again")
        self._must_be_read()
        if claims.get("kind") == "service":
            scopes = frozenset(str(claims.get("scope", "")).split())
            root = self._policy.root
            return Principal(
                f"service/{claims['sub']}",
                "service",
                root,
                scopes,
                units=frozenset(self._policy.units),
            )
        account = self._policy.accounts.get(str(claims.get("sub")))
        if account is None or not account.active:
            raise _unknown("the account is unknown or closed")
        return Principal(
            f"account/{account.id}", "staff", account.unit, ROLE_SCOPES[account.role], role=account.role,
            units=self._policy.subtree(account.unit),
        )  # fmt: skip

    def _must_be_read(self) -> None:
        """A credential that is unknown before the policy was read may be good: 503, not 401."""
        if not self._policy.units:
            raise NotHereYet("the policy has not been read yet")


class ScopeCheck:
    """A FastAPI dependency that yields the principal or refuses."""

    def __init__(self, guard: Guard, scope: str) -> None:
        self._guard = guard
        self._scope = scope

    def __call__(self, request: Request) -> Principal:
        return self._guard.of(request, self._scope)


def _unknown(why: str) -> Unauthenticated:
    return Unauthenticated(
        f"Not let in: {why}. Send a valid key as `Authorization: Bearer rk_…`.",
        zh="凭证缺失、无效、过期或已撤销，请在 Authorization: Bearer 中提供有效密钥。",
    )
