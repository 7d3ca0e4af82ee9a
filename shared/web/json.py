"""JSON in and out: strict about what comes in, Chinese readable in what goes out."""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final, NoReturn

import orjson

from shared.errors import Rejected

MAX_DEPTH: Final = 64
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")


class Malformed(Rejected):
    """The body is not JSON that two readers would read alike."""

    slug = "malformed"


def dump(value: object) -> bytes:
    """JSON bytes in UTF-8; datetimes as RFC 3339, decimals as text."""
    return orjson.dumps(value, default=_decimal, option=orjson.OPT_UTC_Z)


def _decimal(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError


def at_place(document: object, place: str) -> Any:  # noqa: ANN401 - any JSON
    """What stands in a JSON document at a dotted place (`data.0.sid`); None where there is nothing."""
    found: Any = document
    for part in filter(None, place.split(".")):
        if isinstance(found, Mapping):
            found = found.get(part)
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


def parse(raw: bytes) -> object:
    """Strict JSON: UTF-8, no duplicate keys, no NaN or Infinity, at most 64 deep. Raises Malformed."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(
            f"The body is not UTF-8 (byte {error.start}): encode it as UTF-8.",
            zh=f"请求正文不是 UTF-8 编码(第 {error.start} 字节),请改用 UTF-8。",
        ) from error
    _check_depth(text)
    try:
        value: object = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError as error:
        raise _too_deep() from error
    except json.JSONDecodeError as error:
        raise Malformed(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            zh=f"请求正文不是合法的 JSON:第 {error.lineno} 行第 {error.colno} 列。",
        ) from error
    return value


def _unique(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        shown = twice.encode("utf-8", "replace").decode()[:50]
        raise Malformed(
            f"The key {shown!r} stands twice in one object: send it once.",
            zh=f"键 {shown!r} 重复出现。",
        )
    return found


def _no_constant(name: str) -> NoReturn:
    raise Malformed(
        f"{name} is not JSON: send a number or null.", zh=f"{name} 不是合法的 JSON 数值。"
    )


def _too_deep() -> Malformed:
    return Malformed(
        f"The body nests deeper than {MAX_DEPTH}: send it flatter.", zh=f"嵌套超过 {MAX_DEPTH} 层。"
    )


def _check_depth(text: str) -> None:
    # Counting brackets is cheap and only ever too high; only then is it worth looking closely.
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    steps = (1 if bracket in "[{" else -1 for bracket in _BRACKET.findall(_STRING.sub("", text)))
    if max(accumulate(steps), default=0) > MAX_DEPTH:
        raise _too_deep()
