"""What a company's own systems and sensors report, over HTTP; and which outages are known to who answers."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from services.intake.api.bodies import ReferenceName
from services.intake.api.door import Door
from services.intake.api.posting import SCOPE
from services.intake.channels.fields import DueTime, ExternalId, Text100, Text200
from services.intake.store.service_events import keep_service_events, service_events
from shared.masking import mask
from shared.store.database import Database
from shared.web.body import describe_body, read_capped, validate
from shared.web.credentials import Principal
from shared.web.json import dump
from shared.web.paging import Limit, Page

Kind = Literal["order", "delivery", "visit", "reading", "outage"]


class ServiceEventIn(BaseModel):
    """One report. The same `event_id` again replaces it, as where an outage ends."""

    event_id: ExternalId
    kind: Kind
    unit: Text100 | None = None
    area: Text100 | None = None
    """The pack's area code; None: everywhere in the unit."""
    title: Text200 | None = None
    references: Annotated[dict[ReferenceName, Text100], Field(max_length=20)] = {}
    starts_at: DueTime
    ends_at: DueTime | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "ServiceEventIn":
        if self.ends_at is not None and self.ends_at < self.starts_at:
            raise PydanticCustomError("ends_at", "ends_at is before starts_at")
        return self


class ServiceEventsIn(BaseModel):
    """Up to 100 reports, taken together or not at all."""

    items: Annotated[list[ServiceEventIn], Field(min_length=1, max_length=100)]


class ServiceEventOut(BaseModel):
    """A report as it is shown; references are kept as tokens only."""

    event_id: str
    unit: str
    kind: str
    area: str | None = None
    title: str | None = None
    starts_at: datetime
    ends_at: datetime | None = None
    reported_at: datetime


def service_event_routes(router: APIRouter, door: Door, database: Database) -> None:
    """Add the routes to a router."""
    guard, clock = door.environment.guard, door.environment.clock
    may_read = Annotated[Principal, Depends(guard.scope("intake:read"))]

    @router.post("/service-events", openapi_extra=describe_body(ServiceEventsIn))
    async def post_service_events(request: Request) -> Response:
        """Report what systems know: it is kept for matching and opens no case."""
        principal = guard.of(request, SCOPE)
        body = validate(ServiceEventsIn, await read_capped(request))
        # In one order: two replicas with the same ones wait for each other in one order.
        rows = sorted((row(one, principal) for one in body.items), key=lambda one: one["token"])
        await database.run(lambda tx: keep_service_events(tx, rows))
        return Response(dump({"kept": len(rows)}), media_type="application/json")

    @router.get("/service-events")
    async def list_service_events(
        principal: may_read,
        kind: Kind | None = None,
        area: Annotated[str | None, Query(max_length=100)] = None,
        at: datetime | None = None,
        limit: Limit = 50,
    ) -> Page[ServiceEventOut]:
        """Reports within reach, the latest first; `at`: those that were going on then."""
        return await listed(principal, kind, area, at, limit)

    @router.get("/outages")
    async def list_outages(
        principal: may_read,
        area: Annotated[str | None, Query(max_length=100)] = None,
        limit: Limit = 50,
    ) -> Page[ServiceEventOut]:
        """The outages that are known now: what to tell who asks why nothing works."""
        return await listed(principal, "outage", area, clock.now(), limit)

    async def listed(
        principal: Principal, kind: str | None, area: str | None, at: datetime | None, limit: int
    ) -> Page[ServiceEventOut]:
        async with database.reading() as connection:
            rows = await service_events(
                connection, principal.units, kind=kind, area=area, at=at, limit=limit
            )
        return Page(items=[ServiceEventOut.model_validate(one._mapping) for one in rows])

    def row(said: ServiceEventIn, principal: Principal) -> dict[str, Any]:
        unit = principal.unit if said.unit is None else door.unit_for(said.unit, principal)
        tokens = {
            name: door.tokens.reference(name, value) for name, value in said.references.items()
        }
        return {
            "unit": unit,
            "token": door.tokens.external(said.event_id),
            "event_id": mask(said.event_id).text[:255],
            "kind": said.kind,
            "area": said.area,
            "title": mask(said.title).text[:200] if said.title else None,
            "reference_tokens": tokens,
            "starts_at": said.starts_at,
            "ends_at": said.ends_at,
            "reported_at": clock.now(),
        }
