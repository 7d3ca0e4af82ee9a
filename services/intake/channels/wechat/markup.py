"""The platforms' XML: one flat element, read without DTD and with nothing that could grow."""

from collections.abc import Mapping
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape

LARGEST: Final = 64 * 1024
"""Bytes of a callback; a text has at most 2,048 of them."""
_DEEPEST: Final = 8
_MOST: Final = 200


class Unreadable(Exception):
    """It is no XML of the platform's."""


def read_markup(raw: bytes) -> dict[str, str]:
    """The texts of a document's own elements by name, the first of each. Raises Unreadable."""
    if len(raw) > LARGEST:
        raise Unreadable("it is too large")
    reading = _Reading()
    parser = expat.ParserCreate(encoding="UTF-8")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    try:
        parser.Parse(raw, True)
    except (expat.ExpatError, ValueError) as error:
        raise Unreadable("it is no XML") from error
    return {name: "".join(parts) for name, parts in reading.found.items()}


def write_markup(values: Mapping[str, str | int]) -> bytes:
    """One flat element; all that is text in it is escaped."""
    inner = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in values.items())
    return f"<xml>{inner}</xml>".encode()


def _refuse(*_: object) -> int:
    raise Unreadable("it declares a document type or an entity")


class _Reading:
    """Gathers what stands directly under the root."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self._path: list[str] = []
        self._elements = 0
        self._into: list[str] | None = None

    def start(self, name: str, _: object) -> None:
        self._path.append(name)
        self._elements += 1
        if len(self._path) > _DEEPEST or self._elements > _MOST:
            raise Unreadable("it has too many elements")
        is_new = len(self._path) == 2 and name not in self.found  # noqa: PLR2004 - under the root
        self._into = self.found.setdefault(name, []) if is_new else None

    def end(self, _: str) -> None:
        self._path.pop()
        self._into = None

    def text(self, data: str) -> None:
        if self._into is not None:
            self._into.append(data)
