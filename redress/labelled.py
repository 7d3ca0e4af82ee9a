"""A company's own labelled texts: a file of text and label, as CSV or as JSON Lines."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from redress.failure import Failure


class LabelledText(NamedTuple):
    """One line of the file."""

    text: str
    label: str


def read_labelled(path: Path, *, text: str, label: str) -> list[LabelledText]:
    """The file's texts and labels. Raises Failure, which names line and field."""
    if not path.is_file():
        raise Failure(f"{path}: there is no such file.")
    try:
        rows = list(_rows(path, (text, label)))
    except UnicodeDecodeError as error:
        raise Failure(f"{path}: it is not UTF-8 (byte {error.start}): save it as UTF-8.") from error
    found = [
        LabelledText(_filled(path, line, row, text), _filled(path, line, row, label))
        for line, row in rows
    ]
    counts = Counter(one.label for one in found)
    if len(counts) < 2:  # noqa: PLR2004 - there is nothing to tell apart
        known = f"only {next(iter(counts))!r}" if counts else "nothing"
        raise Failure(f"{path}: {label}: it holds {known}: give texts of two labels or more.")
    return found


def _rows(path: Path, fields: tuple[str, str]) -> Iterator[tuple[int, dict[str, object]]]:
    if path.suffix.lower() == ".csv":
        yield from _csv_rows(path, fields)
        return
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _json_row(path, number, line)


def _csv_rows(path: Path, fields: tuple[str, str]) -> Iterator[tuple[int, dict[str, object]]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        columns = reader.fieldnames or []
        for field in fields:
            if field not in columns:
                there = ", ".join(columns) or "none"
                raise Failure(
                    f"{path}:1: {field}: there is no such column (there are: {there}): "
                    "name it with --text or --label."
                )
        for row in reader:
            yield reader.line_num, {key: value for key, value in row.items() if key is not None}


def _json_row(path: Path, number: int, line: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise Failure(f"{path}:{number}: it is not JSON: {error}.") from error
    if not isinstance(row, dict):
        raise Failure(f"{path}:{number}: it is no JSON object with text and label.")
    return row


def _filled(path: Path, line: int, row: dict[str, object], field: str) -> str:
    value = row.get(field)
    if value is None:
        raise Failure(f"{path}:{line}: {field}: it is missing.")
    if not isinstance(value, str) or not value.strip():
        raise Failure(f"{path}:{line}: {field}: it is empty.")
    return value.strip()
