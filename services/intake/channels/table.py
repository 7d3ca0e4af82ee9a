"""One table of all channels. None has a payload of its own yet: adapters translate, and post JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Channel:
    """A way in: its names, the pack's calendar in which people are there, and what comes by it."""

    code: str
    zh: str
    en: str
    calendar: str
    accepts: tuple[str, ...]


_TEXT: Final = ("text",)
_FILES: Final = ("text", "image", "document")
_MEDIA: Final = ("text", "image", "audio", "video")
_ALL: Final = ("text", "image", "audio", "video", "document")

TABLE: Final[Mapping[str, Channel]] = MappingProxyType(
    {
        one.code: one
        for one in (
            Channel("phone", "电话", "Phone", "extended", ("text", "audio")),
            Channel("email", "邮件", "E-mail", "24x7", _ALL),
            Channel("web", "网站", "Website", "24x7", _ALL),
            Channel("app", "手机应用", "App", "24x7", _ALL),
            Channel("miniapp", "小程序", "Mini app", "24x7", _ALL),
            Channel("wechat", "微信", "WeChat", "24x7", _MEDIA),
            Channel("wecom", "企业微信", "WeCom", "24x7", _MEDIA),
            Channel("chat", "在线客服", "Chat", "extended", _MEDIA),
            Channel("social", "社交媒体", "Social media", "24x7", _MEDIA),
            Channel("walk_in", "到店", "Walk-in", "standard", _FILES),
            Channel("letter", "来信", "Letter", "standard", _FILES),
            Channel("regulator", "监管转办", "Regulator", "standard", _FILES),
            Channel("sensor", "设备告警", "Sensor", "24x7", _TEXT),
            Channel("import", "批量导入", "Import", "24x7", _FILES),
        )
    }
)
