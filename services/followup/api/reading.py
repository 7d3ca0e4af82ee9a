"""Reading cases."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from services.followup import store
from services.followup.api.answers import (
    CaseOut,
    ListOut,
    case_out,
    lifecycle_out,
    timeline,
)
from services.followup.api.clocks import clocks_out
from services.followup.api.reached import reached, shown
from services.followup.model.chain import Read
from services.followup.policy import clocks
from services.followup.policy.case import fold
from services.followup.policy.telling import whole
from services.followup.usecases.audit import note_read
from services.followup.usecases.record import Followup
from shared.errors import NotFound
from shared.service import Environment
from shared.store.database import Database
from shared.web.credentials import Principal
from shared.web.versions import etag

After = Annotated[str | None, Query(max_length=500)]
Filter = Annotated[str | None, Query(max_length=100)]
Reason = Annotated[str | None, Query(max_length=200)]
Moment = Annotated[AwareDatetime | None, Query()]


def reading_routes(
    router: APIRouter, environment: Environment, database: Database, context: Followup
) -> None:
    """The lifecycle, the list, a case now or at a moment, its timeline, its clocks."""
    may = Annotated[Principal, Depends(environment.guard.scope("followup:read"))]

    @router.get("/lifecycle")
    async def lifecycle(_: may) -> dict[str, Any]:
        return lifecycle_out()

    @router.get("/cases/{number}")
    async def read_case(
        principal: may, number: str, response: Response, at: Moment = None, reason: Reason = None
    ) -> CaseOut:
        """A case as it is, or what was known of it at a moment (`at`)."""
        async with database.reading() as connection:
            row = reached(await store.find(connection, number), principal, number)
            if at is not None:
                then = await case_at(connection, row, at)
        if at is not None:
            await _note(database, row, principal, "moment", reason)
            return then
        response.headers["ETag"] = etag(row.version)
        return shown(row)

    @router.get("/cases/{number}/timeline")
    async def read_timeline(principal: may, number: str, reason: Reason = None) -> ListOut:
        """Everything that happened; that it was read is recorded, with the reason given."""
        async with database.reading() as connection:
            row = reached(await store.find(connection, number), principal, number)
            facts = await store.facts_of(connection, row.complaint)
            about_clocks = await store.clock_facts_of(connection, row.complaint)
        await _note(database, row, principal, "timeline", reason)
        return ListOut(items=timeline(facts, about_clocks))

    @router.get("/cases/{number}/clocks")
    async def read_clocks(principal: may, number: str, *, explain: bool = False) -> ListOut:
        async with database.reading() as connection:
            row = reached(await store.find(connection, number), principal, number)
            facts = [fact for fact, _ in await store.facts_of(connection, row.complaint)]
            about = [fact for fact, _ in await store.clock_facts_of(connection, row.complaint)]
        now = environment.clock.now()
        return ListOut(items=clocks_out(context, facts, about, explained=explain, now=now))


async def case_at(connection: AsyncConnection, row: Row[Any], at: datetime) -> CaseOut:
    """What was known of a case at a moment: the fold of what had been recorded by then. Raises NotFound."""
    recorded = await store.facts_of(connection, row.complaint)
    about_clocks = await store.clock_facts_of(connection, row.complaint)
    then = [fact for fact, known_at in recorded if known_at <= at]
    case = fold(then)
    if case is None:
        raise NotFound(
            f"There was no case {row.number} yet at that time.", zh=f"当时还没有工单 {row.number}。"
        )
    readings = clocks.read(fact for fact, known_at in about_clocks if known_at <= at)
    body = whole(case, readings, version=len(then), by=then[-1].by, what=then[-1].what.name)
    return case_out(row.complaint, row.unit, body)


async def _note(
    database: Database,
    row: Row[Any],
    principal: Principal,
    what: Literal["timeline", "moment"],
    reason: str | None,
) -> None:
    read = Read(principal.id, what, reason)
    await database.run(lambda tx: note_read(tx, row.complaint, read))
