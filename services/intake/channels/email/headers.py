"""Headers of a mail, however they were written: raw bytes, encoded words (RFC 2047) broken in the middle, twice."""

import binascii
import hashlib
import quopri
import re
from collections.abc import Sequence
from email.message import Message
from email.utils import parseaddr
from typing import Final

from services.intake.channels.email.charset import decode

_WORD: Final = re.compile(r"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]{0,2000})\?=")
_BETWEEN: Final = re.compile(r"(?<=\?=)\s+(?==\?)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ADDRESS: Final = re.compile(r"[^\s@\"<>()\[\],;:\\]{1,64}@(?:[\w-]{1,63}\.){1,20}[\w-]{2,63}")
_MESSAGE_ID: Final = re.compile(r"<?([^<>\s]{1,400})>?")
_LONGEST: Final = 8_000
_LONGEST_ID: Final = 200


class Headers:
    """The headers of a mail, as text."""

    def __init__(self, mail: Message) -> None:
        self._all = [(name.lower(), str(value)) for name, value in mail.raw_items()]

    def get(self, name: str) -> str:
        """The first one of that name, unfolded, with nothing decoded but bytes; empty where there is none."""
        return next((_plain(value) for one, value in self._all if one == name), "")

    def every(self, *names: str) -> str:
        """All of these, one after the other."""
        return " ".join(_plain(value) for one, value in self._all if one in names)

    def values(self, name: str) -> list[str]:
        """Each one of that name."""
        return [_plain(value) for one, value in self._all if one == name]

    def text(self, name: str) -> str:
        """The first one of that name as a person reads it."""
        return words(self.get(name))


def words(value: str) -> str:
    """A header with its encoded words decoded, on one line."""
    parts: list[str] = []
    at = 0
    pending: list[bytes] = []
    charset = ""
    value = _BETWEEN.sub("", value)
    for match in _WORD.finditer(value):
        between, said = value[at : match.start()], match[1].lower()
        if pending and (between or said != charset):
            parts.append(decode(b"".join(pending), charset))
            pending = []
        parts.append(between)
        # One character may be divided between two words: they are decoded together.
        pending.append(_bytes(match[2], match[3]))
        charset, at = said, match.end()
    if pending:
        parts.append(decode(b"".join(pending), charset))
    return clean(_CONTROL.sub(" ", "".join((*parts, value[at:])))).strip()


def clean(text: str) -> str:
    """Text that every database and every reader can hold."""
    return _SURROGATE.sub("\ufffd", text.replace("\0", ""))


def address_in(value: str) -> tuple[str | None, str | None]:
    """Name and mail address of the first person in a header; None for what is missing."""
    try:
        name, address = parseaddr(value)
    except RecursionError:  # comments in comments without end
        name, address = "", ""
    if not _ADDRESS.fullmatch(address):
        found = _ADDRESS.search(value)
        address = found[0] if found else ""
    local, _, domain = address.rpartition("@")
    title = words(name)[:200].strip()
    return title or None, f"{local}@{domain.lower()}" if local else None


def own_id(headers: Headers, content: bytes) -> str:
    """What makes a mail the same one when it comes again: its Message-ID, or what it says where it has none."""
    match = _MESSAGE_ID.search(headers.get("message-id"))
    if match and len(match[1]) <= _LONGEST_ID and match[1].isprintable():
        return match[1]
    body = re.split(rb"\r?\n\r?\n", content, maxsplit=1)[-1]
    said: Sequence[str] = [headers.get(one) for one in ("message-id", "from", "date", "subject")]
    digest = hashlib.sha256("\0".join(said).encode("utf-8", "surrogatepass") + b"\0" + body)
    return f"sha256:{digest.hexdigest()}"


def _plain(value: str) -> str:
    raw = value[:_LONGEST].encode("utf-8", "surrogateescape")
    return _CONTROL.sub(" ", clean(decode(raw, None))).strip()


def _bytes(encoding: str, value: str) -> bytes:
    if encoding in "qQ":
        return quopri.decodestring(value.replace("_", " ").encode("utf-8"), header=False)
    raw = re.sub(rb"[^A-Za-z0-9+/]", b"", value.encode("utf-8"))
    try:
        return binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return binascii.a2b_base64(raw[: len(raw) // 4 * 4])
