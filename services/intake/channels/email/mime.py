"""The parts of a mail, however broken: its text, its HTML, its files, the mails within."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from typing import Final

from services.intake.channels.email.charset import decode
from services.intake.channels.email.headers import clean, words
from services.intake.channels.email.html import to_text
from services.intake.channels.port import File

MOST_BOUNDARIES: Final = 100
MOST_PARTS: Final = 500
_BOUNDARY: Final = re.compile(rb"boundary\s*=", re.IGNORECASE)


class TooDeep(Exception):
    """Its parts nest deeper than any mail program makes them."""


class TooManyParts(Exception):
    """It has more parts than any person sends."""


@dataclass(slots=True)
class Content:
    """What is in a mail."""

    texts: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    inner: list[Message] = field(default_factory=list)
    """Mails that were forwarded as a whole."""
    parts: list[Message] = field(default_factory=list)
    """Every part that is no container."""

    @property
    def text(self) -> str:
        return "\n\n".join(one for one in self.texts if one.strip()).strip()


def parse(content: bytes) -> Message:
    """A mail's structure. Raises TooDeep."""
    # Each boundary is looked for in every line below it: many of them would take minutes.
    if sum(1 for _ in _BOUNDARY.finditer(content)) > MOST_BOUNDARIES:
        raise TooDeep
    try:
        return BytesParser(policy=compat32).parsebytes(content)
    except RecursionError as error:
        raise TooDeep from error


def content_of(mail: Message) -> Content:
    """What is in a mail. Raises TooDeep or TooManyParts."""
    found = Content()
    try:
        found.texts = _gather(mail, found)
    except RecursionError as error:
        raise TooDeep from error
    return found


def payload_of(part: Message) -> bytes:
    """A part's bytes, decoded as well as they can be."""
    try:
        payload = part.get_payload(decode=True)
    except (MessageError, ValueError, LookupError, AssertionError):
        payload = None
    if isinstance(payload, bytes):
        return payload
    raw = part.get_payload()
    return raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else b""


def _gather(part: Message, found: Content) -> list[str]:
    """The texts of a part and those within it; files and inner mails go to `found`."""
    kind = part.get_content_type()
    if kind == "message/rfc822" or (kind.startswith("message/") and part.is_multipart()):
        found.parts.append(part)
        found.inner += [one for one in _children(part) if kind == "message/rfc822"]
        return []
    if part.is_multipart():
        texts = [_gather(one, found) for one in _children(part)]
        if kind == "multipart/alternative":
            return next((one for one in texts if any(map(str.strip, one))), [])
        return [text for one in texts for text in one]
    found.parts.append(part)
    if len(found.parts) > MOST_PARTS:
        raise TooManyParts
    return _leaf(part, kind, found)


def _children(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (one for one in payload if isinstance(one, Message))


def _leaf(part: Message, kind: str, found: Content) -> list[str]:
    name = _file_name(part)
    is_text = kind in ("text/plain", "text/html")
    if is_text and name is None and _disposition(part) != "attachment":
        text = clean(decode(payload_of(part), _charset(part)))
        return [to_text(text) if kind == "text/html" else text]
    if not kind.startswith(("message/", "multipart/")):
        found.files.append(File(payload_of(part), kind, name))
    return []


def _disposition(part: Message) -> str:
    return str(part.get("content-disposition", "")).partition(";")[0].strip().lower()


def _file_name(part: Message) -> str | None:
    try:
        said = part.get_filename()
    except (MessageError, ValueError, LookupError, TypeError):
        return None
    if not said:
        return None
    raw = said.encode("utf-8", "surrogateescape")
    return words(decode(raw, None)).replace("\\", "/").rpartition("/")[2] or None


def _charset(part: Message) -> str | None:
    try:
        said = part.get_param("charset")
    except (MessageError, ValueError, LookupError, TypeError):
        return None
    return said[2] if isinstance(said, tuple) else said
