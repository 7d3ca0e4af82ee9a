"""wechat, wecom: what a platform calls us with, turned into what a person said.

Both platforms encrypt alike and send the same XML (developers.weixin.qq.com, "接收普通消息" and "接收事件推送";
developer.work.weixin.qq.com, "接收消息格式").
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from services.intake.channels.wechat.envelope import Envelope, Refused
from services.intake.channels.wechat.markup import LARGEST, Unreadable, read_markup, write_markup
from services.intake.model import Turn

__all__ = [
    "LARGEST",
    "Envelope",
    "Refused",
    "Unreadable",
    "read_markup",
    "read_turn",
    "write_markup",
    "write_reply",
]

_MEDIA: Final[Mapping[str, str]] = {
    "image": "image",
    "voice": "voice",
    "video": "video",
    "shortvideo": "video",
    "file": "file",
}
_OPENS: Final = frozenset({"subscribe", "click", "enter_agent"})
"""Events by which somebody begins to talk: they are asked what happened."""
_LONGEST_ID: Final = 128


def read_turn(plain: bytes) -> Turn:
    """What a person said or did. Raises Unreadable where it is no message of the platform's."""
    said = read_markup(plain)
    sender, kind = said.get("FromUserName", ""), said.get("MsgType", "").lower()
    at = _time(said.get("CreateTime", ""))
    if not 0 < len(sender) <= _LONGEST_ID or not kind:
        raise Unreadable("it names no sender or no type")
    if kind == "event":
        # As the platform tells to tell repeats: events have no id of their own.
        id_ = f"event/{sender}/{said['CreateTime']}"
        opens = said.get("Event", "").lower() in _OPENS
        return Turn(id_, sender, at, plain, opens=opens)
    id_ = said.get("MsgId", "")
    if not 0 < len(id_) <= _LONGEST_ID:
        raise Unreadable("it has no MsgId")
    match kind:
        case "text":
            return Turn(id_, sender, at, plain, words=said.get("Content", "").strip())
        case "location":
            place = said.get("Label", "").strip()
            return Turn(id_, sender, at, plain, place=place or None, brings="location")
        case "link":
            words = "\n".join(filter(None, (said.get(one, "") for one in ("Title", "Url"))))
            return Turn(id_, sender, at, plain, words=words.strip())
        case _:
            words = said.get("Recognition", "").strip() if kind == "voice" else ""
            return Turn(id_, sender, at, plain, words=words, brings=_MEDIA.get(kind, "file"))


def write_reply(turn: Turn, words: str, *, at: datetime) -> bytes:
    """An answer in the same conversation, in clear: to be sealed before it is sent."""
    account = read_markup(turn.original).get("ToUserName", "")
    return write_markup({
        "ToUserName": turn.sender, "FromUserName": account, "CreateTime": int(at.timestamp()),
        "MsgType": "text", "Content": words,
    })  # fmt: skip


def _time(value: str) -> datetime:
    if not value.isascii() or not value.isdigit() or len(value) > 10:  # noqa: PLR2004 - seconds until 2286
        raise Unreadable("it has no CreateTime")
    return datetime.fromtimestamp(int(value), UTC)
