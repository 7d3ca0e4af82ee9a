"""All channels: which there always are, and how each type of the operator's file is built."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import httpx

from services.notify.channels import Channel
from services.notify.channels.addresses import allowed_networks
from services.notify.channels.described import (
    Described,
    HttpIn,
    OfferIn,
    RobotIn,
    WebhookIn,
    WechatIn,
    WecomIn,
    channel_secret,
    read_file,
)
from services.notify.channels.email import FileChannel, SmtpChannel
from services.notify.channels.gateway import HttpGateway
from services.notify.channels.guarded import Poster
from services.notify.channels.offers import Inbox, Offers
from services.notify.channels.robots import DingtalkRobot, FeishuRobot, WecomRobot
from services.notify.channels.webhook import WebhookChannel
from services.notify.channels.wechat import Account, WechatAccount
from services.notify.channels.wecom import App, WecomApp
from services.notify.model import Traits
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Means:
    """What channels are built with."""

    settings: Settings
    matching_key: bytes
    signing_key: bytes
    client: httpx.AsyncClient
    now: Callable[[], datetime]
    folder: Path
    """Where the operator's file lies: the files it names are beside it."""

    def secret(self, file: Path, channel: str) -> str:
        return channel_secret(self.folder / file, channel)


Build = Callable[[Any, Means], Channel]
_TEXT: Final = Traits(contact="phone", form="text", limit=2_000)
_ROBOTS: Final[Mapping[str, Callable[..., Channel]]] = MappingProxyType(
    {"wecom_robot": WecomRobot, "dingtalk_robot": DingtalkRobot, "feishu_robot": FeishuRobot}
)


def _http(said: HttpIn, means: Means) -> Channel:
    is_sms = said.contact == "phone"
    usual = Traits(
        contact=said.contact,
        form="short" if is_sms else "text",
        limit=300 if is_sms else 2_000,
        repeats=not is_sms,
    )
    return HttpGateway(said.name, said.traits(usual), said.describe(means.folder), means.client)


def _wechat(said: WechatIn, means: Means) -> Channel:
    templates = {name: one.to_form() for name, one in said.templates.items()}
    account = Account(said.url, said.app, means.secret(said.secret, said.name), templates)
    traits = said.traits(replace(_TEXT, contact="wechat", limit=600))
    return WechatAccount(said.name, traits, account, means.client, now=means.now)


def _wecom(said: WecomIn, means: Means) -> Channel:
    app = App(said.url, said.corp, said.agent, means.secret(said.secret, said.name))
    return WecomApp(
        said.name,
        said.traits(replace(_TEXT, contact="wecom", limit=600)),
        app,
        means.client,
        now=means.now,
    )


def _robot(said: RobotIn, means: Means) -> Channel:
    usual = replace(_TEXT, contact="group", limit=600, rings=False, rate=1 / 3, units=said.units)
    url = means.secret(said.url, said.name)
    secret = means.secret(said.secret, said.name) if said.secret else None
    return _ROBOTS[said.type](said.name, said.traits(usual), url, means.client, secret)


def _offers(said: OfferIn, _: Means) -> Channel:
    usual = replace(_TEXT, contact=said.contact, by_person=said.type == "call")
    return Offers(said.name, said.traits(usual))


def _webhook(said: WebhookIn, means: Means) -> Channel:
    usual = Traits(contact="webhook", form="mail", limit=100_000, rings=False)
    return WebhookChannel(
        said.name,
        said.traits(usual),
        key=means.signing_key,
        poster=Poster(allowed_networks(means.settings)),
    )


TABLE: Final[Mapping[type[Described], Build]] = MappingProxyType(
    {
        HttpIn: _http,
        WechatIn: _wechat,
        WecomIn: _wecom,
        RobotIn: _robot,
        OfferIn: _offers,
        WebhookIn: _webhook,
    }
)
"""Type of the operator's file → how its channel is built."""


def build(means: Means) -> Sequence[Channel]:
    """Every channel of this process. Raises SettingsError."""
    settings = means.settings
    mail: Channel = (
        SmtpChannel(address, key=means.matching_key)
        if (address := settings.smtp_address)
        else FileChannel(settings.data / "notify" / "mail", key=means.matching_key)
    )
    said = read_file(settings.channels).channels if settings.channels else ()
    return [mail, Inbox(), *(TABLE[type(one)](one, means) for one in said)]
