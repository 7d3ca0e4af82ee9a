"""The company's identity provider (OpenID Connect, authorisation code with PKCE): where it is, its keys, its answer."""

import asyncio
import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from services.desk.model import Flow
from services.desk.policy.identity import NotTheirs, Roles, challenge_of, check_claims
from shared import telemetry
from shared.clock import Clock
from shared.setting_files import read_described
from shared.settings import Settings, SettingsError
from shared.web.trust import client

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
"""Signatures that are believed; never `none`, never one with a shared secret."""
SCOPE: Final = "openid profile email"
SECONDS: Final = 5.0
KEEP: Final = timedelta(hours=1)
ASK_AGAIN: Final = timedelta(minutes=1)
"""How often an unknown key may have the keys read again."""
NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")

log = telemetry.logger("provider")


class ProviderAway(Exception):
    """The provider does not answer, or answers what cannot be used."""


class Provider:
    """One provider and our client there. `client` is replaced by tests that host a provider in process."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        assert settings.oidc_issuer is not None  # noqa: S101 - see open_provider
        self.issuer = settings.oidc_issuer.rstrip("/")
        self.roles = _read_roles(settings)
        self.client = client(timeout=SECONDS)
        self._client_id, self._secret = settings.oidc_client, settings.oidc_client_secret
        self._back = f"{settings.public_url}/desk/oidc/back"
        self._clock = clock
        self._known: tuple[datetime, Mapping[str, str]] | None = None
        self._keys: tuple[datetime, KeySet] | None = None
        self._reading = asyncio.Lock()

    @property
    def host(self) -> str:
        return urlsplit(self.issuer).netloc

    async def address(self, flow: Flow, state: str) -> str:
        """Where the browser is sent. Raises ProviderAway."""
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._back,
            "scope": SCOPE,
            "state": state,
            "nonce": flow.nonce,
            "code_challenge": challenge_of(flow.verifier),
            "code_challenge_method": "S256",
        }
        begin = (await self._document())["authorization_endpoint"]
        return f"{begin}{'&' if '?' in begin else '?'}{urlencode(asked)}"

    async def claims(self, code: str, flow: Flow) -> Mapping[str, Any]:
        """What the provider says of who brought a code. Raises ProviderAway and NotTheirs."""
        token = await self._exchange(code, flow)
        key = await self._key_of(token)
        try:
            found = jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError) as error:
            raise NotTheirs(f"the signature does not hold: {type(error).__name__}") from error
        now = self._clock.now()
        check_claims(found, issuer=self.issuer, client=self._client_id, nonce=flow.nonce, now=now)
        return found

    async def _exchange(self, code: str, flow: Flow) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": flow.verifier,
        }
        headers = {}
        if self._secret:
            # RFC 6749, 2.3.1: both are encoded as in a form before they are joined.
            both = f"{quote_plus(self._client_id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
        else:
            form["client_id"] = self._client_id
        address = (await self._document())["token_endpoint"]
        try:
            answer = await self.client.post(address, data=form, headers=headers)
        except httpx.HTTPError as error:
            raise ProviderAway(type(error).__name__) from error
        if answer.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED):
            raise NotTheirs(f"the provider refused the code: {answer.status_code}")
        token = _json(answer).get("id_token")
        if not isinstance(token, str):
            raise NotTheirs("there is no id_token")
        return token

    async def _key_of(self, token: str) -> RSAKey | ECKey:
        """The key that signed a token; the keys are read again where it is a new one."""
        try:
            kid = jws.extract_compact(token.encode()).headers().get("kid")
        except (JoseError, ValueError) as error:
            raise NotTheirs("the id_token is none") from error
        for is_last in (False, True):
            for key in (await self._key_set(again=is_last)).keys:
                is_it = kid is None or key.kid == kid
                if is_it and isinstance(key, RSAKey | ECKey) and key.get("use", "sig") == "sig":
                    return key
        raise NotTheirs("no key of the provider's signed it")

    async def _key_set(self, *, again: bool) -> KeySet:
        now = self._clock.now()
        async with self._reading:
            if self._keys is not None:
                age = now - self._keys[0]
                if age < (ASK_AGAIN if again else KEEP):
                    return self._keys[1]
            document = await self._get((await self._document())["jwks_uri"])
            try:
                found = KeySet.import_key_set({"keys": document["keys"]})
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise ProviderAway("its keys cannot be read") from error
            self._keys = (now, found)
            return found

    async def _document(self) -> Mapping[str, str]:
        now = self._clock.now()
        if self._known is not None and now - self._known[0] < KEEP:
            return self._known[1]
        found = await self._get(f"{self.issuer}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise ProviderAway(f"it calls itself {found.get('issuer')!r}")
        if not all(isinstance(found.get(name), str) for name in NEEDED):
            raise ProviderAway("its configuration lacks an endpoint")
        self._known = (now, found)
        return found

    async def _get(self, address: str) -> Mapping[str, Any]:
        try:
            return _json(await self.client.get(address))
        except httpx.HTTPError as error:
            raise ProviderAway(type(error).__name__) from error


def open_provider(settings: Settings, clock: Clock) -> Provider | None:
    """The provider of the settings; None where there is none. Raises SettingsError."""
    return Provider(settings, clock) if settings.oidc_issuer else None


def _json(answer: httpx.Response) -> Mapping[str, Any]:
    if answer.status_code != httpx.codes.OK:
        raise ProviderAway(f"it answers {answer.status_code}")
    try:
        found = answer.json()
    except ValueError as error:
        raise ProviderAway("its answer is no JSON") from error
    if not isinstance(found, dict):
        raise ProviderAway("its answer is no JSON object")
    return found


def _read_roles(settings: Settings) -> Roles:
    setting = "REDRESS_OIDC_ROLES"
    if settings.oidc_roles is None:
        raise SettingsError(
            f"{setting} must name a file where REDRESS_OIDC_ISSUER is set: see docs/desk.md."
        )
    return read_described(setting, settings.oidc_roles, Roles)
