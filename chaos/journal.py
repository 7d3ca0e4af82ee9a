"""The journal of a run: what clients did and were told, what mail left, what was broken; on disk line by line."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Journal:
    """Lines as `redress verify --journal` reads them. Usable from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab")
        self._lock = threading.Lock()

    def write(self, op: str, **fields: str) -> None:
        """Add a line; it is on disk when this returns."""
        line = {"at": datetime.now(UTC).isoformat(), "op": op, **fields}
        with self._lock:
            self._file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
            os.fdatasync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
