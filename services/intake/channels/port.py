"""The port of all channels: what comes in, what it turns out to be, and the pure function between the two."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from shared.errors import FieldError, Invalid

LONGEST_TEXT: Final = 20_000
"""Characters of a complaint's text; what is longer is cut, and kept whole as a file."""
LONGEST_SUBJECT: Final = 200
Reason = Literal[
    "automatic", "auto_reply", "loop", "mailing_list", "receipt", "empty", "too_deep", "too_many_parts",
    "too_many", "unreadable", "wrong_fields", "other_body",
]  # fmt: skip
REASONS: Final[Mapping[Reason, tuple[str, str]]] = {
    "automatic": ("自动发送的邮件，不是投诉人所写", "It was sent by a machine, not written by a person."),
    "auto_reply": ("自动回复", "It is an automatic reply."),
    "loop": ("本系统自己的邮件绕回", "It is a mail of our own that came back."),
    "mailing_list": ("邮件列表或群发邮件", "It was sent to many by a list."),
    "receipt": ("阅读回执", "It is a receipt that a mail was displayed."),
    "empty": ("邮件没有内容", "There is nothing in it."),
    "too_deep": ("邮件结构嵌套过深", "Its parts nest too deeply."),
    "too_many_parts": ("邮件包含过多部分", "It has too many parts."),
    "too_many": ("该发件人一小时内来信过多", "Its sender has written too often within an hour."),
    "unreadable": ("邮件无法解析", "It cannot be read as a mail."),
    "wrong_fields": ("邮件内容不符合要求", "What was read from it cannot be taken."),
    "other_body": ("同一 Message-ID 的另一封不同邮件", "Another mail with the same Message-ID came before."),
}  # fmt: skip
"""Why a payload was put aside, in Chinese and English."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What came, byte for byte; `media_type` is its whole Content-Type."""

    content: bytes
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Own:
    """What a reader must know of us to tell our own mails from others."""

    key: bytes = b""
    """Proves the threads of our mails (`shared/threads.py`)."""
    addresses: frozenset[str] = frozenset()
    """Our mail addresses, in lower case: what comes from one of them is a loop."""
    authserv: str | None = None
    """Whose Authentication-Results (RFC 8601) are believed; None: nobody's."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with a payload; nothing it says of itself is believed yet."""

    content: bytes
    media_type: str = ""
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A complaint: `body` is that of POST /intake/v1/complaints and is checked like it."""

    body: Mapping[str, Any]
    files: tuple[File, ...] = ()
    original: bytes | None = None
    """What is kept as the words received; None: the payload as it came."""
    sender: str | None = None
    """The mail address it was sent from, where such are counted."""
    is_proven: bool = False
    """Whether somebody who can tell proved that it was sent from there."""
    part: str | None = None
    """Which part of a whole it is, where one external_id brings several: two that read alike are not the same."""


@dataclass(frozen=True, slots=True)
class Reply:
    """More about a known complaint, if its sender takes part in it; a complaint of its own if not."""

    number: str
    sender: str
    otherwise: Submission


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report that a mail of ours did not arrive, or was called abuse. Never a complaint."""

    kind: Literal["undelivered", "delayed", "abuse"]
    external_id: str
    status: str | None = None
    """The enhanced status code (RFC 3463), such as 5.1.1."""
    number: str | None = None
    message: str | None = None
    """The complaint and the message of ours, where the report proves them."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Not a complaint, or not readable: kept as it came, with the reason."""

    reason: Reason
    external_id: str
    sender: str | None = None
    """The mail address it was sent from, where that could be read."""


Outcome = Submission | Reply | Bounce | Quarantine
Reader = Callable[[Payload, Own], Outcome]
"""Turns a payload into what it is. Raises Rejected where whoever sent it can do better."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A way in: its names, the pack's calendar in which people are there, what comes by it, and how that is read."""

    code: str
    zh: str
    en: str
    calendar: str
    accepts: tuple[str, ...]
    read: Reader | None = None
    """None: adapters translate, and post JSON."""
    largest: int = 1024 * 1024
    """Bytes of one payload."""
    takes: tuple[str, ...] = ("application/json",)
    """Media types of its payloads."""
    quarantines: bool = False
    """Whether a payload that cannot be taken is kept: its sender cannot correct it."""
    example: Mapping[str, Any] = field(default_factory=dict)
    """A JSON payload as it may come, for the API's description."""


def wrong(where: str, code: str, message: str, zh: str) -> Invalid:
    """One wrong field of a payload."""
    return Invalid(
        "Some fields are wrong: see errors.", zh="部分字段不正确，见 errors。",
        errors=[FieldError(where, code, message, zh)],
    )  # fmt: skip


def cut(text: str, *, name: str) -> tuple[str, bool, tuple[File, ...]]:
    """A text short enough, whether it was cut, and if so the whole as a file."""
    if len(text) <= LONGEST_TEXT:
        return text, False, ()
    whole = File(text.encode("utf-8", "replace"), "text/plain", name)
    return text[:LONGEST_TEXT], True, (whole,)
