"""Promises over HTTP: which are open, and how many are kept."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel

from services.followup import store
from services.followup.store.promises import count_promises, promises_query
from shared.service import Environment
from shared.store.database import Database
from shared.web.credentials import Principal
from shared.web.paging import Limit, Page, page_of, read_cursor

PromiseState = Literal["open", "kept", "broken"]
MONTH = timedelta(days=30)


class PromiseMadeOut(BaseModel):
    """A promise with the case that it belongs to."""

    id: str
    number: str
    unit: str
    cycle: int
    what: str
    who: str | None
    state: PromiseState
    made_at: datetime
    due_at: datetime
    settled_at: datetime | None


class RateOut(BaseModel):
    """Of the promises due in a stretch of time: how many were kept, of those that were settled."""

    begin: datetime
    end: datetime
    kept: int
    broken: int
    open: int
    rate: float | None


def promise_routes(router: APIRouter, environment: Environment, database: Database) -> None:
    """`/promises` and `/promises/rate`."""
    may = Annotated[Principal, Depends(environment.guard.scope("followup:read"))]

    @router.get("/promises")
    async def list_promises(
        principal: may,
        state: PromiseState | None = None,
        due_before: AwareDatetime | None = None,
        after: Annotated[str | None, Query(max_length=500)] = None,
        limit: Limit = 50,
    ) -> Page[PromiseMadeOut]:
        """Promises, the earliest due first."""
        found = read_cursor(after, str, str) if after else None
        begin = (datetime.fromisoformat(found[0]), found[1]) if found else None
        query = promises_query(
            principal.units, state=state, due_before=due_before, after=begin, limit=limit + 1
        )
        async with database.reading() as connection:
            rows = await store.fetch(connection, query)
        return page_of(
            rows, limit=limit, key=lambda row: (row.due_at.isoformat(), row.id),
            item=lambda row: PromiseMadeOut.model_validate(row, from_attributes=True),
        )  # fmt: skip

    @router.get("/promises/rate")
    async def rate(
        principal: may, begin: AwareDatetime | None = None, end: AwareDatetime | None = None
    ) -> RateOut:
        """How many of the promises due between `begin` and `end` were kept; the last 30 days by default."""
        until = end or environment.clock.now()
        since = begin or until - MONTH
        async with database.reading() as connection:
            found = await count_promises(connection, principal.units, begin=since, end=until)
        kept, broken = found.get("kept", 0), found.get("broken", 0)
        share = kept / (kept + broken) if kept + broken else None
        return RateOut(
            begin=since, end=until, kept=kept, broken=broken, open=found.get("open", 0), rate=share
        )
