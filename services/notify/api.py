"""Notify over HTTP: the feed of all events, and what was sent."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from services.notify import store, usecases
from services.notify.usecases import Notify
from shared.errors import FieldError, Invalid, RedressError
from shared.service import Environment
from shared.store.database import Database
from shared.web.body import body_of, describe_body
from shared.web.credentials import Principal
from shared.web.json import dump
from shared.web.paging import Limit, Page, cursor, read_cursor

FOLLOW_SECONDS = 1.0
KEEP_ALIVE_ROUNDS = 15


class MessageOut(BaseModel):
    """A message; `at` is when the last attempt ended."""

    id: str
    number: str
    unit: str
    cycle: int
    recipient: str
    purpose: str
    language: str
    state: str
    attempts: int
    reason: str | None
    channel: str | None
    provider_id: str | None
    planned_at: datetime
    at: datetime | None


class ReceiptIn(BaseModel):
    """What a provider told later."""

    result: Literal["delivered", "failed"]


After = Annotated[str | None, Query(max_length=500)]
Number = Annotated[str | None, Query(max_length=13)]


def routes(environment: Environment, database: Database, notify: Notify) -> APIRouter:
    """Notify's routes."""
    router = APIRouter(prefix="/notify/v1")
    guard = environment.guard

    @router.get("/messages")
    async def list_messages(
        principal: Annotated[Principal, Depends(guard.scope("notify:read"))],
        number: Number = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[MessageOut]:
        at = read_cursor(after, str)[0] if after else None
        async with database.reading() as connection:
            rows = await store.messages(
                connection, units=principal.units, number=number, after=at, limit=limit + 1
            )
        items = [
            MessageOut.model_validate({**row._mapping, "at": row.ended_at}) for row in rows[:limit]
        ]
        return Page(items=items, next=cursor(items[-1].id) if len(rows) > limit else None)

    @router.post(
        "/messages/{message}/receipts", status_code=204, openapi_extra=describe_body(ReceiptIn)
    )
    async def take_receipt(
        principal: Annotated[Principal, Depends(guard.scope("notify:write"))],
        message: str,
        body: Annotated[ReceiptIn, Depends(body_of(ReceiptIn))],
    ) -> None:
        is_delivered = body.result == "delivered"
        await database.run(
            lambda tx: usecases.take_receipt(
                tx, message, delivered=is_delivered, units=principal.units
            )
        )

    @router.get(
        "/events",
        response_class=Response,
        responses={200: {"content": {"application/json": {}, "text/event-stream": {}}}},
    )
    async def events(
        request: Request,
        principal: Annotated[Principal, Depends(guard.scope("events:read"))],
        after: After = None,
        number: Number = None,
        limit: Limit = 100,
    ) -> Response:
        """Events in the order of commits. `after`: a cursor, `beginning` (the default) or `now`."""
        asked = request.headers.get("last-event-id") or after or "beginning"
        position = await _position(database, asked)
        if "text/event-stream" in request.headers.get("accept", ""):
            stream = _follow(request, environment, database, notify, position, number)
            return StreamingResponse(
                stream,
                media_type="text/event-stream",
                headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
            )
        async with database.reading() as connection:
            rows = await store.feed(
                connection, units=principal.units, after=position, limit=limit, number=number
            )
        last = rows[-1].position if rows else position
        items = [orjson.Fragment(row.event) for row in rows]
        return Response(dump({"items": items, "next": cursor(last)}), media_type="application/json")

    return router


async def _position(database: Database, asked: str) -> int:
    if asked == "beginning":
        return 0
    if asked == "now":
        async with database.reading() as connection:
            return await store.feed_end(connection)
    position: Any = read_cursor(asked, int)[0]
    if position < 0:
        raise Invalid(
            "The cursor is not one of ours.", errors=[FieldError("after", "cursor", "not a cursor")]
        )
    return int(position)


async def _follow(
    request: Request,
    environment: Environment,
    database: Database,
    notify: Notify,
    position: int,
    number: str | None,
) -> AsyncIterator[bytes]:
    """Server-sent events, for as long as the reader and its credential last. Rights are looked at anew each round."""
    quiet = 0
    while not (environment.stopping.is_set or await request.is_disconnected()):
        try:
            principal = environment.guard.of(request, "events:read")
            async with database.reading() as connection:
                rows = await store.feed(
                    connection, units=principal.units, after=position, limit=200, number=number
                )
        except RedressError:
            # Revoked, or the database is away: the reader comes again with its Last-Event-ID.
            return
        for row in rows:
            position = row.position
            yield f"id: {cursor(position)}\nevent: {row.type}\ndata: {row.event}\n\n".encode()
        if rows:
            quiet = 0
            continue
        quiet += 1
        if quiet % KEEP_ALIVE_ROUNDS == 1:
            yield b": here\n\n"
        await notify.appended.wait_shared(FOLLOW_SECONDS)
