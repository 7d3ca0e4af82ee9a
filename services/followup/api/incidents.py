"""Incidents over HTTP: opened, read, and commanded, a route a command."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AliasChoices, BaseModel, Field
from sqlalchemy import Row

from services.followup import store
from services.followup.policy.incidents.orders import OpenIncident
from services.followup.policy.incidents.table import COMMANDS, STAFF, Command
from services.followup.store import incidents as rows
from services.followup.usecases.commands import Actor
from services.followup.usecases.incidents import (
    IncidentDone,
    IncidentOrder,
    command_incident,
    not_found,
    open_by_staff,
)
from services.followup.usecases.record import Followup
from shared.contracts.desk import Role
from shared.contracts.incidents import (
    IncidentBody,
    IncidentReport,
    IncidentResult,
    Inspected,
    Sign,
    Teammate,
)
from shared.contracts.values import CaseStateName, Finding, IncidentState, Language
from shared.errors import Forbidden
from shared.ids import new_id
from shared.service import Environment
from shared.store.database import Database
from shared.store.transaction import AnyRow
from shared.web.body import describe_body, read_capped, validate
from shared.web.credentials import Principal
from shared.web.idempotency import REPLAYED, fingerprint, key_of
from shared.web.json import dump
from shared.web.paging import Limit, Page, page_of, read_cursor
from shared.web.versions import etag, wanted_version

After = Annotated[str | None, Query(max_length=500)]
InspectionState = Literal["open", "fine", "faulty"]
Membership = Literal["in", "waiting", "out"]


class IncidentOut(BaseModel):
    """An incident as it is now. Members, bulletins and inspections have lists of their own."""

    id: Annotated[str, Field(validation_alias=AliasChoices("incident_id", "id"))]
    unit: str
    state: IncidentState
    version: int
    zh: str
    en: str
    origin: Literal["warning", "candidate", "staff"]
    warning_id: str | None
    sign: Sign | None
    categories: tuple[str, ...]
    members: int
    joined: int
    stands_for: str | None
    lead: str | None
    team: tuple[Teammate, ...]
    inspections: Inspected
    finding: Finding | None
    result: IncidentResult | None
    report: IncidentReport | None
    bulletins: int
    opened_at: datetime
    solved_at: datetime | None
    closed_at: datetime | None


class MemberOut(BaseModel):
    """A complaint of an incident with what a message to its customer needs, and where its own case stands.

    `lacks`: what its case needs before the incident's result can resolve it too; `seen`: how many of the incident's
    changes of state have come to it.
    """

    complaint: str
    number: str
    unit: str
    cycle: int
    complainant_id: str
    language: Language
    pack: str
    pack_version: str
    case_state: CaseStateName
    state: Membership
    via: str
    seen: int
    lacks: list[str] | None
    reason: str | None
    joined_at: datetime | None
    left_at: datetime | None


class BulletinOut(BaseModel):
    """What the members of that time, so many, were told together."""

    id: str
    zh: str
    en: str
    next_zh: str
    next_en: str
    expected_by: datetime | None
    danger: bool
    members: int
    by: str
    said_at: datetime


class InspectionOut(BaseModel):
    """One object that is looked at, and what was found."""

    id: str
    object: str
    place: str | None
    state: InspectionState
    finding: str | None
    photos: list[str]
    by: str | None
    done_at: datetime | None


class MoveOut(BaseModel):
    """A change of state on its way to the members: how many it reached, how many cases need a hand of their own."""

    number: int
    state: IncidentState
    by: str
    reached: int
    blocked: int
    is_open: bool
    begun_at: datetime
    ended_at: datetime | None


class ReportOut(BaseModel):
    """All there is to say of an incident: itself, its members counted, its changes, and its written report.

    `counts`: members by `membership`, and those in it by `via`, `case_state`, `unit`, `severity`, `area`, `category`.
    """

    incident: IncidentOut
    counts: dict[str, dict[str, int]]
    moves: list[MoveOut]


def incident_routes(
    router: APIRouter, environment: Environment, database: Database, context: Followup
) -> None:
    """`/incidents`, and all below it."""
    _reading(router, environment, database)
    _lists(router, environment, database)
    _opening(router, environment, database, context)
    for known in COMMANDS.values():
        _command(router, environment, database, context, known)


def _reading(router: APIRouter, environment: Environment, database: Database) -> None:
    may = Annotated[Principal, Depends(environment.guard.scope("followup:read"))]

    @router.get("/incidents")
    async def list_incidents(
        principal: may,
        *,
        is_open: Annotated[bool | None, Query(alias="open")] = None,
        state: IncidentState | None = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[IncidentOut]:
        """Incidents, the newest first."""
        before = read_cursor(after, str)[0] if after else None
        query = rows.incidents_query(
            principal.units, is_open=is_open, state=state, before=before, limit=limit + 1
        )
        async with database.reading() as connection:
            found = await store.fetch(connection, query)
        return page_of(
            found,
            limit=limit,
            item=lambda row: incident_out(rows.body_of(row), row.unit),
            key=lambda row: (row.id,),
        )

    @router.get("/incidents/{incident}")
    async def read_incident(principal: may, incident: str, response: Response) -> IncidentOut:
        async with database.reading() as connection:
            row = _reached(await rows.find_incident(connection, incident), principal, incident)
        response.headers["ETag"] = etag(row.version)
        return incident_out(rows.body_of(row), row.unit)

    @router.get("/incidents/{incident}/report")
    async def read_report(principal: may, incident: str) -> ReportOut:
        """The incident with its members counted; of members out of one's reach nothing is counted."""
        async with database.reading() as connection:
            row = _reached(await rows.find_incident(connection, incident), principal, incident)
            counts = await rows.counted(connection, incident, principal.units)
            moves = await rows.moves_of(connection, incident)
        return ReportOut(
            incident=incident_out(rows.body_of(row), row.unit),
            counts={name: dict(found) for name, found in counts.items()},
            moves=[MoveOut.model_validate(one, from_attributes=True) for one in moves],
        )


def _lists(router: APIRouter, environment: Environment, database: Database) -> None:
    may = Annotated[Principal, Depends(environment.guard.scope("followup:read"))]

    @router.get("/incidents/{incident}/members")
    async def list_members(
        principal: may,
        incident: str,
        state: Membership = "in",
        after: After = None,
        limit: Limit = 50,
    ) -> Page[MemberOut]:
        """The complaints of an incident in the order of their joining: who joins meanwhile comes last."""
        position, id_ = read_cursor(after, int, str) if after else (0, "")
        query = rows.members_query(
            incident, principal.units, state=state, after=(position, id_), limit=limit + 1
        )
        async with database.reading() as connection:
            _reached(await rows.find_incident(connection, incident), principal, incident)
            found = await store.fetch(connection, query)
        return page_of(
            found, limit=limit, item=_member_out, key=lambda row: (row.position or 0, row.id)
        )

    @router.get("/incidents/{incident}/bulletins")
    async def list_bulletins(
        principal: may, incident: str, after: After = None, limit: Limit = 50
    ) -> Page[BulletinOut]:
        """What members were told together, the newest first."""
        before = read_cursor(after, str)[0] if after else None
        query = rows.bulletins_query(incident, before=before, limit=limit + 1)
        async with database.reading() as connection:
            _reached(await rows.find_incident(connection, incident), principal, incident)
            found = await store.fetch(connection, query)
        return page_of(found, limit=limit, item=_bulletin_out, key=lambda row: (row.id,))

    @router.get("/incidents/{incident}/inspections")
    async def list_inspections(
        principal: may,
        incident: str,
        state: InspectionState | None = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[InspectionOut]:
        """What is looked at because of it (排查), in the order in which it was listed."""
        last = read_cursor(after, str)[0] if after else None
        query = rows.inspections_query(incident, state=state, after=last, limit=limit + 1)
        async with database.reading() as connection:
            _reached(await rows.find_incident(connection, incident), principal, incident)
            found = await store.fetch(connection, query)
        return page_of(
            found, limit=limit, key=lambda row: (row.id,),
            item=lambda row: InspectionOut.model_validate(row, from_attributes=True),
        )  # fmt: skip


def _opening(
    router: APIRouter, environment: Environment, database: Database, context: Followup
) -> None:
    @router.post(
        "/incidents", status_code=HTTPStatus.CREATED, openapi_extra=describe_body(OpenIncident)
    )
    async def open_incident(request: Request, response: Response) -> IncidentOut:
        """Open an incident with its first members: by staff, or of what routing offered as a candidate."""
        principal = _may(environment, request, STAFF)
        sent = validate(OpenIncident, await read_capped(request))
        unit = sent.unit or principal.unit
        principal.must_reach(unit, "`unit`")
        order = IncidentOrder(
            name="open", incident=new_id(), sent=sent, actor=_actor(principal), version=None, key=key_of(request),
            fingerprint=fingerprint(dump(sent.model_dump())),
        )  # fmt: skip
        done = await database.run(lambda tx: open_by_staff(tx, context, order, unit))
        response.headers["Location"] = f"/followup/v1/incidents/{done.body.incident_id}"
        return _answered(response, done)


def _command(
    router: APIRouter,
    environment: Environment,
    database: Database,
    context: Followup,
    known: Command,
) -> None:
    """One command: `POST /incidents/{incident}/commands/{name}` with If-Match."""
    name = known.name

    async def issue(request: Request, incident: str, response: Response) -> IncidentOut:
        principal = _may(environment, request, known.roles)
        version = wanted_version(request)
        sent = validate(known.order, await read_capped(request) or b"{}")
        sent.check(environment.clock.now())
        order = IncidentOrder(
            name=name, incident=incident, sent=sent, actor=_actor(principal), version=version, key=key_of(request),
            fingerprint=fingerprint(name.encode(), incident.encode(), dump(sent.model_dump())),
        )  # fmt: skip
        return _answered(
            response, await database.run(lambda tx: command_incident(tx, context, order))
        )

    router.add_api_route(
        f"/incidents/{{incident}}/commands/{name}",
        issue,
        methods=["POST"],
        name=f"incident_{name}",
        summary=known.order.__doc__,
        openapi_extra=describe_body(known.order),
    )


def _may(environment: Environment, request: Request, roles: tuple[Role, ...]) -> Principal:
    """Who asks, if they may write and, being staff, have one of the roles. Raises Forbidden."""
    found = environment.guard.of(request, "followup:write")
    if found.role is not None and found.role not in roles:
        raise Forbidden(
            f"This is for {', '.join(roles)}; you are {found.role}.", zh="您的角色不能进行此操作。"
        )
    return found


def _actor(principal: Principal) -> Actor:
    return Actor(principal.id, principal.role, principal.units, may_write=True)


def _answered(response: Response, done: IncidentDone) -> IncidentOut:
    response.headers["ETag"] = etag(done.body.version)
    if done.is_replay:
        response.headers[REPLAYED] = "true"
    return incident_out(done.body, done.unit)


def incident_out(body: IncidentBody, unit: str) -> IncidentOut:
    """An incident as the API shows it."""
    return IncidentOut.model_validate({**dict(body), "unit": unit})


def _reached(row: Row[Any] | None, principal: Principal, incident: str) -> Row[Any]:
    """The row, if the asker's units hold it. Raises NotFound."""
    if row is None or row.unit not in principal.units:
        raise not_found(incident)
    return row


def _member_out(row: AnyRow) -> MemberOut:
    of_case = {
        name: row.body[name]
        for name in ("cycle", "complainant_id", "language", "pack", "pack_version")
    }
    shown = {name: getattr(row, name) for name in MemberOut.model_fields if name not in of_case}
    return MemberOut.model_validate(shown | of_case)


def _bulletin_out(row: AnyRow) -> BulletinOut:
    said = row.body | {"expected_by": row.body["by"], "by": row.by}
    return BulletinOut.model_validate(said | {"id": row.id, "members": row.members})
