"""The feed of all events over HTTP: page by page, or as server-sent events; whole, or by type, unit and category."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from services.notify import store
from services.notify.api.door import After, Door, Number
from services.notify.model import Wanted
from services.notify.policy.wanted import category_in, is_wanted
from shared.errors import FieldError, Invalid, RedressError
from shared.store.database import Database
from shared.store.transaction import AnyRow
from shared.web.credentials import Principal
from shared.web.json import dump
from shared.web.paging import Limit, cursor, read_cursor

FOLLOW_SECONDS = 1.0
KEEP_ALIVE_ROUNDS = 15
TOGETHER = 200
Many = Annotated[list[Annotated[str, Query(max_length=100)]], Query(max_length=20)]


def add_feed(router: APIRouter, door: Door) -> None:
    """The route of the feed."""
    guard, database = door.environment.guard, door.database

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
        type: Many = [],  # noqa: A002, B006 - the name of the parameter; never changed
        unit: Many = [],  # noqa: B006
        category: Many = [],  # noqa: B006
    ) -> Response:
        """Events in the order of commits. `after`: a cursor, `beginning` (the default) or `now`.

        `type` is whole or ends in `*` (`redress.case.*`); `unit` and `category` may be given several times.
        """
        asked = request.headers.get("last-event-id") or after or "beginning"
        position = await _position(database, asked)
        wanted = Wanted(tuple(type), tuple(unit), tuple(category))
        if "text/event-stream" in request.headers.get("accept", ""):
            return StreamingResponse(
                _follow(request, door, position, number, wanted),
                media_type="text/event-stream",
                headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
            )
        rows, last = await read(
            door, principal, position, number=number, wanted=wanted, limit=limit
        )
        items = [orjson.Fragment(row.event) for row in rows]
        return Response(dump({"items": items, "next": cursor(last)}), media_type="application/json")


async def read(
    door: Door, principal: Principal, after: int, *, number: str | None, wanted: Wanted, limit: int
) -> tuple[list[AnyRow], int]:
    """Events beyond a position that are wanted, and how far was read."""
    units = wanted.units_within(principal.units, door.environment.policy.subtree)
    found: list[AnyRow] = []
    async with door.database.reading() as connection:
        while True:
            rows = await store.feed(
                connection, units=units, after=after, limit=limit, number=number, types=wanted.types
            )
            categories = (
                await store.categories_of(connection, {row.subject for row in rows})
                if wanted.categories else {}
            )  # fmt: skip
            for row in rows:
                after = row.position
                category = (
                    category_in(row.event) or categories.get(row.subject)
                    if wanted.categories
                    else None
                )
                if is_wanted(wanted, type_=row.type, category=category):
                    found.append(row)
                if len(found) == limit:
                    return found, after
            if len(rows) < limit:
                return found, after


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
    request: Request, door: Door, position: int, number: str | None, wanted: Wanted
) -> AsyncIterator[bytes]:
    """Server-sent events, for as long as the reader and its credential last. Rights are looked at anew each round."""
    quiet = 0
    while not (door.environment.stopping.is_set or await request.is_disconnected()):
        try:
            principal = door.environment.guard.of(request, "events:read")
            rows, position = await read(
                door, principal, position, number=number, wanted=wanted, limit=TOGETHER
            )
        except RedressError:
            # Revoked, or the database is away: the reader comes again with its Last-Event-ID.
            return
        for row in rows:
            yield f"id: {cursor(row.position)}\nevent: {row.type}\ndata: {row.event}\n\n".encode()
        if rows:
            quiet = 0
            continue
        quiet += 1
        if quiet % KEEP_ALIVE_ROUNDS == 1:
            yield b": here\n\n"
        await door.notify.appended.wait_shared(FOLLOW_SECONDS)
