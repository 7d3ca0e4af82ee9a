"""Bytes of a mail as text, whatever they say of themselves."""

import codecs
import re
from typing import Final

from charset_normalizer import from_bytes

# Supersets of what mail programs declare: with the narrower one, rare characters of names would be lost.
_WIDER: Final = {
    "gb2312": "gb18030", "gbk": "gb18030", "hz": "hz", "big5": "big5hkscs", "cp950": "big5hkscs",
    "euc_kr": "cp949", "ks_c_5601-1987": "cp949", "shift_jis": "cp932", "iso8859-1": "cp1252",
    "x-gbk": "gb18030", "gb_2312-80": "gb18030", "euc-cn": "gb18030", "cp936": "gb18030",
}  # fmt: skip
_READABLE: Final = re.compile(
    r"utf-(?:7|8|8-sig|16|16-le|16-be|32|32-le|32-be)|gb\w+|hz|big5\w*|cp\d+|iso8859-\d+|iso2022_\w+|koi8-\w"
    r"|euc_\w+|shift_jis\w*|johab|tis-620|mac-\w+"
)
"""Not every codec of Python is a charset: some are slow, some unpack."""
_LIKELY: Final = (
    "gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "cp1252", "cp1251", "koi8_r", "cp1250", "iso8859_2",
)  # fmt: skip
"""What undeclared mails are written in. Among all charsets, a statistic of few words picks odd ones, and takes long."""
_SAMPLE: Final = 16_384
_SHORT: Final = 64
"""Below so many bytes beyond ASCII, a statistic has too little to go by."""


def decode(raw: bytes, declared: str | None) -> str:
    """The text of bytes: by what is declared where that fits, else by what they look like. Never fails."""
    if raw.isascii() and not _is_shifting(declared):
        return raw.decode("ascii")
    codec = _codec(declared)
    if codec is not None:
        try:
            return raw.decode(codec)
        except UnicodeError:
            pass
    return _detected(raw) or raw.decode(codec or "utf-8", "replace")


def _is_shifting(declared: str | None) -> bool:
    """Whether a charset writes other alphabets in ASCII bytes."""
    return bool(declared) and str(declared).lower().startswith(
        ("iso-2022", "hz", "utf-7", "utf-16", "utf-32")
    )


def _codec(declared: str | None) -> str | None:
    name = (declared or "").strip(" \t\"'").lower()
    if not name or "\0" in name or not name.isascii():
        return None
    name = _WIDER.get(name, name)
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return None
    found = _WIDER.get(found, found)
    return found if _READABLE.fullmatch(found) else None


def _detected(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    chinese = _as_chinese(raw)
    if chinese is not None and sum(byte > 0x7F for byte in raw) < _SHORT:  # noqa: PLR2004 - ASCII ends there
        return chinese
    found = from_bytes(raw[:_SAMPLE], cp_isolation=list(_LIKELY), enable_fallback=False)
    best = found.best()
    if best is not None:
        try:
            return raw.decode(_WIDER.get(best.encoding, best.encoding))
        except UnicodeError:
            pass
    return chinese


def _as_chinese(raw: bytes) -> str | None:
    """The text if it reads as everyday Chinese in GB 18030."""
    try:
        text = raw.decode("gb18030")
        "".join(sign for sign in text if not sign.isascii()).encode("gb2312")
    except UnicodeError:
        return None
    return text
