"""Reading the vault over HTTP. Answers are never to be kept by anybody between."""

from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Depends, Response

from services.intake.api.attachments import read_sealed
from services.intake.api.bodies import ComplainantOut, OriginalMessage, OriginalOut
from services.intake.api.door import Door
from services.intake.usecases.vault import (
    Opened,
    OpenedFile,
    Profile,
    Reader,
    read_attachment,
    read_complainant,
    read_complaint,
)
from shared.store.database import Database
from shared.web.credentials import Principal

_PRIVATE: Final = {"Cache-Control": "no-store"}


def vault_routes(router: APIRouter, door: Door, database: Database) -> None:
    """Add the routes of the vault to a router."""
    may_read = Annotated[Principal, Depends(door.environment.guard.scope("vault:read"))]

    @router.get("/vault/complaints/{number}")
    async def get_original(principal: may_read, number: str, response: Response) -> OriginalOut:
        """A complaint's own words; the read is recorded."""
        reader = Reader(principal.id, principal.units)
        opened = await database.run(lambda tx: read_complaint(tx, number, reader, vault=door.vault))
        response.headers.update(_PRIVATE)
        return _original(opened)

    @router.get("/vault/complainants/{complainant}")
    async def get_complainant(
        principal: may_read, complainant: str, response: Response, complaint: str | None = None
    ) -> ComplainantOut:
        """Who complained, and how they can be reached; a read by staff or a key is recorded.

        Our own services may name a `complaint` and get its code with it.
        """
        reader = Reader(principal.id, principal.units)
        recorded = principal.kind != "service"
        coded = None if recorded else complaint
        profile = await database.run(
            lambda tx: read_complainant(
                tx, complainant, reader, vault=door.vault, recorded=recorded, complaint=coded
            )
        )
        response.headers.update(_PRIVATE)
        return _profile(profile)

    @router.get("/vault/attachments/{attachment}")
    async def get_attachment(principal: may_read, attachment: str) -> Response:
        """A file that came with a complaint, always as a download; the read is recorded."""
        reader = Reader(principal.id, principal.units)
        opened = await database.run(
            lambda tx: read_attachment(tx, attachment, reader, vault=door.vault)
        )
        content = await read_sealed(door.environment.settings.data, opened)
        return Response(content, media_type=opened.media_type, headers=_PRIVATE | _download(opened))


def _download(opened: OpenedFile) -> dict[str, str]:
    """Headers that keep a browser from running what somebody sent."""
    suffix = opened.media_type.rpartition("/")[2].rpartition(".")[2]
    return {
        "Content-Disposition": f'attachment; filename="{opened.id}.{suffix}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }


def _original(opened: Opened) -> OriginalOut:
    posted = orjson.loads(opened.original)
    return OriginalOut(
        id=opened.id,
        number=opened.number,
        complainant_id=opened.complainant_id,
        text=posted["text"],
        subject=posted.get("subject"),
        payload=opened.original.decode(),
        messages=[
            OriginalMessage(id=id_, added_at=at, text=orjson.loads(original)["text"])
            for id_, at, original in opened.messages
        ],
    )


def _profile(profile: Profile) -> ComplainantOut:
    return ComplainantOut(
        id=profile.id,
        unit=profile.unit,
        anonymous=profile.anonymous,
        code=profile.code,
        **profile.fields,
    )
