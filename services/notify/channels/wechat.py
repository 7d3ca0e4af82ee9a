"""A WeChat official account: customer-service messages while the person has lately written, else template messages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx

from services.notify.channels.calls import Answer, ask
from services.notify.channels.fill import filled
from services.notify.channels.token import AccessToken
from services.notify.model import Outgoing, Sent, Traits

LATER: Final = frozenset({-1, 45009, 45011})
NOT_NOW: Final = frozenset({45015, 45047})
"""They have not written within 48 hours, or had their five answers: only a template reaches them."""


@dataclass(frozen=True, slots=True)
class Account:
    """Which account sends, and its templates: letter → template id and fields, `""` for all other letters."""

    url: str
    app: str
    secret: str
    templates: Mapping[str, "Form"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Form:
    """A template of the account's: what goes into its fields, in our variables' names."""

    id: str
    fields: Mapping[str, str]


class WechatAccount:
    """Sends by one official account. `client_msg_id` lets WeChat drop a repeated template message."""

    def __init__(
        self,
        name: str,
        traits: Traits,
        account: Account,
        client: httpx.AsyncClient,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self.name = name
        self.traits = traits
        self._account = account
        self._client = client
        self._token = AccessToken(self._fetch, now=now)

    async def send(self, message: Outgoing) -> Sent:
        words = {"touser": message.to, "msgtype": "text", "text": {"content": message.body}}
        sent = await self._post("message/custom/send", words)
        if sent.code not in {str(code) for code in NOT_NOW}:
            return sent
        form = self._account.templates.get(message.letter) or self._account.templates.get("")
        if form is None:
            return Sent("refused", code=sent.code)
        return await self._post("message/template/send", self._templated(message, form))

    def _templated(self, message: Outgoing, form: Form) -> Mapping[str, Any]:
        values = dict(message.values) | {
            "subject": message.subject,
            "body": message.body,
            "number": message.number,
        }
        data = {name: {"value": filled(text, values)} for name, text in form.fields.items()}
        body: dict[str, Any] = {
            "touser": message.to, "template_id": form.id, "data": data, "client_msg_id": message.id.replace("-", ""),
        }  # fmt: skip
        return body | ({"url": message.values["link"]} if message.values.get("link") else {})

    async def _post(self, path: str, body: Mapping[str, Any]) -> Sent:
        url = f"{self._account.url}/cgi-bin/{path}"
        return judged(await self._token.post(self._client, url, body))

    async def _fetch(self) -> Answer | Sent:
        account = self._account
        body = {"grant_type": "client_credential", "appid": account.app, "secret": account.secret}
        request = self._client.build_request(
            "POST", f"{account.url}/cgi-bin/stable_token", json=body
        )
        return await ask(self._client, request)


def judged(answer: Answer | Sent) -> Sent:
    """By the code in the body."""
    if isinstance(answer, Sent):
        return answer
    if not answer.is_success:
        return answer.by_status()
    code = answer.body.get("errcode")
    if not isinstance(code, int):
        return Sent("unknown", code="no errcode in the answer")
    if code == 0:
        id_ = answer.body.get("msgid")
        return Sent("accepted", provider_id=str(id_) if id_ is not None else None, code="0")
    return Sent("retry" if code in LATER else "refused", code=str(code))
