"""Everything a company owns, as files that anybody can read; each page of a list is a file of its own.

complaints/000001.jsonl   a complaint a line: as all see it, as it was received, and who complained
cases/000001.jsonl        a case a line
events/000001.jsonl       what was said, an event a line
files/{id}                attachments in clear, byte for byte
manifest.jsonl            a line for each file: name, items, SHA-256, and the cursor to go on from

A line of the manifest is written after its file is on the disk: what was broken off goes on from the last one.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from redress.client import Client
from redress.failure import Failure, Problem

MANIFEST: Final = "manifest.jsonl"
LISTS: Final[Mapping[str, str]] = {
    "complaints": "/intake/v1/complaints",
    "cases": "/followup/v1/cases",
    "events": "/notify/v1/events",
}
VAULT: Final = "/intake/v1/vault"
NOT_GIVEN: Final = frozenset({404, 409, 410})
"""Answers for what cannot be had: it was erased, or waits for a scanner."""

Tell = Callable[[str], None]
Line = dict[str, Any]


class Export:
    """One folder that is filled, at once or in several goes."""

    def __init__(self, client: Client, folder: Path, *, tell: Tell) -> None:
        self._client = client
        self._folder = folder
        self._tell = tell
        self._lines: list[Line] = []

    def run(self) -> dict[str, int]:
        """Write what is not there yet; says how many items there are of each kind. Raises Failure."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lines = self._read_manifest()
        for kind, path in LISTS.items():
            self._list(kind, path)
        counts: dict[str, int] = {}
        for line in self._lines:
            counts[line["kind"]] = counts.get(line["kind"], 0) + line["items"]
        return counts

    def _list(self, kind: str, path: str) -> None:
        mine = [line for line in self._lines if line["kind"] == kind]
        if mine and mine[-1]["next"] is None:
            return
        after, at = (mine[-1]["next"] if mine else None), len(mine)
        while True:
            page = self._client.get(path, limit=200, after=after)
            items, following = page["items"], page.get("next")
            if kind == "events" and not items:
                following = None  # a feed always has a next: where it is empty now, it ends
            if kind == "complaints":
                items = [self._whole(one) for one in items]
            at += 1
            raw = b"".join(orjson.dumps(one) + b"\n" for one in items)
            self._put(kind, f"{kind}/{at:06}.jsonl", raw, items=len(items), following=following)
            self._tell(f"{kind}: {at} files")
            if following is None:
                return
            after = following

    def _whole(self, complaint: Line) -> Line:
        """A complaint with its words and its person, and its files beside it."""
        for one in complaint["attachments"]:
            self._file(one["id"])
        words = self._given(f"{VAULT}/complaints/{complaint['number']}")
        person = self._given(f"{VAULT}/complainants/{complaint['complainant_id']}")
        return {"complaint": complaint, "received": words, "complainant": person}

    def _file(self, id_: str) -> None:
        name = f"files/{id_}"
        if any(line["file"] == name for line in self._lines if line["kind"] == "files"):
            return
        try:
            raw = self._client.raw(f"{VAULT}/attachments/{id_}")
        except Problem as problem:
            if problem.status not in NOT_GIVEN:
                raise
            return
        self._put("files", name, raw, items=1, following="")

    def _given(self, path: str) -> Line | None:
        try:
            return self._client.get(path)
        except Problem as problem:
            if problem.status not in NOT_GIVEN:
                raise
            return None

    def _put(self, kind: str, name: str, raw: bytes, *, items: int, following: str | None) -> None:
        path = self._folder / name
        path.parent.mkdir(exist_ok=True, mode=0o700)
        _write(path, raw)
        line = {
            "kind": kind, "file": name, "items": items, "bytes": len(raw),
            "sha256": hashlib.sha256(raw).hexdigest(), "next": following,
        }  # fmt: skip
        with (self._folder / MANIFEST).open("ab") as manifest:
            manifest.write(orjson.dumps(line) + b"\n")
            manifest.flush()
            os.fsync(manifest.fileno())
        self._lines.append(line)

    def _read_manifest(self) -> list[Line]:
        """The lines that were written whole; half a line at the end goes."""
        path = self._folder / MANIFEST
        if not path.exists():
            if any(self._folder.iterdir()):
                raise Failure(f"{self._folder} holds something else: name an empty folder.")
            _write(path, b"")
            return []
        raw = path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if whole != raw:
            _write(path, whole)
        return [orjson.loads(line) for line in whole.splitlines()]


def faults_of(folder: Path) -> Iterator[str]:
    """What is missing or changed in an exported folder."""
    try:
        lines = (folder / MANIFEST).read_bytes().splitlines()
    except OSError as error:
        raise Failure(f"{folder} is no export: {error.strerror}.") from error
    ended = set()
    for line in map(orjson.loads, lines):
        path = folder / line["file"]
        if not path.is_file():
            yield f"{line['file']} is missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != line["sha256"]:
            yield f"{line['file']} was changed"
        if line["next"] is None:
            ended.add(line["kind"])
    for kind in LISTS.keys() - ended:
        yield f"{kind} are not all there: run the export again"


def _write(path: Path, raw: bytes) -> None:
    """Write a file whole or not at all, and wait for the disk; only its owner may read it."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
