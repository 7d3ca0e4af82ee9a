"""The words as received, in one piece: what was posted as JSON as it is, all else behind a short head."""

from dataclasses import dataclass
from typing import Final

import orjson

JSON: Final = "application/json"
_MARK: Final = b"\x01"
"""No JSON begins with it."""


@dataclass(frozen=True, slots=True)
class Original:
    """What was received: its text and subject, and the payload byte for byte."""

    text: str
    subject: str | None
    media_type: str
    payload: bytes


def pack(original: Original) -> bytes:
    """Everything in one piece."""
    head = {"text": original.text, "subject": original.subject, "media_type": original.media_type}
    return _MARK + orjson.dumps(head) + b"\n" + original.payload


def unpack(packed: bytes) -> Original:
    """What was packed, or the body of a posted complaint or message."""
    if not packed.startswith(_MARK):
        posted = orjson.loads(packed)
        return Original(posted["text"], posted.get("subject"), JSON, packed)
    head, _, payload = packed[len(_MARK) :].partition(b"\n")
    said = orjson.loads(head)
    return Original(said["text"], said["subject"], said["media_type"], payload)
