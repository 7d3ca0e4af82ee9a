"""An identity provider in process: codes that count once, PKCE checked, RS256 with keys that change."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import httpx
import orjson
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from shared.clock import Clock

ISSUER = "https://login.example.com"
CLIENT, SECRET = "redress", "the client's secret"


class FakeProvider:
    """Behaves as RFC 6749, RFC 7636 and OpenID Connect Core say; `claims` is who signs in next."""

    def __init__(self, clock: Clock) -> None:
        self.claims: dict[str, Any] = {}
        self.changed: dict[str, Any] = {}
        """Claims that the next token has instead of the right ones."""
        self.key_reads = 0
        self._clock = clock
        self._codes: dict[str, dict[str, str]] = {}
        self.keys: list[RSAKey] = []
        self.rotate()
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._configuration),
                Route("/keys", self._keys),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app))

    def rotate(self) -> None:
        """Sign with a new key from now on, and show no other."""
        self.keys = [
            RSAKey.generate_key(2048, parameters={"kid": secrets.token_hex(4), "use": "sig"})
        ]

    def sign_in(self, address: str, **claims: Any) -> str:
        """What a browser does there: the query with which it comes back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        self.claims = claims
        return f"code={code}&state={asked['state']}&iss={ISSUER}"

    async def _configuration(self, _: Request) -> Response:
        return JSONResponse({
            "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/authorize", "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
        })  # fmt: skip

    async def _keys(self, _: Request) -> Response:
        self.key_reads += 1
        return JSONResponse(KeySet(list(self.keys)).as_dict(private=False))

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        both = f"{quote_plus(CLIENT)}:{quote_plus(SECRET)}"
        basic = base64.b64encode(both.encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self._codes.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = _unpadded(digest).decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(
            {"token_type": "Bearer", "access_token": "x", "id_token": self._id_token(asked)}
        )

    def _id_token(self, asked: dict[str, str]) -> str:
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": ISSUER, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], "sub": "u-1",
        } | self.claims | self.changed  # fmt: skip
        if self.changed.get("alg") in ("HS256", "none"):
            return self._forged(str(self.changed["alg"]), claims)
        return jwt.encode({"alg": "RS256", "kid": self.keys[0].kid}, claims, self.keys[0])

    def _forged(self, alg: str, claims: dict[str, Any]) -> str:
        """Unsigned, or signed with the public key as if it were a shared secret (alg confusion)."""
        head = {"alg": alg, "kid": self.keys[0].kid}
        signed = b".".join(_unpadded(orjson.dumps(one)) for one in (head, claims))
        mac = hmac.new(self.keys[0].as_pem(private=False), signed, hashlib.sha256).digest()
        return (signed + b"." + (_unpadded(mac) if alg == "HS256" else b"")).decode()


def _unpadded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
