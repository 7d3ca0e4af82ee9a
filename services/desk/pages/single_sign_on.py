"""Signing in at the company's identity provider: there with a proof, back with a code, in by the operator's rules."""

import hmac
from typing import Final

from starlette.responses import Response

from services.desk.model import Flow
from services.desk.pages.frame import Frame, Visit, home_path, local, random_token, redirect
from services.desk.pages.provider import Provider, ProviderAway
from services.desk.policy.identity import NotTheirs, granted, new_verifier
from services.desk.usecases.identities import account_of, begin_flow, close_account_of, end_flow
from services.desk.usecases.sessions import session_id
from shared import telemetry
from shared.contracts.desk import PolicyAccount
from shared.errors import Forbidden, NotFound

MOST_TO: Final = 2_000
KNOWN_ROUNDS: Final = 50
KNOWN_SECONDS: Final = 0.1

log = telemetry.logger("pages")


class _NotIn(Exception):
    """Nobody is let in: `key` says what to do, the message why, for the log only."""

    def __init__(self, status: int, key: str, why: str, to: str = "") -> None:
        super().__init__(why)
        self.status, self.key, self.to = status, key, to


class SingleSignOn:
    """The door to the provider and back. Without a provider in the settings there is none."""

    def __init__(self, frame: Frame, provider: Provider | None) -> None:
        self._frame = frame
        self._provider = provider
        self._cookie = "__Host-redress-state" if frame.is_secure else "redress-state"
        frame.get("/desk/oidc", self.go)
        frame.get("/desk/oidc/back", self.come_back)

    async def go(self, visit: Visit) -> Response:
        """To the provider, with what proves afterwards that the answer is for this browser."""
        to = local(visit.request.query_params.get("to", ""), "")
        state = random_token()
        flow = Flow(session_id(state), random_token(), new_verifier(), to[:MOST_TO], visit.now)
        try:
            address = await self._ours().address(flow, state)
        except ProviderAway as error:
            return self._door(visit, _NotIn(503, "oidc.away", str(error), to))
        await self._frame.database.run(lambda tx: begin_flow(tx, flow))
        response = redirect(address)
        response.set_cookie(
            self._cookie, state, max_age=600, httponly=True, samesite="lax", secure=self._frame.is_secure, path="/",
        )  # fmt: skip
        return response

    async def come_back(self, visit: Visit) -> Response:
        """From the provider, with a code: who has a role by the operator's rules is let in."""
        try:
            flow = await self._flow(visit)
            account = await self._account(visit, flow)
        except _NotIn as error:
            return self._door(visit, error)
        held = await self._frame.begin_session(visit, account)
        response = redirect(flow.to or home_path(account.role))
        response.delete_cookie(self._cookie, path="/", secure=self._frame.is_secure)
        self._frame.keep_session(response, held)
        return response

    async def _flow(self, visit: Visit) -> Flow:
        """What this browser was sent there with, once."""
        query = visit.request.query_params
        state, held = query.get("state", ""), visit.request.cookies.get(self._cookie, "")
        if not held or not hmac.compare_digest(state.encode(), held.encode()):
            raise _NotIn(400, "oidc.again", "the state is not this browser's")
        flow = await self._frame.database.run(lambda tx: end_flow(tx, session_id(state)))
        if flow is None:
            raise _NotIn(400, "oidc.again", "the state is unknown or over")
        issuer = self._ours().issuer
        if "code" not in query or query.get("iss", issuer) != issuer:
            raise _NotIn(401, "oidc.again", f"there is no code: {query.get('error')}", flow.to)
        return flow

    async def _account(self, visit: Visit, flow: Flow) -> PolicyAccount:
        provider, database = self._ours(), self._frame.database
        try:
            claims = await provider.claims(visit.request.query_params["code"], flow)
        except ProviderAway as error:
            raise _NotIn(503, "oidc.away", str(error), flow.to) from error
        except NotTheirs as error:
            raise _NotIn(401, "oidc.again", str(error), flow.to) from error
        who, subject = granted(claims, provider.roles), str(claims["sub"])
        if who is None:
            await database.run(lambda tx: close_account_of(tx, provider.issuer, subject))
            raise _NotIn(403, "oidc.no_role", "no rule is for them", flow.to)
        try:
            account = await database.run(lambda tx: account_of(tx, who))
        except Forbidden as error:
            raise _NotIn(403, "oidc.no_role", error.detail, flow.to) from error
        await self._until_known(account)
        return account

    async def _until_known(self, account: PolicyAccount) -> None:
        """A new account is let in once this process has read of it; the others read the same log."""
        policy = self._frame.environment.policy
        for _ in range(KNOWN_ROUNDS):
            if policy.accounts.get(account.id) == account:
                return
            await policy.changed.wait_shared(KNOWN_SECONDS)

    def _ours(self) -> Provider:
        if self._provider is None:
            raise NotFound("There is no single sign-on here.", zh="未启用单点登录。")
        return self._provider

    def _door(self, visit: Visit, error: _NotIn) -> Response:
        log.warning("single sign-on failed", why=str(error)[:200])
        return self._frame.render(
            visit, "login.html", error.status, to=error.to, kept={}, login="", notice=None,
            error=visit.words(error.key),
        )  # fmt: skip
