"""The rows of files that are brought in, one by one, whatever form they have."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from services.intake.policy import columns as columns_policy
from services.intake.policy.table_file import check_customers
from shared.errors import FieldError, Invalid, Rejected
from shared.sheets import encoding_of, stream_rows
from shared.web.json import parse

LINE_CAP: Final = 1024 * 1024
TOGETHER: Final = 200
"""Rows that are taken together: after a kill, at most these are taken again."""
Row = tuple[int, Any]
"""The number of a row or line in its file, and its cells, or its object."""


def is_lines(raw: bytes) -> bool:
    return raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"


def columns_of(raw: bytes, kind: str, named: Mapping[str, str]) -> dict[str, str]:
    """The field of each column, by the column's place and name; none for JSON Lines. Raises Invalid."""
    if is_lines(raw):
        return {}
    header = next((cells for _, cells in stream_rows(raw)), None)
    if header is None:
        raise wrong("body", "is empty: the first row names the columns", "文件为空，首行应为列名")
    while header and not header[-1]:
        header.pop()
    if kind == "customers":
        fields = [named.get(one, one).strip().lower() for one in header]
        check_customers(fields)
    else:
        fields = list(columns_policy.mapped(header, named, is_history=kind == "history"))
    return {f"{at:03}": one for at, one in enumerate(fields)}


def check_head(raw: bytes, kind: str, named: Mapping[str, str]) -> None:
    """Raise Invalid or TooLarge where a file cannot be taken at all."""
    if is_lines(raw) and kind == "customers":
        raise wrong("body", "customers come as CSV or XLSX", "客户资料请用 CSV 或 XLSX")
    if is_lines(raw):
        encoding_of(raw)
        return
    columns_of(raw, kind, named)


def rows_of(raw: bytes, *, kind: str, width: int) -> Iterator[Row]:
    """The rows of a file below its header. A line of JSON that is none comes as text, and is refused by itself."""
    if is_lines(raw):
        yield from _lines(raw)
        return
    rows = stream_rows(raw)
    next(rows, None)
    for number, cells in rows:
        if kind == "customers":
            yield number, [*cells[:width], *[""] * (width - len(cells))]
        else:
            yield number, cells


def next_rows(rows: Iterator[Row]) -> tuple[list[Row], Rejected | None]:
    """The next rows together, and what is wrong with the file where it cannot be read further."""
    part: list[Row] = []
    try:
        for one in islice(rows, TOGETHER):
            part.append(one)  # noqa: PERF402 - what comes before the fault is kept
    except Rejected as error:
        return part, error
    return part, None


def _lines(raw: bytes) -> Iterator[Row]:
    start, number = 0, 0
    while start < len(raw):
        end = raw.find(b"\n", start)
        end = len(raw) if end < 0 else end
        number += 1
        line = raw[start:end].strip(b"\xef\xbb\xbf \t\r")
        if line:
            yield number, _object(line)
        start = end + 1


def _object(line: bytes) -> dict[str, Any]:
    """A line's object; one that is none as an object whose text is missing, so that its row is refused."""
    try:
        found = parse(line) if len(line) <= LINE_CAP else None
    except Rejected:
        found = None
    return found if isinstance(found, dict) else {"text": None}


def wrong(field: str, message: str, zh: str) -> Invalid:
    """One thing that is wrong with a file or its parameters."""
    return columns_policy.refused([FieldError(field, "table", message, zh)])
