"""web, app, miniapp: a complaint as JSON, or as multipart/form-data with its files.

In a form, the part `complaint` is the JSON; every part with a file name is a file. Other channels whose payload is
JSON with files read it the same way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.intake.channels.port import File, Own, Payload, Submission, wrong
from shared.web.json import Malformed, parse

FORM: Final = "multipart/form-data"
JSON_PART: Final = "complaint"
MOST_FILES: Final = 10
_MOST_PARTS: Final = 40
EXAMPLE: Final[Mapping[str, Any]] = {
    "text": "买的净水器显示签收，可我一直没收到，要求退款。",
    "external_id": "form-20260303-0117",
    "complainant": {"name": "邓佳", "contacts": [{"type": "phone", "value": "+8613800138000"}]},
    "references": {"order": "E20261109331"},
}


def read(payload: Payload, _: Own) -> Submission:
    """The complaint in a payload. Raises Malformed or Invalid."""
    form = read_form(payload)
    return Submission(form.body, form.files, form.original)


@dataclass(frozen=True, slots=True)
class Form:
    """A payload taken apart: the JSON object with its bytes, and the files."""

    body: dict[str, Any]
    files: tuple[File, ...]
    original: bytes


def read_form(payload: Payload) -> Form:
    """The JSON object and the files of a payload. Raises Malformed or Invalid."""
    kind, options = parse_options_header(payload.media_type)
    if kind.decode("latin-1").lower() != FORM:
        return Form(_object(payload.content), (), payload.content)
    found = _parts(payload.content, options.get(b"boundary", b""))
    documents = [one.content for one in found if one.field == JSON_PART and one.name is None]
    files = tuple(
        File(bytes(one.content), one.media_type, one.name) for one in found if one.name is not None
    )
    if len(documents) != 1:
        raise wrong(
            JSON_PART,
            "missing",
            "must be one part with the complaint as JSON",
            "缺少 JSON 部分 complaint",
        )
    if len(files) > MOST_FILES:
        raise wrong("files", "too_long", f"at most {MOST_FILES} files", f"最多 {MOST_FILES} 个文件")
    original = bytes(documents[0])
    return Form(_object(original), files, original)


def _object(content: bytes) -> dict[str, Any]:
    document = parse(content)
    if not isinstance(document, dict):
        raise wrong("body", "model_type", "must be a JSON object", "应为 JSON 对象")
    return document


@dataclass(slots=True)
class _Part:
    content: bytearray = field(default_factory=bytearray)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def field(self) -> str | None:
        return self._said("name")

    @property
    def name(self) -> str | None:
        return self._said("filename")

    def _said(self, option: str) -> str | None:
        _, options = parse_options_header(self.headers.get("content-disposition", ""))
        value = options.get(option.encode())
        return None if value is None else value.decode("utf-8", "replace")


class _Collector:
    """Gathers the parts of a form in memory: nothing of it may touch the disk in clear."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.is_whole = False
        self._name, self._value = bytearray(), bytearray()

    def begin(self) -> None:
        if len(self.parts) >= _MOST_PARTS:
            raise wrong(
                "body", "too_long", f"at most {_MOST_PARTS} parts", f"最多 {_MOST_PARTS} 个部分"
            )
        self.parts.append(_Part())

    def data(self, chunk: bytes, start: int, end: int) -> None:
        self.parts[-1].content += chunk[start:end]

    def header_field(self, chunk: bytes, start: int, end: int) -> None:
        self._name += chunk[start:end]

    def header_value(self, chunk: bytes, start: int, end: int) -> None:
        self._value += chunk[start:end]

    def header_end(self) -> None:
        name = self._name.decode("latin-1").lower()
        self.parts[-1].headers[name] = self._value.decode("latin-1")
        self._name.clear()
        self._value.clear()

    def end(self) -> None:
        self.is_whole = True


def _parts(content: bytes, boundary: bytes) -> list[_Part]:
    found = _Collector()
    try:
        parser = MultipartParser(boundary, {
            "on_part_begin": found.begin, "on_part_data": found.data, "on_header_field": found.header_field,
            "on_header_value": found.header_value, "on_header_end": found.header_end, "on_end": found.end,
        })  # fmt: skip
        parser.write(content)
        parser.finalize()
    except FormParserError as error:
        raise _broken() from error
    if not found.is_whole:
        raise _broken()
    return found.parts


def _broken() -> Malformed:
    return Malformed(
        "The form is broken: check its boundary and that it was sent whole.",
        zh="表单数据不完整或分隔符错误。",
    )
