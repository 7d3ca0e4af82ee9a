"""What a file is whose sender may call it anything: by its first bytes, and by its name only where those agree."""

import mimetypes
from typing import Final

from services.intake.policy.media import ALLOWED, LARGEST, media_type_of
from shared.errors import Invalid

_LAST: Final = "text/plain"
"""Nearly everything that is no other type is text: tried only when something says so."""


def sniff(content: bytes, *, declared: str, name: str | None) -> str:
    """The type of a file that may be kept. Raises Invalid when it is of none, empty or too large."""
    if len(content) > LARGEST:
        raise Invalid(f"A file is over {LARGEST} bytes.", zh=f"文件超过 {LARGEST} 字节。")
    by_name = mimetypes.guess_type(name or "")[0]
    said = [one for one in (declared, by_name) if one]
    found = [one for one in ALLOWED if one != _LAST]
    for candidate in (*said, *found):
        try:
            return media_type_of(candidate, content)
        except Invalid:
            continue
    return media_type_of(declared or by_name or "application/octet-stream", content)
