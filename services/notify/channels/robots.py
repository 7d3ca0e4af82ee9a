"""Group robots of WeCom, DingTalk and Feishu: HTTP 200 says nothing, the code in the body does."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from services.notify.channels import signs
from services.notify.channels.calls import Answer, ask
from services.notify.model import Outgoing, Sent, Traits


@dataclass(frozen=True, slots=True)
class Robot(ABC):
    """One robot in one group. `url` is secret: who has it may write there."""

    name: str
    traits: Traits
    url: str
    client: httpx.AsyncClient
    secret: str | None = field(default=None, repr=False)

    @abstractmethod
    async def send(self, message: Outgoing) -> Sent:
        """Write into the group."""

    async def _post(
        self, body: Mapping[str, Any], params: Mapping[str, str] | None = None
    ) -> Answer | Sent:
        url = httpx.URL(self.url)
        return await ask(
            self.client,
            self.client.build_request("POST", url.copy_merge_params(params or {}), json=body),
        )


def judged(answer: Answer | Sent, code: str, later: frozenset[int]) -> Sent:
    """By the code in the body: 0 took it, those in `later` ask to wait, all others refuse for good."""
    if isinstance(answer, Sent):
        return answer
    if not answer.is_success:
        return answer.by_status()
    said = answer.body.get(code)
    if said == 0:
        return Sent("accepted", code="0")
    if not isinstance(said, int):
        return Sent("unknown", code="no code in the answer")
    return Sent(
        "retry" if said in later else "refused",
        code=str(said),
        retry_after=60 if said in later else None,
    )


class WecomRobot(Robot):
    """A WeCom group robot: at most 20 messages a minute."""

    LATER: Final = frozenset({-1, 45009, 45033})

    async def send(self, message: Outgoing) -> Sent:
        body = {"msgtype": "text", "text": {"content": message.body}}
        return judged(await self._post(body), "errcode", self.LATER)


class DingtalkRobot(Robot):
    """A DingTalk group robot; its signature holds for an hour, so it is made anew for each attempt."""

    LATER: Final = frozenset({-1, 130101, 130102, 410100, 43004})

    async def send(self, message: Outgoing) -> Sent:
        params = signs.dingtalk(self.secret, message.at) if self.secret else None
        body = {"msgtype": "text", "text": {"content": message.body}}
        return judged(await self._post(body, params), "errcode", self.LATER)


class FeishuRobot(Robot):
    """A Feishu (or Lark) group robot."""

    LATER: Final = frozenset({9499, 11232, 19024, 99991400})

    async def send(self, message: Outgoing) -> Sent:
        signed = signs.feishu(self.secret, message.at) if self.secret else {}
        body = {"msg_type": "text", "content": {"text": message.body}}
        return judged(await self._post(signed | body), "code", self.LATER)
