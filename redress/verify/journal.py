"""Journals of clients, as JSON lines: one object a line with `at`, `op` and the fields of `Entry`."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from redress.failure import WrongUsage
from redress.verify.model import Entry

FIELDS = ("key", "number", "message", "subject", "what")


def read_journal(path: Path) -> list[Entry]:
    """The entries in order. Raises WrongUsage naming the line that is none; a last line cut short is left out."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise WrongUsage(f"the journal {path} cannot be read: {error.strerror}.") from error
    return list(_entries(path, text))


def _entries(path: Path, text: str) -> Iterator[Entry]:
    lines = text.split("\n")
    # Whoever wrote it may have been killed in the middle of its last line.
    for at, line in enumerate(lines[:-1], 1):
        try:
            document = json.loads(line)
            yield Entry(
                datetime.fromisoformat(document["at"]),
                str(document["op"]),
                *(document.get(name) for name in FIELDS),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise WrongUsage(
                f"{path}, line {at} is no entry of a journal ({type(error).__name__}): "
                "each line is a JSON object with `at` and `op`."
            ) from error
