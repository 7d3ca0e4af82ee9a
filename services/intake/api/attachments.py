"""Files that come with complaints: sealed before they touch the disk, served never but through the vault."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake import store
from services.intake.api.bodies import AttachmentOut
from services.intake.api.door import Door
from services.intake.api.gate import Gate, only_tells
from services.intake.api.rates import Rates
from services.intake.model import NewAttachment
from services.intake.policy.media import LARGEST, media_type_of
from services.intake.policy.normalise import strip_invisible
from services.intake.usecases.scanning import WAITING
from services.intake.usecases.taking import keep_attachment, seal_file
from services.intake.usecases.vault import OpenedFile
from shared import faults
from shared.errors import CommitUnknown, FieldError, Invalid, Transient
from shared.ids import new_id
from shared.store.database import Database
from shared.web.body import read_capped
from shared.web.json import dump

LONGEST_NAME = 200


def attachment_routes(
    router: APIRouter, door: Door, gate: Gate, rates: Rates, database: Database
) -> None:
    """Add the route that takes files to a router."""
    environment = door.environment

    @router.post("/attachments", status_code=201, response_model=AttachmentOut, openapi_extra=_BODY)
    async def post_attachment(request: Request, name: str | None = None) -> Response:
        """Take a file: its bytes as the body, its type in Content-Type, its name in `?name=` or X-Filename.

        With `?validate=true` only tell whether it would be taken.
        """
        principal = environment.guard.of(request, "intake:write")
        rates.must_allow(principal)
        await gate.must_be_open()
        content = await read_capped(request, LARGEST)
        media_type = media_type_of(request.headers.get("content-type", ""), content)
        if only_tells(request):
            shown = {"size": len(content), "media_type": media_type}
            return Response(dump(shown), media_type="application/json")
        title = _name(name or unquote(request.headers.get("x-filename", "")))
        row = await keep_file(
            door, database, content,
            media_type=media_type, name=title, unit=principal.unit, owner=principal.id,
        )  # fmt: skip
        answer = AttachmentOut(id=row.id, size=row.size, media_type=row.media_type)
        return Response(dump(answer.model_dump()), 201, media_type="application/json")


async def keep_file(
    door: Door,
    database: Database,
    content: bytes,
    *,
    media_type: str,
    name: str | None,
    unit: str,
    owner: str,
) -> NewAttachment:
    """Seal a file, put it on the disk, record it. Raises Transient."""
    row, sealed = await asyncio.to_thread(
        seal_file, content, id_=new_id(), unit=unit, owner=owner, media_type=media_type, name=name,
        vault=door.vault, scan=WAITING if door.environment.settings.clamd else None,
    )  # fmt: skip
    path = path_of(door.environment.settings.data, row.id)
    await write_sealed(path, sealed)
    faults.reach("intake.attachment_written")
    try:
        await database.run(lambda tx: keep_attachment(tx, row))
    except CommitUnknown:
        raise  # its row may be there: the file stays
    except Exception:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        raise
    return row


_BODY = {
    "requestBody": {
        "required": True,
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def path_of(data: Path, id_: str) -> Path:
    """Where a file's sealed bytes are. The name that its sender gave it plays no part."""
    return data / "intake" / "attachments" / id_


async def attachment_files(connection: AsyncConnection) -> AsyncIterator[Path]:
    """The files of all attachments, below the data folder."""
    async for id_ in store.attachment_ids(connection):
        yield path_of(Path(), id_)


async def read_sealed(data: Path, opened: OpenedFile) -> bytes:
    """A file's bytes in clear. Raises Transient when the disk does not give them."""
    try:
        sealed = await asyncio.to_thread(path_of(data, opened.id).read_bytes)
    except OSError as error:
        raise Transient(f"attachment {opened.id} cannot be read: {error.strerror}") from error
    return await asyncio.to_thread(opened.box.open, "content", sealed)


async def write_sealed(path: Path, sealed: bytes) -> None:
    """Write sealed bytes whole, and wait for the disk. Raises Transient."""
    try:
        await asyncio.to_thread(_write, path, sealed)
    except OSError as error:
        raise Transient(f"an attachment cannot be written: {error.strerror}") from error


def _write(path: Path, sealed: bytes) -> None:
    """Write a file whole or not at all, and wait for the disk."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _name(name: str) -> str | None:
    if "\0" in name or len(name) > LONGEST_NAME or not _is_encodable(name):
        raise Invalid(
            f"The name must have at most {LONGEST_NAME} characters of valid Unicode, without NUL.",
            zh=f"文件名最多 {LONGEST_NAME} 个字符。",
            errors=[
                FieldError("name", "name", f"at most {LONGEST_NAME} valid characters", "文件名无效")
            ],
        )
    return strip_invisible(name) or None


def _is_encodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
