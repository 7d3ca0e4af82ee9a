"""Routing over HTTP: decisions with their reasons, corrections, presence."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.routing import store, usecases
from services.routing.model import Correction
from services.routing.usecases import Routing
from shared.contracts.values import Kind, Severity
from shared.errors import NotFound
from shared.service import Environment
from shared.store.database import Database
from shared.store.transaction import AnyRow
from shared.web.body import CleanText, FilledText, body_of, describe_body
from shared.web.credentials import Principal
from shared.web.paging import Limit, Page, cursor, read_cursor


class Decision(BaseModel):
    """How a complaint was understood and who has it, with every reason."""

    number: str
    unit: str
    cycle: int
    state: str
    kind: str
    categories: list[dict[str, Any]]
    severity: str
    urgency: str
    unsure: bool
    cues: list[dict[str, Any]]
    team: str
    handler: str | None
    reasons: list[dict[str, Any]]
    passed_over: list[dict[str, Any]]
    pack: str
    pack_version: str
    model: str
    decided_by: str
    decided_at: datetime


class CorrectionIn(BaseModel):
    """What a person says it is."""

    kind: Kind
    category: Annotated[CleanText, Field(max_length=60)]
    severity: Severity
    reason: Annotated[FilledText, Field(max_length=2_000)]


class AssignmentIn(BaseModel):
    """Whom a supervisor gives it to."""

    handler: Annotated[CleanText, Field(max_length=36)]
    reason: Annotated[FilledText, Field(max_length=2_000)]


class PresenceIn(BaseModel):
    """Whether somebody is there."""

    present: bool


class Handler(BaseModel):
    """A handler as routing sees them."""

    id: str
    unit: str
    team: str | None
    skills: list[str] | None
    languages: list[str] | None
    present: bool
    load: int
    capacity: int
    last_assigned_at: datetime | None


After = Annotated[str | None, Query(max_length=500)]


def routes(environment: Environment, database: Database, routing: Routing) -> APIRouter:
    """Routing's routes."""
    router = APIRouter(prefix="/routing/v1")
    reads = Annotated[Principal, Depends(environment.guard.scope("routing:read"))]
    writes = Annotated[Principal, Depends(environment.guard.scope("routing:write"))]

    async def present(number: str, principal: Principal) -> Decision:
        async with database.reading() as connection:
            row = await store.one_decision(connection, number=number, units=principal.units)
        if row is None:
            raise NotFound(
                f"There is no decision on {number!r}.", zh=f"没有编号 {number} 的派单记录。"
            )
        return _shown(row)

    @router.get("/decisions/{number}")
    async def get_decision(principal: reads, number: str) -> Decision:
        return await present(number, principal)

    @router.get("/decisions")
    async def list_decisions(
        principal: reads,
        state: Literal["triage", "waiting", "assigned", "done"] | None = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[Decision]:
        at = read_cursor(after, str)[0] if after else None
        async with database.reading() as connection:
            rows = await store.decisions(
                connection, units=principal.units, state=state, after=at, limit=limit + 1
            )
        items = [_shown(row) for row in rows[:limit]]
        return Page(items=items, next=cursor(items[-1].number) if len(rows) > limit else None)

    @router.post("/decisions/{number}/corrections", openapi_extra=describe_body(CorrectionIn))
    async def correct(
        principal: writes,
        number: str,
        body: Annotated[CorrectionIn, Depends(body_of(CorrectionIn))],
    ) -> Decision:
        await database.run(
            lambda tx: usecases.correct(
                tx,
                routing,
                number=number,
                correction=Correction(body.kind, body.category, body.severity, body.reason),
                by=principal.id,
                units=principal.units,
            )
        )
        return await present(number, principal)

    @router.post("/decisions/{number}/assignments", openapi_extra=describe_body(AssignmentIn))
    async def hand_over(
        principal: writes,
        number: str,
        body: Annotated[AssignmentIn, Depends(body_of(AssignmentIn))],
    ) -> Decision:
        await database.run(
            lambda tx: usecases.hand_over(
                tx,
                routing,
                number=number,
                handler=body.handler,
                reason=body.reason,
                by=principal.id,
                units=principal.units,
            )
        )
        return await present(number, principal)

    @router.get("/handlers")
    async def list_handlers(
        principal: reads, after: After = None, limit: Limit = 50
    ) -> Page[Handler]:
        at = read_cursor(after, str)[0] if after else None
        async with database.reading() as connection:
            rows = await store.roster(connection, units=principal.units, after=at, limit=limit + 1)
        items = [Handler.model_validate(row._mapping) for row in rows[:limit]]
        return Page(items=items, next=cursor(items[-1].id) if len(rows) > limit else None)

    @router.put(
        "/handlers/{handler}/presence", status_code=204, openapi_extra=describe_body(PresenceIn)
    )
    async def set_presence(
        principal: writes, handler: str, body: Annotated[PresenceIn, Depends(body_of(PresenceIn))]
    ) -> None:
        await database.run(
            lambda tx: usecases.set_presence(
                tx, routing, handler=handler, present=body.present, units=principal.units
            )
        )

    return router


def _shown(row: AnyRow) -> Decision:
    choice = row.choice
    return Decision.model_validate(
        {
            **row._mapping,
            "reasons": [*row.reasons, *choice["reasons"]],
            "passed_over": choice["passed_over"],
        }
    )
