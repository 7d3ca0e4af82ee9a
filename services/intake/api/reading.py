"""Reading complaints and their messages, masked."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.intake import store
from services.intake.api.bodies import ChannelCode, ComplaintOut, LinkOut, MessageOut
from services.intake.api.door import Door, channel_for
from services.intake.model import Reader
from services.intake.usecases.matching import undo_link
from shared.errors import NotFound
from shared.store.database import Database
from shared.web.credentials import Principal
from shared.web.paging import Limit, Page, cursor, read_cursor

After = Annotated[str | None, Query(max_length=500)]


def reading_routes(router: APIRouter, door: Door, database: Database) -> None:
    """Add the routes that read to a router."""
    may_read = Annotated[Principal, Depends(door.environment.guard.scope("intake:read"))]

    may_write = Annotated[Principal, Depends(door.environment.guard.scope("intake:write"))]

    @router.get("/complaints")
    async def list_complaints(
        principal: may_read,
        channel: ChannelCode | None = None,
        external_id: Annotated[str | None, Query(max_length=255)] = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[ComplaintOut]:
        if external_id is not None:
            return await by_external_id(principal, channel, external_id)
        before = read_cursor(after, str)[0] if after else None
        async with database.reading() as connection:
            rows = list(
                await store.complaints(
                    connection, principal.units, channel=channel, before=before, limit=limit + 1
                )
            )
        more = len(rows) > limit
        return Page(
            items=[_shown(row) for row in rows[:limit]],
            next=cursor(rows[limit - 1].id) if more else None,
        )

    async def by_external_id(
        principal: Principal, channel: str | None, external_id: str
    ) -> Page[ComplaintOut]:
        channel = channel_for(channel, principal)
        scopes = [door.external_scope(unit, channel) for unit in principal.units]
        async with database.reading() as connection:
            rows = await store.complaints_claimed(
                connection, principal.units, scopes=scopes, key=door.tokens.external(external_id)
            )
        return Page(items=[_shown(row) for row in rows])

    @router.get("/complaints/{number}")
    async def get_complaint(principal: may_read, number: str) -> ComplaintOut:
        async with database.reading() as connection:
            return _shown(
                _there(await store.complaint(connection, number, principal.units), number)
            )

    @router.get("/complaints/{number}/messages")
    async def list_messages(
        principal: may_read, number: str, after: After = None, limit: Limit = 50
    ) -> Page[MessageOut]:
        at = read_cursor(after, str)[0] if after else None
        async with database.reading() as connection:
            complaint = _there(await store.complaint(connection, number, principal.units), number)
            rows = list(await store.messages(connection, complaint.id, after=at, limit=limit + 1))
        items = [MessageOut.model_validate(row._mapping) for row in rows[:limit]]
        return Page(items=items, next=cursor(rows[limit - 1].id) if len(rows) > limit else None)

    @router.get("/complaints/{number}/links")
    async def list_links(principal: may_read, number: str) -> Page[LinkOut]:
        """The complaints that are likely about the same, with score and reasons; undone ones too."""
        async with database.reading() as connection:
            complaint = _there(await store.complaint(connection, number, principal.units), number)
            rows = await store.links_of(connection, complaint.id, principal.units)
        return Page(items=[LinkOut.model_validate(row._mapping) for row in rows])

    @router.delete("/complaints/{number}/links/{other}", status_code=204)
    async def delete_link(principal: may_write, number: str, other: str) -> None:
        """Undo a link: they are not about the same."""
        reader = Reader(principal.id, principal.units)
        await database.run(lambda tx: undo_link(tx, number, other, reader))


def _there(row: store.Found | None, number: str) -> store.Found:
    if row is None:
        raise NotFound(f"There is no complaint {number!r} within reach.", zh="没有该编号的投诉。")
    return row


def _shown(row: store.Found) -> ComplaintOut:
    found = dict(row._mapping)
    return ComplaintOut.model_validate(found.pop("facts") | found)
