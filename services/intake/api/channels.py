"""Channels over HTTP: what each is, and the door of those that have a payload of their own."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from services.intake.api.arriving import Arrival, TakenIn, channel_of, left_out_of
from services.intake.api.door import Door
from services.intake.api.gate import Gate
from services.intake.api.mailing import Kept, Mailing, Taken, told
from services.intake.api.posting import ACCEPTED, SCOPE, Posting
from services.intake.api.rates import Rates
from services.intake.api.reading import After
from services.intake.api.vault import PRIVATE, download
from services.intake.channels.email import MEDIA_TYPE
from services.intake.channels.port import Bounce, Outcome, Payload, Reply, Submission
from services.intake.channels.table import TABLE
from services.intake.model import MessageReceipt, Reader
from services.intake.store.mails import mails
from services.intake.usecases.mails import read_mail
from shared.store.database import Database
from shared.web.body import read_capped
from shared.web.credentials import Guard, Principal
from shared.web.idempotency import REPLAYED, key_of
from shared.web.json import dump
from shared.web.paging import Limit, Page, cursor, read_cursor

MailOutcome = Literal["bounce", "quarantined", "released"]
_JSON: Final = "application/json"
Unit = Annotated[str | None, Query(max_length=63)]


def channel_routes(
    router: APIRouter,
    mailing: Mailing,
    posting: Posting,
    gate: Gate,
    rates: Rates,
    guard: Guard,
) -> None:
    """Add the door of every channel that has a payload of its own."""

    @router.post(
        "/channels/{channel}", status_code=ACCEPTED, response_model=None, openapi_extra=_described(),
    )  # fmt: skip
    async def post_payload(
        request: Request, channel: str, unit: Unit = None, *, validate: bool = False
    ) -> Response:
        """Take what a channel brings, as it came. `?unit=` where the payload does not name one."""
        principal = guard.of(request, SCOPE)
        found = channel_of(channel, principal)
        rates.must_allow(principal)
        await gate.must_be_open()
        content = await read_capped(request, found.largest)
        payload = Payload(content, request.headers.get("content-type", ""))
        arrival = Arrival(found, payload, principal, unit, key_of(request))
        outcome = await mailing.arrivals.read(arrival)
        if validate:
            return await _preview(arrival, outcome)
        return _answer(posting, await mailing.take(arrival, outcome))

    async def _preview(arrival: Arrival, outcome: Outcome) -> Response:
        if isinstance(outcome, Reply):
            outcome = outcome.otherwise
        if not isinstance(outcome, Submission):
            kind = "bounce" if isinstance(outcome, Bounce) else "quarantined"
            reason = outcome.kind if isinstance(outcome, Bounce) else outcome.reason
            return Response(dump({"outcome": kind, "reason": reason}), media_type=_JSON)
        body = mailing.arrivals.body(arrival, outcome)
        return Response(await posting.preview(body, arrival.principal), media_type=_JSON)


def _answer(posting: Posting, taken: Taken) -> Response:
    headers: dict[str, str] = {}
    match taken:
        case Kept():
            document, replayed = told(taken.row), taken.replayed
        case MessageReceipt():
            document = {
                "outcome": "message",
                "id": taken.id,
                "number": taken.number,
                "added_at": taken.added_at,
            }
            replayed = taken.replayed
        case TakenIn():
            kind = "message" if taken.receipt.message_id else "complaint"
            document = {"outcome": kind} | posting.accepted(taken.receipt) | left_out_of(taken)
            replayed = taken.receipt.replayed
            headers["Location"] = f"/intake/v1/complaints/{taken.receipt.number}"
    if replayed:
        headers[REPLAYED] = "true"
    return Response(dump(document), ACCEPTED, headers, media_type=_JSON)


def mail_routes(
    router: APIRouter, mailing: Mailing, posting: Posting, door: Door, database: Database
) -> None:
    """Add the routes that show mails which are no complaints, and release them."""
    may_release = Annotated[Principal, Depends(door.environment.guard.scope(SCOPE))]
    may_list = Annotated[Principal, Depends(door.environment.guard.scope("intake:read"))]
    may_open = Annotated[Principal, Depends(door.environment.guard.scope("vault:read"))]

    @router.get("/mails")
    async def list_mails(
        principal: may_list,
        outcome: MailOutcome | None = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[dict[str, Any]]:
        """Bounces and what was put aside, with the reason, the newest first."""
        before = read_cursor(after, str)[0] if after else None
        async with database.reading() as connection:
            rows = list(
                await mails(
                    connection, principal.units, outcome=outcome, before=before, limit=limit + 1
                )
            )
        more = len(rows) > limit
        items = [told(row) | {"unit": row.unit} for row in rows[:limit]]
        return Page(items=items, next=cursor(rows[limit - 1].id) if more else None)

    @router.post("/mails/{mail}/release", status_code=ACCEPTED, response_model=None)
    async def release_mail(principal: may_release, mail: str) -> Response:
        """Make a complaint of a mail that was put aside, once: the second time tells the same. Recorded."""
        return _answer(posting, await mailing.release(mail, principal))

    @router.get("/vault/mails/{mail}", response_class=Response)
    async def get_mail(principal: may_open, mail: str) -> Response:
        """A mail as it came, always as a download; the read is recorded."""
        reader = Reader(principal.id, principal.units)
        raw = await database.run(lambda tx: read_mail(tx, mail, reader, vault=door.vault))
        return Response(raw, media_type=MEDIA_TYPE, headers=PRIVATE | download(f"{mail}.eml"))


_BINARY: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}


def _described() -> dict[str, Any]:
    """The bodies of all doors, with an example each."""
    content: dict[str, Any] = {}
    for one in TABLE.values():
        for media_type in one.takes if one.read else ():
            if media_type == "application/json":
                shown = content.setdefault(
                    media_type, {"schema": {"type": "object"}, "examples": {}}
                )
                shown["examples"][one.code] = {"summary": one.en, "value": dict(one.example)}
            else:
                content.setdefault(media_type, _BINARY)
    return {"requestBody": {"required": True, "content": content}}
