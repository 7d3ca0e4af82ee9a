"""One table of all channels. What a channel's payload looks like is that channel's file and nobody else's business."""

from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Final

from services.intake.channels import chat, email, form, letter, phone, regulator, social, walk_in
from services.intake.channels.port import Channel

_TEXT: Final = ("text",)
_FILES: Final = ("text", "image", "document")
_MEDIA: Final = ("text", "image", "audio", "video")
_ALL: Final = ("text", "image", "audio", "video", "document")
_MAIL: Final = 30 * 1024 * 1024
_FORM: Final = ("application/json", form.FORM)
_WITH_FILES: Final = 25 * 1024 * 1024


def _by_form(
    code: str, zh: str, en: str, hours: str, media: tuple[str, ...], door: ModuleType
) -> Channel:
    """A channel whose payload is JSON, or a form with files, that `door` reads."""
    return Channel(
        code,
        zh,
        en,
        hours,
        media,
        read=door.read,
        largest=_WITH_FILES,
        takes=_FORM,
        example=door.EXAMPLE,
    )


TABLE: Final[Mapping[str, Channel]] = MappingProxyType(
    {
        one.code: one
        for one in (
            _by_form("phone", "电话", "Phone", "extended", ("text", "audio"), phone),
            Channel(
                "email",
                "邮件",
                "E-mail",
                "24x7",
                _ALL,
                read=email.read,
                largest=_MAIL,
                takes=(email.MEDIA_TYPE,),
                quarantines=True,
            ),
            _by_form("web", "网站", "Website", "24x7", _ALL, form),
            _by_form("app", "手机应用", "App", "24x7", _ALL, form),
            _by_form("miniapp", "小程序", "Mini app", "24x7", _ALL, form),
            Channel("wechat", "微信", "WeChat", "24x7", _MEDIA),
            Channel("wecom", "企业微信", "WeCom", "24x7", _MEDIA),
            _by_form("chat", "在线客服", "Chat", "extended", _MEDIA, chat),
            _by_form("social", "社交媒体", "Social media", "24x7", _MEDIA, social),
            _by_form("walk_in", "到店", "Walk-in", "standard", _FILES, walk_in),
            _by_form("letter", "来信", "Letter", "standard", _FILES, letter),
            _by_form("regulator", "监管转办", "Regulator", "standard", _FILES, regulator),
            Channel("sensor", "设备告警", "Sensor", "24x7", _TEXT),
            Channel("import", "批量导入", "Import", "24x7", _FILES),
        )
    }
)
