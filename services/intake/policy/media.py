"""Which files are taken: by what they say they are and what their first bytes show; the two must agree."""

import io
import zipfile
from typing import Final

from shared.errors import FieldError, Invalid

LARGEST: Final = 10 * 1024 * 1024
_OFFICE: Final = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "word/document.xml",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xl/workbook.xml",
}
_STARTS: Final[dict[str, tuple[bytes, ...]]] = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "application/pdf": (b"%PDF-",),
    "audio/mpeg": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa"),
}
_RIFF: Final = {"image/webp": b"WEBP", "audio/wav": b"WAVE"}
_SAME: Final = {"image/jpg": "image/jpeg", "audio/x-wav": "audio/wav", "audio/wave": "audio/wav",
                "audio/mp3": "audio/mpeg", "audio/x-m4a": "audio/mp4", "audio/m4a": "audio/mp4"}  # fmt: skip
ALLOWED: Final = (*_STARTS, *_RIFF, "text/plain", "audio/mp4", "video/mp4", *_OFFICE)
_MOST_PARTS: Final = 1_000


def media_type_of(declared: str, content: bytes) -> str:
    """The type of a file that may be kept. Raises Invalid when it is not on the list or is not what it says it is."""
    said = declared.partition(";")[0].strip().lower()
    type_ = _SAME.get(said, said)
    if type_ not in ALLOWED:
        raise _wrong("type", f"is not taken: send one of {', '.join(ALLOWED)}", "不支持的文件类型")
    if not content:
        raise _wrong("empty", "is empty: send the file's bytes as the body", "文件为空")
    if not _is(type_, content):
        raise _wrong(
            "content",
            f"is not what the file holds: these bytes are no {type_}",
            "文件内容与类型不符",
        )
    return type_


def _is(type_: str, content: bytes) -> bool:
    if type_ in _STARTS:
        return content.startswith(_STARTS[type_])
    if type_ in _RIFF:
        return content[:4] == b"RIFF" and content[8:12] == _RIFF[type_]
    if type_ in ("audio/mp4", "video/mp4"):
        return content[4:8] == b"ftyp"
    if type_ == "text/plain":
        return _is_text(content)
    return _is_office(content, _OFFICE[type_])


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _is_office(content: bytes, main: str) -> bool:
    """A document without macros. Only the list of its parts is read, none is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            names = parts.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    return (
        len(names) <= _MOST_PARTS
        and main in names
        and not any(name.endswith("vbaProject.bin") for name in names)
    )


def _wrong(code: str, message: str, zh: str) -> Invalid:
    return Invalid(
        "The file cannot be taken: see errors.",
        zh="无法接收该文件,见 errors。",
        errors=[FieldError("Content-Type", code, message, zh)],
    )
