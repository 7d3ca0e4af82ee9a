"""WeCom: messages of an app to a member of staff, or to a customer whom the company knows there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx

from services.notify.channels.calls import Answer, ask
from services.notify.channels.token import AccessToken
from services.notify.model import Outgoing, Sent, Traits

LATER: Final = frozenset({-1, 45009, 60020, 301002})
"""Busy, too often, an address of ours that is not let in, an app without rights yet: none is the message's fault."""
SAME_FOR: Final = 4 * 60 * 60
"""Seconds in which WeCom drops a message that says the same: the longest it allows."""


@dataclass(frozen=True, slots=True)
class App:
    """Which app sends."""

    url: str
    corp: str
    agent: int
    secret: str


class WecomApp:
    """Sends by one app. A repeat is dropped by WeCom, so one whose attempt had no answer is sent again."""

    def __init__(
        self,
        name: str,
        traits: Traits,
        app: App,
        client: httpx.AsyncClient,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self.name = name
        self.traits = traits
        self._app = app
        self._client = client
        self._token = AccessToken(self._fetch, now=now)

    async def send(self, message: Outgoing) -> Sent:
        body: Mapping[str, Any] = {
            "touser": message.to,
            "msgtype": "text",
            "agentid": self._app.agent,
            "text": {"content": message.body},
            "enable_duplicate_check": 1,
            "duplicate_check_interval": SAME_FOR,
        }
        url = f"{self._app.url}/cgi-bin/message/send"
        return judged(await self._token.post(self._client, url, body), message.to)

    async def _fetch(self) -> Answer | Sent:
        params = {"corpid": self._app.corp, "corpsecret": self._app.secret}
        request = self._client.build_request(
            "GET", f"{self._app.url}/cgi-bin/gettoken", params=params
        )
        return await ask(self._client, request)


def judged(answer: Answer | Sent, to: str) -> Sent:
    """By the code, and by the people whom WeCom says it could not reach though the code is 0."""
    if isinstance(answer, Sent):
        return answer
    if not answer.is_success:
        return answer.by_status()
    code = answer.body.get("errcode")
    if not isinstance(code, int):
        return Sent("unknown", code="no errcode in the answer")
    if code == 0:
        lost = str(answer.body.get("invaliduser") or "").split("|")
        if to in lost:
            return Sent("refused", code="0 invaliduser")
        return Sent("accepted", provider_id=answer.body.get("msgid"), code="0")
    return Sent("retry" if code in LATER else "refused", code=str(code))
