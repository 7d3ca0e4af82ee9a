"""The stylesheet and the script, under names with their hash: a browser keeps them for ever."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from starlette.responses import Response

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is served."""

    path: str
    content: bytes
    media_type: str


@cache
def files() -> Mapping[str, File]:
    """All files by their plain name."""
    found = {}
    for each in sorted(_FOLDER.iterdir()):
        content = each.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:16]
        path = f"/desk/files/{each.stem}-{digest}{each.suffix}"
        found[each.name] = File(path, content, _TYPES[each.suffix])
    return found


def serve(name: str) -> Response | None:
    """A file by its name with its hash; None where there is none of that content."""
    for one in files().values():
        if one.path.rpartition("/")[2] == name:
            return Response(
                one.content, media_type=one.media_type, headers={"Cache-Control": FOR_EVER}
            )
    return None
