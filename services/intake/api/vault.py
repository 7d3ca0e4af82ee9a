"""Reading the vault over HTTP. Answers are never to be kept by anybody between."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from services.intake.api.attachments import read_sealed
from services.intake.api.bodies import ComplainantOut, OriginalMessage, OriginalOut
from services.intake.api.door import Door
from services.intake.api.people import Match, Matches, Revealed, RevealIn, SearchIn, contacts_of
from services.intake.model import Reader
from services.intake.policy.original import unpack
from services.intake.usecases.customers import search
from services.intake.usecases.export import export_complainant
from services.intake.usecases.vault import (
    Opened,
    Profile,
    read_attachment,
    read_complainant,
    read_complaint,
    reveal,
)
from shared.store.database import Database
from shared.web.body import body_of, describe_body
from shared.web.credentials import Principal
from shared.web.json import dump

PRIVATE: Final = {"Cache-Control": "no-store"}


def vault_routes(router: APIRouter, door: Door, database: Database) -> None:
    """Add the routes of the vault to a router."""
    may_read = Annotated[Principal, Depends(door.environment.guard.scope("vault:read"))]

    @router.get("/vault/complaints/{number}")
    async def get_original(principal: may_read, number: str, response: Response) -> OriginalOut:
        """A complaint's own words; the read is recorded."""
        reader = Reader(principal.id, principal.units)
        opened = await database.run(lambda tx: read_complaint(tx, number, reader, vault=door.vault))
        response.headers.update(PRIVATE)
        return _original(opened)

    @router.get("/vault/complaints/{number}/payload", response_class=Response)
    async def get_payload(principal: may_read, number: str) -> Response:
        """What a complaint was received as, byte for byte, always as a download; the read is recorded."""
        reader = Reader(principal.id, principal.units)
        opened = await database.run(lambda tx: read_complaint(tx, number, reader, vault=door.vault))
        received = unpack(opened.original)
        headers = PRIVATE | download(f"{number}.{suffix_of(received.media_type)}")
        return Response(received.payload, media_type=received.media_type, headers=headers)

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
        response.headers.update(PRIVATE)
        return _profile(profile)

    @router.post("/vault/reveal", openapi_extra=describe_body(RevealIn))
    async def reveal_people(principal: may_read, request: Request, response: Response) -> Revealed:
        """Several complainants in clear, as far as they are within reach; each read is recorded with its reason."""
        body = await body_of(RevealIn)(request)
        reader = Reader(principal.id, principal.units, body.reason)
        found = await database.run(
            lambda tx: reveal(
                tx, body.ids, reader, vault=door.vault, recorded=principal.kind != "service"
            )
        )
        response.headers.update(PRIVATE)
        return Revealed(
            items=[_profile(one) for one in found.profiles],
            erased=list(found.erased),
            missing=list(found.missing),
        )

    @router.post("/vault/search", openapi_extra=describe_body(SearchIn))
    async def search_people(principal: may_read, request: Request) -> Matches:
        """Whose a contact point or reference is; recorded for each one found."""
        body = await body_of(SearchIn)(request)
        reader = Reader(principal.id, principal.units, body.reason)
        found = await database.run(
            lambda tx: search(
                tx, contacts_of(body.contacts), body.references, reader, tokens=door.tokens
            )
        )
        return Matches(items=[Match.model_validate(one) for one in found])

    @router.get("/vault/complainants/{complainant}/export")
    async def export_person(principal: may_read, complainant: str) -> Response:
        """Everything that is kept of somebody, for them to have; recorded."""
        reader = Reader(principal.id, principal.units)
        found = await database.run(
            lambda tx: export_complainant(tx, complainant, reader, vault=door.vault)
        )
        headers = {"Content-Disposition": f'attachment; filename="{found["id"]}.json"'}
        return Response(dump(found), media_type="application/json", headers=PRIVATE | headers)

    @router.get("/vault/attachments/{attachment}")
    async def get_attachment(principal: may_read, attachment: str) -> Response:
        """A file that came with a complaint, always as a download; the read is recorded."""
        reader = Reader(principal.id, principal.units)
        opened = await database.run(
            lambda tx: read_attachment(tx, attachment, reader, vault=door.vault)
        )
        content = await read_sealed(door.environment.settings.data, opened)
        name = f"{opened.id}.{suffix_of(opened.media_type)}"
        return Response(content, media_type=opened.media_type, headers=PRIVATE | download(name))


def suffix_of(media_type: str) -> str:
    """What a file's name ends in, by its type."""
    return media_type.rpartition("/")[2].rpartition(".")[2]


def download(name: str) -> dict[str, str]:
    """Headers that keep a browser from running what somebody sent."""
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }


def _original(opened: Opened) -> OriginalOut:
    received = unpack(opened.original)
    return OriginalOut(
        id=opened.id,
        number=opened.number,
        complainant_id=opened.complainant_id,
        text=received.text,
        subject=received.subject,
        media_type=received.media_type,
        payload=received.payload.decode("utf-8", "replace"),
        messages=[
            OriginalMessage(id=id_, added_at=at, text=unpack(original).text)
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
