"""Access tokens of providers that give them out for some time: kept until a little before it is over."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from services.notify.channels.calls import Answer, ask
from services.notify.model import Sent

EARLY: Final = timedelta(minutes=5)
OLD_TOKEN: Final = frozenset({40001, 40014, 42001})
"""What WeChat and WeCom say to a token that is over, or was given out anew elsewhere."""


class AccessToken:
    """One token, fetched when it is first needed and again when it is old or refused."""

    def __init__(
        self, fetch: Callable[[], Awaitable[Answer | Sent]], *, now: Callable[[], datetime]
    ) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._until: datetime | None = None

    async def get(self) -> str | Sent:
        """The token, or why there is none. Many may ask at once: it is fetched once."""
        async with self._lock:
            if self._token and self._until and self._now() < self._until:
                return self._token
            answer = await self._fetch()
            if isinstance(answer, Sent):
                return Sent("retry", code=f"token: {answer.code}")
            token = answer.body.get("access_token")
            if not answer.is_success or not isinstance(token, str):
                return Sent("retry", code=f"token: {answer.body.get('errcode', answer.status)}")
            seconds = answer.body.get("expires_in")
            life = timedelta(seconds=seconds if isinstance(seconds, int) else 7200)
            self._token, self._until = token, self._now() + max(life - EARLY, life / 2)
            return token

    async def post(
        self, client: httpx.AsyncClient, url: str, body: Mapping[str, Any]
    ) -> Answer | Sent:
        """Post with the token, and once more with a new one where the provider does not take it any more."""
        for _ in range(2):
            token = await self.get()
            if isinstance(token, Sent):
                return token
            answer = await ask(
                client, client.build_request("POST", url, params={"access_token": token}, json=body)
            )
            if isinstance(answer, Sent) or answer.body.get("errcode") not in OLD_TOKEN:
                return answer
            self._refused(token)
        return Sent("retry", code="the token is refused")

    def _refused(self, token: str) -> None:
        if self._token == token:
            self._token = None
