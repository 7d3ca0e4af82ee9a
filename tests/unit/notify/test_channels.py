"""Each channel against a provider that checks and journals what it gets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from services.notify.channels.described import read_file
from services.notify.channels.gateway import HttpGateway
from services.notify.channels.robots import DingtalkRobot, FeishuRobot, WecomRobot
from services.notify.channels.wechat import Account, Form, WechatAccount
from services.notify.channels.wecom import App, WecomApp
from services.notify.model import Sent
from shared.settings import SettingsError
from tests.unit.notify import doubles
from tests.unit.notify.doubles import MESSAGE, NOW, TEXT

if TYPE_CHECKING:
    from pathlib import Path


def wecom(provider: doubles.Wecom) -> WecomApp:
    return WecomApp(
        "wecom", TEXT, App("https://qy", "corp", 7, "secret"), provider.client, now=lambda: NOW
    )


async def test_wecom_takes_a_message_with_a_token_fetched_once_and_tells_its_own_id() -> None:
    provider = doubles.Wecom()
    channel = wecom(provider)

    assert [await channel.send(MESSAGE) for _ in range(2)] == [Sent("accepted", "msg-1", "0")] * 2
    assert len(provider.asked("/cgi-bin/gettoken")) == 1
    assert provider.journal[-1]["body"]["text"] == {"content": "正文"}


async def test_wecom_is_asked_again_once_where_the_token_went_stale() -> None:
    provider = doubles.Wecom()
    channel = wecom(provider)
    await channel.send(MESSAGE)
    provider.given += 1

    assert (await channel.send(MESSAGE)).result == "accepted"
    assert [one["path"].rpartition("/")[2] for one in provider.journal] == [
        "gettoken", "send", "send", "gettoken", "send",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (httpx.Response(200, json={"errcode": 45009}), "retry"),
        (httpx.Response(200, json={"errcode": 81013}), "refused"),
        (httpx.Response(200, text="<html>gateway</html>"), "unknown"),
        (httpx.Response(503), "retry"),
        (httpx.Response(504), "unknown"),
        (httpx.Response(302, headers={"Location": "http://169.254.169.254/"}), "refused"),
        (httpx.ConnectError("refused"), "retry"),
        (httpx.ReadTimeout("slow"), "unknown"),
        (httpx.Response(200, content=b"x" * 10_000_000), "unknown"),
    ],
)
async def test_http_200_says_nothing_and_the_code_in_the_body_everything(
    answer: httpx.Response | Exception, result: str
) -> None:
    provider = doubles.Wecom()
    channel = wecom(provider)
    await channel.send(MESSAGE)
    provider.next = [answer]

    assert (await channel.send(MESSAGE)).result == result
    assert len(provider.journal) == 3  # no redirect was followed


async def test_wecom_names_whom_it_could_not_reach_though_its_code_is_0() -> None:
    sent = await wecom(doubles.Wecom()).send(replace(MESSAGE, to="gone"))
    assert (sent.result, sent.code) == ("refused", "0 invaliduser")


def wechat(provider: doubles.Wechat, *, templates: bool = True) -> WechatAccount:
    form = Form("tpl-1", {"character_string1": "{number}", "thing2": "{subject}"})
    account = Account("https://wx", "app", "secret", {"acknowledgement": form} if templates else {})
    return WechatAccount("wechat", TEXT, account, provider.client, now=lambda: NOW)


async def test_wechat_answers_who_has_lately_written_in_words() -> None:
    provider = doubles.Wechat()

    assert (await wechat(provider).send(MESSAGE)).result == "accepted"
    assert provider.journal[-1]["body"]["text"] == {"content": "正文"}


async def test_wechat_reaches_all_others_by_a_template_and_tells_the_message_s_id() -> None:
    provider = doubles.Wechat()
    provider.written_at = NOW.replace(year=2025)
    sent = await wechat(provider).send(MESSAGE)

    assert sent == Sent("accepted", "200228332", "0")
    body = provider.asked("/cgi-bin/message/template/send")[0]["body"]
    assert body["data"] == {
        "character_string1": {"value": "1234-5678-903"},
        "thing2": {"value": "主题"},
    }
    assert body["url"] == "https://x/1"


async def test_wechat_without_a_template_for_it_leaves_the_message_to_the_next_channel() -> None:
    provider = doubles.Wechat()
    provider.written_at = NOW.replace(year=2025)
    sent = await wechat(provider, templates=False).send(MESSAGE)
    assert (sent.result, sent.code) == ("refused", "45015")


async def test_dingtalk_and_feishu_check_our_signatures() -> None:
    ding, fei = doubles.Dingtalk(), doubles.Feishu()
    url = "https://robot/send?access_token=a"

    assert (
        await DingtalkRobot("d", TEXT, url, ding.client, "SECabc").send(MESSAGE)
    ).result == "accepted"
    assert ding.journal[0]["query"]["access_token"] == "a"
    refused = await DingtalkRobot("d", TEXT, url, ding.client, "other").send(MESSAGE)
    assert (refused.result, refused.code) == ("refused", "310000")
    assert (await FeishuRobot("f", TEXT, url, fei.client, "fs").send(MESSAGE)).result == "accepted"
    assert (await FeishuRobot("f", TEXT, url, fei.client, "no").send(MESSAGE)).code == "19021"


@pytest.mark.parametrize(
    ("kind", "code", "asks"),
    [
        (WecomRobot, "errcode", 45009),
        (DingtalkRobot, "errcode", 130101),
        (FeishuRobot, "code", 11232),
    ],
)
async def test_a_robot_that_is_asked_too_often_is_left_alone_for_a_minute(
    kind: type[WecomRobot], code: str, asks: int
) -> None:
    provider = doubles.Sms(lambda _: {code: asks})
    sent = await kind("r", TEXT, "https://robot", provider.client, None).send(MESSAGE)
    assert (sent.result, sent.retry_after, sent.code) == ("retry", 60, str(asks))


SMS = """
channels:
  - name: sms
    type: http
    contact: phone
    url: https://sms.example.com/send
    headers: {X-Time: "{seconds}"}
    json: {PhoneNumbers: "{to}", TemplateCode: "{template}", TemplateParam: "{params}", OutId: "{id}"}
    templates: {acknowledgement: SMS_1}
    secrets: {key: sms.key, callback: sms.callback}
    signing: {into: header.X-Sign, over: "{to}:{seconds}", secret: key}
    success: {path: Code, equals: [OK]}
    later: {path: Code, equals: [isv.BUSINESS_LIMIT_CONTROL]}
    id: BizId
    receipts: {id: biz_id, status: status, delivered: [1], failed: [2], answer: '{"code":0}'}
"""


def gateway(folder: Path, provider: doubles.Sms, text: str = SMS) -> HttpGateway:
    (folder / "sms.key").write_text("k" * 16 + "\n")
    (folder / "sms.callback").write_text("c" * 32)
    (folder / "channels.yaml").write_text(text)
    [said] = read_file(folder / "channels.yaml").channels
    assert said.type == "http"
    return HttpGateway("sms", said.traits(TEXT), said.describe(folder), provider.client)


async def test_a_described_provider_is_asked_as_described_and_signed(tmp_path: Path) -> None:
    provider = doubles.Sms()
    sent = await gateway(tmp_path, provider).send(replace(MESSAGE, to="13800000000"))

    assert sent == Sent("accepted", "biz-9", "OK")
    [asked] = provider.journal
    assert asked["body"]["TemplateCode"] == "SMS_1"
    assert '"number":"1234-5678-903"' in asked["body"]["TemplateParam"]
    assert asked["body"]["OutId"] == MESSAGE.id


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ({"Code": "isv.BUSINESS_LIMIT_CONTROL"}, "retry"),
        ({"Code": "isv.MOBILE_NUMBER_ILLEGAL"}, "refused"),
        ({"message": "what a provider that lies says"}, "unknown"),
    ],
)
async def test_what_a_described_provider_answers_decides(
    answer: dict[str, str], result: str, tmp_path: Path
) -> None:
    provider = doubles.Sms(lambda _: answer)
    assert (await gateway(tmp_path, provider).send(MESSAGE)).result == result


async def test_a_message_cannot_write_beyond_its_place_in_a_request(tmp_path: Path) -> None:
    provider = doubles.Sms(lambda _: {"Code": "OK"})
    evil = replace(MESSAGE, to='1", "TemplateCode": "{secret.key}')
    await gateway(tmp_path, provider).send(evil)

    assert provider.journal[0]["body"]["TemplateCode"] == "SMS_1"
    assert provider.journal[0]["body"]["PhoneNumbers"] == '1", "TemplateCode": "{secret.key}'


def test_receipts_are_read_as_described_and_what_is_not_final_is_left_out(tmp_path: Path) -> None:
    channel = gateway(tmp_path, doubles.Sms())
    told = [
        {"biz_id": "a", "status": 1},
        {"biz_id": "b", "status": 2},
        {"biz_id": "c", "status": 0},
        {},
    ]

    assert [(one.provider_id, one.result) for one in channel.receipts(told)] == [
        ("a", "delivered"), ("b", "failed"),
    ]  # fmt: skip
    assert channel.receipts("nonsense") == []


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("channels: [{name: x, type: fax}]", "fax"),
        ("channels: [{name: X!, type: outgoing}]", "channels.0.outgoing.name (X!)"),
        ("channels: [{name: email, type: outgoing}]", "email is taken"),
        ("channels: [{name: a, type: outgoing}, {name: a, type: call}]", "a is taken"),
        (
            "channels: [{name: a, type: http, url: 'https://x', json: {k: '{secret.kee}'}}]",
            "{secret.kee}",
        ),
        ("channels: [{name: a, type: http, url: 'https://x', json: {k: '{boddy}'}}]", "{boddy}"),
        ("channels: {", "no YAML"),
        ("channels: [{name: a, type: wecom_app, corp: c, agent: x, secret: s}]", "agent (a)"),
    ],
)
def test_a_fault_in_the_file_of_channels_is_named_with_its_place(
    wrong: str, named: str, tmp_path: Path
) -> None:
    file = tmp_path / "channels.yaml"
    file.write_text(wrong)
    with pytest.raises(SettingsError) as found:
        read_file(file)
    assert named in str(found.value)
    assert "channels.yaml" in str(found.value)
