"""Through a messenger's door and back through it: the customer hears of their complaint where they wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.notify.channels.wechat import Account, WechatAccount
from services.notify.channels.wecom import App, WecomApp
from services.notify.model import Traits
from shared.contracts.followup import CaseOpened
from tests.service.intake.platforms import Platform, register
from tests.unit.notify import doubles
from tests.world import open_world

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.req("R-007")
@pytest.mark.parametrize("name", ["wechat", "wecom"])
async def test_a_complaint_in_a_messenger_is_a_case_and_is_answered_in_the_same_conversation(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "accounts").mkdir()
    file = register(tmp_path / "accounts")
    async with open_world(tmp_path, callbacks=str(file)) as world:
        now, traits = world.clock.now(), Traits(name)
        provider: doubles.Tokens = doubles.Wechat() if name == "wechat" else doubles.Wecom()
        sender: WechatAccount | WecomApp = (
            WechatAccount(name, traits, Account("https://api", "wx", "s"), provider.client, now=world.clock.now)
            if name == "wechat"
            else WecomApp(name, traits, App("https://qy", "corp", 7, "secret"), provider.client, now=world.clock.now)
        )  # fmt: skip
        world.sender()._channels[name] = sender  # type: ignore[index]
        platform = Platform(world.client, name)

        first = await platform.call(
            platform.message(now, MsgType="text", Content="客服态度差，我要投诉"), now
        )
        await world.settle()
        second = await platform.call(
            platform.message(now, MsgType="text", Content="昨天下午三点的电话"), now
        )
        await world.settle()

        assert [(one.status_code, one.content) for one in (first, second)] == [(200, b"")] * 2
        [opened] = await world.said("followup", CaseOpened)
        whole = await world.get(f"/intake/v1/vault/complaints/{opened.body.number}")
        assert [one["text"] for one in whole.json()["messages"]] == ["昨天下午三点的电话"]
        sent = [one["body"] for one in provider.journal if one["path"].endswith("/send")]
        assert {one["touser"] for one in sent} == {"openid-1"}
        assert opened.body.number in sent[0]["text"]["content"]
