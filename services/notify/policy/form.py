"""A message as a channel can carry it: a mail, one text, or a short one."""

import re
from typing import Final

from services.notify.model import Traits

ELLIPSIS: Final = "…"
_LINK: Final = re.compile(r"https?://\S+")
_BREAKS: Final = re.compile(r"\s*\n\s*")


def shaped(subject: str, body: str, traits: Traits) -> tuple[str, str]:
    """Subject and body within the channel's length. Cut at a sentence's end; a link stays whole."""
    match traits.form:
        case "mail":
            return subject, body
        case "text":
            return subject, cut(f"{subject}\n{body.strip()}", traits.limit)
        case "short":
            return subject, cut(_BREAKS.sub(" ", body.strip()), traits.limit)


def cut(text: str, limit: int) -> str:
    """Text of at most `limit` characters. The last link is kept: it leads to what was cut."""
    if len(text) <= limit:
        return text
    links = _LINK.findall(text)
    tail = f" {links[-1]}" if links and len(links[-1]) + 20 < limit else ""
    head = _LINK.sub("", text)[: limit - len(tail) - 1] if tail else text[: limit - 1]
    ends = [head.rfind(mark) for mark in "。！？.!?；;\n"]
    end = max(ends) + 1
    kept = head[:end] if end > len(head) // 2 else head
    return f"{kept.rstrip()}{ELLIPSIS}{tail}"
