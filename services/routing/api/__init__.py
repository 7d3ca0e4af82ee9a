"""Routing over HTTP: decisions with their reasons, corrections, presence."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.routing import store, usecases
from services.routing.api.reassigning import reassigning_routes
from services.routing.api.simulations import simulation_routes
from services.routing.api.staff import staff_routes
from services.routing.model import Correction, Understanding
from services.routing.store import heard, learning
from services.routing.usecases import Routing
from services.routing.usecases.learn import activate
from services.routing.usecases.reading import read_text
from services.routing.usecases.staff import handler_in_reach
from shared.contracts.values import Kind, Severity
from shared.errors import Forbidden, NotFound
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
    scope: str | None
    emotion: str | None
    wants: list[str] | None
    team: str
    helpers: list[str] | None
    handler: str | None
    reasons: list[dict[str, Any]]
    passed_over: list[dict[str, Any]]
    pack: str
    pack_version: str
    model: str
    decided_by: str
    decided_at: datetime
    incident_candidates: list[dict[str, Any]] = []
    """Recent complaints of the unit that may have the same cause: by which sign, which, how many, how likely.

    Told of one decision, not in lists; nothing follows by itself."""


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
    """A handler as routing sees them. `team` null: there is no staff data about them, they take every team's work.
    `load` and `capacity` in points: a low case counts 1, a normal one 2, high 3, critical 5.
    """

    id: str
    unit: str
    login: str | None = None
    display: str | None = None
    team: str | None
    skills: list[str] | None
    languages: list[str] | None
    areas: list[str] | None
    hours: str | None
    zone: str | None
    has_shifts: bool
    present: bool
    load: int
    capacity: int
    last_assigned_at: datetime | None


class TextIn(BaseModel):
    """A text to be understood, by the pack of a unit or by the pack named (`power`, `power@1.0`)."""

    text: Annotated[FilledText, Field(max_length=20_000)]
    unit: Annotated[CleanText, Field(max_length=63)] | None = None
    pack: Annotated[CleanText, Field(max_length=63)] | None = None
    references: Annotated[dict[str, str], Field(max_length=20)] = {}
    channel: Annotated[CleanText, Field(max_length=20)] = "web"


class Valued(BaseModel):
    """A kind and how sure it is, 0 to 1."""

    value: str
    score: float


class SeverityFound(BaseModel):
    """How bad it is, and the cues by which."""

    value: Severity
    cues: list[dict[str, Any]]


class Understood(BaseModel):
    """How a text would be understood. `categories` is never empty, the likeliest first; evidence gives words with their
    places in the text, in characters, and `by` tells the pack's words from what was learnt.
    """

    kind: Valued
    categories: list[dict[str, Any]]
    severity: SeverityFound
    urgency: str
    scope: str
    emotion: str
    wants: list[str]
    language: str
    unsure: bool
    reasons: list[dict[str, str]]
    team: str
    pack: str
    pack_version: str
    model: str


class Model(BaseModel):
    """What was learnt, of which pack version, and how right it was on corrections kept aside."""

    pack: str
    pack_version: str
    name: str
    corrections: int
    measured: dict[str, Any]
    made_at: datetime
    in_force: bool


class ActivationIn(BaseModel):
    """The model by which a pack version reads from now on."""

    pack: Annotated[CleanText, Field(max_length=63)]
    pack_version: Annotated[CleanText, Field(max_length=30)]
    name: Annotated[CleanText, Field(max_length=80)]


After = Annotated[str | None, Query(max_length=500)]


def routes(environment: Environment, database: Database, routing: Routing) -> APIRouter:
    """Routing's routes."""
    router = APIRouter(prefix="/routing/v1")
    router.include_router(simulation_routes(environment, database, routing))
    reads = Annotated[Principal, Depends(environment.guard.scope("routing:read"))]
    writes = Annotated[Principal, Depends(environment.guard.scope("routing:write"))]

    async def present(number: str, principal: Principal) -> Decision:
        async with database.reading() as connection:
            row = await store.one_decision(connection, number=number, units=principal.units)
            if row is None:
                raise NotFound(
                    f"There is no decision on {number!r}.", zh=f"没有编号 {number} 的派单记录。"
                )
            found = await heard.candidates(connection, row.complaint)
        return _shown(row).model_copy(update={"incident_candidates": found})

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
        principal: reads,
        number: str,
        body: Annotated[CorrectionIn, Depends(body_of(CorrectionIn))],
    ) -> Decision:
        """Say what it is: its handler, or who may give out work."""
        found = await present(number, principal)
        if "routing:write" not in principal.scopes and principal.id != f"account/{found.handler}":
            raise Forbidden(
                "Only its handler may correct it, or who may give out work.",
                zh="只有其处理人或有派单权限的人可以更正。",
            )
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

    @router.post("/understand", openapi_extra=describe_body(TextIn))
    async def read(
        principal: reads, body: Annotated[TextIn, Depends(body_of(TextIn))]
    ) -> Understood:
        unit = body.unit or principal.unit
        principal.must_reach(unit, "unit")
        understood, pack = await read_text(
            routing,
            text=body.text,
            unit=unit,
            pack=body.pack,
            references=body.references,
            channel=body.channel,
            now=environment.clock.now(),
        )
        return _understood(understood, pack.pack.id, pack.pack.version)

    @router.get("/models")
    async def list_models(
        _: reads, pack: str | None = None, after: After = None, limit: Limit = 50
    ) -> Page[Model]:
        at = read_cursor(after, str, str, str) if after else None
        async with database.reading() as connection:
            rows = await learning.models(
                connection, pack=pack, after=(at[0], at[1], at[2]) if at else None, limit=limit + 1
            )
        items = [
            Model.model_validate({**row._mapping, "in_force": row.in_force is not None})
            for row in rows[:limit]
        ]
        last = items[-1] if len(rows) > limit else None
        return Page(
            items=items, next=cursor(last.pack, last.pack_version, last.name) if last else None
        )

    @router.post("/models/activations", status_code=204, openapi_extra=describe_body(ActivationIn))
    async def put_in_force(
        principal: writes, body: Annotated[ActivationIn, Depends(body_of(ActivationIn))]
    ) -> None:
        await database.run(
            lambda tx: activate(
                tx, pack=body.pack, version=body.pack_version, name=body.name, by=principal.id
            )
        )
        async with database.reading() as connection:
            await routing.models.refresh(connection)

    @router.get("/handlers")
    async def list_handlers(
        principal: reads, after: After = None, limit: Limit = 50
    ) -> Page[Handler]:
        at = read_cursor(after, str)[0] if after else None
        async with database.reading() as connection:
            rows = await store.roster(connection, units=principal.units, after=at, limit=limit + 1)
        items = [_handler(row, routing) for row in rows[:limit]]
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

    @router.get("/handlers/{handler}")
    async def get_handler(principal: reads, handler: str) -> Handler:
        account = handler_in_reach(routing, handler, principal.units)
        async with database.reading() as connection:
            row = await store.one_handler(connection, account.id)
        if row is None:
            raise NotFound(
                f"Nothing is known of {handler!r} yet.", zh=f"尚无处理人 {handler} 的资料。"
            )
        return _handler(row, routing)

    router.include_router(staff_routes(environment, database, routing))
    router.include_router(reassigning_routes(environment, database, routing))
    return router


def _handler(row: AnyRow, routing: Routing) -> Handler:
    account = routing.policy.accounts.get(row.id)
    known = {"login": account.login, "display": account.display} if account else {}
    return Handler.model_validate({**row._mapping, **known})


def _shown(row: AnyRow) -> Decision:
    choice = row.choice
    return Decision.model_validate(
        {
            **row._mapping,
            "reasons": [*row.reasons, *choice["reasons"]],
            "passed_over": choice["passed_over"],
        }
    )


def _understood(one: Understanding, pack: str, version: str) -> Understood:
    return Understood(
        kind=Valued(value=one.kind, score=one.kind_score),
        categories=[asdict(candidate) for candidate in one.categories],
        severity=SeverityFound(value=one.severity, cues=[asdict(cue) for cue in one.cues]),
        urgency=one.urgency,
        scope=one.manner.scope,
        emotion=one.manner.emotion,
        wants=list(one.manner.wants),
        language=one.language,
        unsure=one.unsure,
        reasons=[asdict(reason) for reason in one.reasons],
        team=one.team,
        pack=pack,
        pack_version=version,
        model=one.model,
    )
