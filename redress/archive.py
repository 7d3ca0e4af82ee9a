"""A backup's file: a zip of parts and a manifest, which is written last, so that half a file is seen to be none.

manifest.json                      versions, counts, a SHA-256 of each part
databases/{service}/{table}.jsonl  a row a line
topics/{topic}.jsonl               a record a line, in order: [key, value], or [key, null, value in Base64]
files/{path}                       as they lie in the data folder, with files.jsonl naming size and SHA-256 of each
"""

import base64
import hashlib
import os
import zipfile
from collections.abc import AsyncIterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Final, Self

import orjson

from shared.bus.port import Message
from shared.errors import RedressError

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
FILES: Final = "files.jsonl"
LEVEL: Final = 3
CHUNK: Final = 1 << 20


class BadArchive(RedressError):
    """The file is no backup, or not whole; the message says where."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the archive. `columns` name the values of a table's rows."""

    name: str
    lines: int
    sha256: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds and where it came from. `keys` tell whether the secrets at hand are those it needs."""

    format: int
    release: str
    taken_at: str
    bus: str
    database: str
    revisions: Mapping[str, Sequence[str]]
    keys: Mapping[str, str]
    parts: Sequence[Part] = field(default_factory=tuple)

    def part(self, name: str) -> Part | None:
        """The part of that name, if there is one."""
        return next((part for part in self.parts if part.name == name), None)


def table_part(service: str, table: str) -> str:
    """The name of a table's part."""
    return f"databases/{service}/{table}.jsonl"


def topic_part(topic: str) -> str:
    """The name of a topic's part."""
    return f"topics/{topic}.jsonl"


class ArchiveWriter:
    """Writes a backup beside its final name and moves it there once it is whole and on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(path.name + ".part")
        self._parts: list[Part] = []
        self._files: list[bytes] = []

    def __enter__(self) -> Self:
        descriptor = os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(descriptor, "w+b")
        self._zip = zipfile.ZipFile(
            self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL, allowZip64=True
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            return
        self._zip.close()
        self._file.close()
        self._draft.unlink(missing_ok=True)

    async def write(
        self, name: str, lines: AsyncIterable[bytes], *, columns: Sequence[str] = ()
    ) -> int:
        """Write one part, line by line; says how many there were."""
        digest, count = hashlib.sha256(), 0
        with self._zip.open(name, "w", force_zip64=True) as part:
            async for line in lines:
                part.write(line + b"\n")
                digest.update(line + b"\n")
                count += 1
        self._parts.append(Part(name, count, digest.hexdigest(), tuple(columns)))
        return count

    def write_file(self, name: str, source: Path) -> None:
        """Write one file as it is: what is sealed does not get smaller."""
        digest = hashlib.sha256()
        entry = zipfile.ZipInfo(f"files/{name}")
        with source.open("rb") as file, self._zip.open(entry, "w", force_zip64=True) as part:
            while chunk := file.read(CHUNK):
                part.write(chunk)
                digest.update(chunk)
        size = source.stat().st_size
        self._files.append(orjson.dumps([name, size, digest.hexdigest()]))

    async def finish(self, manifest: Manifest) -> int:
        """Write the manifest, wait for the disk, and give the file its name; says how large it is."""
        await self.write(FILES, _each(self._files))
        whole = asdict(manifest) | {"parts": [asdict(part) for part in self._parts]}
        self._zip.writestr(MANIFEST, orjson.dumps(whole, option=orjson.OPT_INDENT_2))
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.replace(self._path)
        return self._path.stat().st_size


class Archive:
    """A backup to be read. Raises BadArchive where it is none."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
            document = orjson.loads(self._zip.read(MANIFEST))
            self.manifest = _manifest(document)
        except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
            raise BadArchive(
                f"{path} is no backup, or not a whole one ({type(error).__name__}): "
                "take another, or copy it again."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def check(self) -> None:
        """Read everything and compare it with the manifest. Raises BadArchive naming the first part that differs."""
        for part in self.manifest.parts:
            digest, count = hashlib.sha256(), 0
            for line in self._raw_lines(part.name):
                digest.update(line)
                count += 1
            if (count, digest.hexdigest()) != (part.lines, part.sha256):
                raise BadArchive(f"{part.name} is not as it was written: copy the backup again.")
        for name, size, sha256 in self.files():
            if _digest_of(self._chunks(name)) != (size, sha256):
                raise BadArchive(f"files/{name} is not as it was written: copy the backup again.")

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a part, one after the other."""
        return self._raw_lines(name)

    def messages(self, topic: str) -> Iterator[Message]:
        """The records of a topic, in order."""
        for line in self.lines(topic_part(topic)):
            yield message_of(line)

    def files(self) -> Iterator[tuple[str, int, str]]:
        """Name, size and SHA-256 of each file."""
        for line in self.lines(FILES):
            name, size, sha256 = orjson.loads(line)
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts:
                raise BadArchive(
                    f"files/{name} leads out of the data folder: this is no backup of ours."
                )
            yield name, size, sha256

    def put_file(self, name: str, target: Path) -> None:
        """Write one file to where it belongs, readable by its owner only."""
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for chunk in self._chunks(name):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())

    def _raw_lines(self, name: str) -> Iterator[bytes]:
        try:
            with self._zip.open(name) as part:
                yield from part
        except (KeyError, zipfile.BadZipFile, EOFError) as error:
            raise BadArchive(f"{name} is missing or damaged: copy the backup again.") from error

    def _chunks(self, name: str) -> Iterator[bytes]:
        try:
            with self._zip.open(f"files/{name}") as part:
                while chunk := part.read(CHUNK):
                    yield chunk
        except (KeyError, zipfile.BadZipFile, EOFError) as error:
            raise BadArchive(f"files/{name} is missing or damaged: copy it again.") from error


def line_of(message: Message) -> bytes:
    """A record of a topic as a line."""
    try:
        return orjson.dumps([message.key, message.value.decode()])
    except UnicodeDecodeError:
        return orjson.dumps([message.key, None, base64.b64encode(message.value).decode()])


def message_of(line: bytes) -> Message:
    """The record that a line tells."""
    key, value, *coded = orjson.loads(line)
    return Message(key, base64.b64decode(coded[0]) if coded else value.encode())


def _manifest(document: Mapping[str, Any]) -> Manifest:
    if document["format"] != FORMAT:
        raise BadArchive(
            f"the backup is of format {document['format']}, this release reads {FORMAT}: use the release that wrote it."
        )
    parts = tuple(
        Part(one["name"], one["lines"], one["sha256"], tuple(one["columns"]))
        for one in document["parts"]
    )
    return Manifest(**{**document, "parts": parts})


def _digest_of(chunks: Iterator[bytes]) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


async def _each(lines: Sequence[bytes]) -> AsyncIterable[bytes]:
    for line in lines:
        yield line
