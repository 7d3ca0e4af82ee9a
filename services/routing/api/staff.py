"""Staff data over HTTP: teams, handlers, shifts, leaves, one by one or as a file."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Table

from services.routing import store
from services.routing.model.staff import CAPACITY, Leave, Staff, Team, WorkShift
from services.routing.policy.sheet import HEADINGS, Given, Value, Wrong, columns_of, read_line
from services.routing.policy.staffing import Checking
from services.routing.store import staff
from services.routing.usecases import Routing
from services.routing.usecases import staff as usecases
from shared.service import Environment
from shared.sheets import FILE_CAP, read_lines, write_csv
from shared.store.database import Database
from shared.web.body import CleanText, FilledText, body_of, describe_body, read_capped
from shared.web.credentials import Principal
from shared.web.paging import Limit, Page, cursor, read_cursor

Code = Annotated[CleanText, Field(max_length=64)]
Id = Annotated[CleanText, Field(max_length=100)]
After = Annotated[str | None, Query(max_length=500)]


class TeamIn(BaseModel):
    """A team, for its unit and those below; it goes before the pack's of the same code. `hands_over`: from this
    severity open complaints go to somebody else when their handler's shift ends; without it they stay.
    """

    name_zh: Annotated[FilledText, Field(max_length=200)]
    name_en: Annotated[CleanText, Field(max_length=200)] = ""
    supervisor: Id | None = None
    skills: Annotated[list[Code], Field(max_length=100)] = []
    hands_over: Literal["low", "normal", "high", "critical"] | None = None


class TeamOut(BaseModel):
    """A team as it holds for a unit; `said_by`: `staff` data of `unit`, or the `pack`."""

    id: str
    unit: str
    name_zh: str
    name_en: str
    supervisor: str | None
    skills: list[str]
    hands_over: str | None
    said_by: Literal["staff", "pack"]


class StaffIn(BaseModel):
    """What a handler can do. Without languages or areas: all. `capacity` in points: a low case counts 1, a normal one
    2, high 3, critical 5. `hours`: `Mon-Fri 09:00-12:00 13:00-18:00; Sat 09:00-12:00` or `周一至周五 09:00-18:00`.
    """

    team: Annotated[CleanText, Field(max_length=60)]
    skills: Annotated[list[Code], Field(max_length=100)] = []
    languages: Annotated[list[Code], Field(max_length=20)] | None = None
    areas: Annotated[list[CleanText], Field(max_length=500)] | None = None
    capacity: int = CAPACITY
    hours: Annotated[CleanText, Field(max_length=300)] | None = None
    zone: Annotated[CleanText, Field(max_length=64)] | None = None


class ShiftIn(BaseModel):
    ends_at: AwareDatetime


class LeaveIn(BaseModel):
    ends_at: AwareDatetime
    substitute: Id | None = None


class ShiftOut(BaseModel):
    handler: str
    unit: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class LeaveOut(ShiftOut):
    substitute: str | None


class ImportedLine(BaseModel):
    """One line: what it does, or what is wrong with it."""

    line: int
    action: Literal["added", "changed", "same", "wrong"]
    errors: list[dict[str, str]] = []


class Imported(BaseModel):
    """What became of a file. With anything wrong nothing is taken over."""

    dry_run: bool
    added: int
    changed: int
    same: int
    wrong: int
    lines: list[ImportedLine]


def staff_routes(environment: Environment, database: Database, routing: Routing) -> APIRouter:
    """Routing's routes for staff data."""
    router = APIRouter()
    reads = Annotated[Principal, Depends(environment.guard.scope("routing:read"))]
    writes = Annotated[Principal, Depends(environment.guard.scope("routing:write"))]
    zone = environment.settings.timezone

    def unit_of(principal: Principal, unit: str | None) -> str:
        found = unit or principal.unit
        principal.must_reach(found, "unit")
        return found

    async def keep(value: Value, principal: Principal) -> None:
        await database.run(
            lambda tx: usecases.keep_staff(tx, routing, [Given(0, value)], units=principal.units)
        )

    async def page(
        table: Table, principal: Principal, handler: str | None, after: str | None, limit: int
    ) -> tuple[list[dict[str, Any]], str | None]:
        at = read_cursor(after, str, str) if after else None
        behind = (at[0], _time(at[1])) if at else None
        async with database.reading() as connection:
            rows = await staff.page(
                connection, table, units=principal.units, handler=handler, after=behind, limit=limit + 1
            )  # fmt: skip
        items = [dict(row._mapping) for row in rows[:limit]]
        last = items[-1] if len(rows) > limit else None
        return items, cursor(last["handler"], last["starts_at"].isoformat()) if last else None

    @router.get("/teams")
    async def list_teams(
        principal: reads, unit: str | None = None, after: After = None, limit: Limit = 50
    ) -> Page[TeamOut]:
        at, behind = unit_of(principal, unit), read_cursor(after, str)[0] if after else ""
        async with database.reading() as connection:
            kept = await staff.teams(connection, list(routing.policy.upwards(at)))
        found = usecases.teams_of(routing, at, kept, environment.clock.now())
        items = [
            TeamOut(**asdict(team), said_by=by)  # type: ignore[arg-type]
            for team, by in found
            if team.id > behind
        ]
        more = len(items) > limit
        return Page(items=items[:limit], next=cursor(items[limit - 1].id) if more else None)

    @router.put("/teams/{team}", status_code=204, openapi_extra=describe_body(TeamIn))
    async def put_team(
        principal: writes,
        team: str,
        body: Annotated[TeamIn, Depends(body_of(TeamIn))],
        unit: str | None = None,
    ) -> None:
        value = Team(
            unit=unit_of(principal, unit),
            id=team,
            name_zh=body.name_zh,
            name_en=body.name_en or body.name_zh,
            supervisor=body.supervisor,
            skills=tuple(body.skills),
            hands_over=body.hands_over,
        )
        await keep(value, principal)

    @router.delete("/teams/{team}", status_code=204)
    async def delete_team(principal: writes, team: str, unit: str | None = None) -> None:
        at = unit_of(principal, unit)
        await database.run(
            lambda tx: usecases.drop_team(tx, unit=at, team=team, units=principal.units)
        )

    @router.put("/handlers/{handler}", status_code=204, openapi_extra=describe_body(StaffIn))
    async def put_handler(
        principal: writes, handler: str, body: Annotated[StaffIn, Depends(body_of(StaffIn))]
    ) -> None:
        account = usecases.handler_in_reach(routing, handler, principal.units)
        await keep(_staff(account.id, account.unit, body, zone), principal)

    @router.delete("/handlers/{handler}", status_code=204)
    async def delete_handler(principal: writes, handler: str) -> None:
        await database.run(
            lambda tx: usecases.forget_handler(tx, routing, handler=handler, units=principal.units)
        )

    @router.get("/shifts")
    async def list_shifts(
        principal: reads, handler: str | None = None, after: After = None, limit: Limit = 50
    ) -> Page[ShiftOut]:
        items, next_ = await page(store.SHIFTS, principal, handler, after, limit)
        return Page(items=[ShiftOut.model_validate(one) for one in items], next=next_)

    @router.put(
        "/handlers/{handler}/shifts/{starts_at}", status_code=204, openapi_extra=describe_body(ShiftIn)
    )  # fmt: skip
    async def put_shift(
        principal: writes,
        handler: str,
        starts_at: AwareDatetime,
        body: Annotated[ShiftIn, Depends(body_of(ShiftIn))],
    ) -> None:
        account = usecases.handler_in_reach(routing, handler, principal.units)
        await keep(WorkShift(account.id, account.unit, starts_at, body.ends_at), principal)

    @router.delete("/handlers/{handler}/shifts/{starts_at}", status_code=204)
    async def delete_shift(principal: writes, handler: str, starts_at: AwareDatetime) -> None:
        await database.run(
            lambda tx: usecases.drop_shift(
                tx, routing, handler=handler, starts_at=starts_at, units=principal.units
            )
        )

    @router.get("/leaves")
    async def list_leaves(
        principal: reads, handler: str | None = None, after: After = None, limit: Limit = 50
    ) -> Page[LeaveOut]:
        items, next_ = await page(store.LEAVES, principal, handler, after, limit)
        return Page(items=[LeaveOut.model_validate(one) for one in items], next=next_)

    @router.put(
        "/handlers/{handler}/leaves/{starts_at}", status_code=204, openapi_extra=describe_body(LeaveIn)
    )  # fmt: skip
    async def put_leave(
        principal: writes,
        handler: str,
        starts_at: AwareDatetime,
        body: Annotated[LeaveIn, Depends(body_of(LeaveIn))],
    ) -> None:
        account = usecases.handler_in_reach(routing, handler, principal.units)
        leave = Leave(account.id, account.unit, starts_at, body.ends_at, body.substitute)
        await keep(leave, principal)

    @router.delete("/handlers/{handler}/leaves/{starts_at}", status_code=204)
    async def delete_leave(principal: writes, handler: str, starts_at: AwareDatetime) -> None:
        await database.run(
            lambda tx: usecases.drop_leave(
                tx, routing, handler=handler, starts_at=starts_at, units=principal.units
            )
        )

    @router.post("/staff/imports", openapi_extra=_FILE)
    async def import_staff(
        principal: writes, request: Request, unit: str | None = None, *, dry_run: bool = False
    ) -> Imported:
        at = unit_of(principal, unit)
        lines = await asyncio.to_thread(read_lines, await read_capped(request, FILE_CAP))
        read = [read_line(one.sheet, one.number, one.cells, unit=at, zone=zone) for one in lines]
        given = [one for one in read if isinstance(one, Given)]
        wrong = [one for one in read if isinstance(one, Wrong)]
        if dry_run:
            async with database.reading() as connection:
                now = environment.clock.now()
                found = await usecases.check_staff(
                    connection, routing, given, units=principal.units, now=now
                )
        else:
            found = await database.run(
                lambda tx: usecases.keep_staff(
                    tx, routing, given, units=principal.units, wrong=wrong
                )
            )
        return _imported(found, wrong, dry_run=dry_run)

    @router.get("/staff/export", response_class=Response)
    async def export_staff(principal: reads, unit: str | None = None) -> Response:
        units = routing.policy.subtree(unit_of(principal, unit))
        accounts = routing.policy.accounts
        async with database.reading() as connection:
            handlers = await staff.handlers(connection, units)
            ids = [one.handler for one in handlers]
            found: list[Value] = [
                *await staff.teams(connection, units),
                *handlers,
                *await staff.shifts(connection, ids),
                *await staff.leaves(connection, ids),
            ]
        return Response(
            write_csv(
                [*HEADINGS], _cells(found, {id_: one.login for id_, one in accounts.items()})
            ),
            media_type="text/csv; charset=utf-8",
        )

    return router


_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in (
                "text/csv",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            )
        },
    }
}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _staff(handler: str, unit: str, body: StaffIn, zone: str) -> Staff:
    return Staff(
        handler=handler,
        unit=unit,
        team=body.team,
        skills=tuple(body.skills),
        languages=None if body.languages is None else tuple(body.languages),
        areas=None if body.areas is None else tuple(body.areas),
        capacity=body.capacity,
        hours=body.hours,
        zone=(body.zone or zone) if body.hours is not None else None,
    )


def _cells(found: Sequence[Value], logins: dict[str, str]) -> list[list[str]]:
    lines = [dict(columns_of(one, login=lambda id_: logins.get(id_, id_))) for one in found]
    return [[line.get(column, "") for column in HEADINGS] for line in lines]


def _imported(found: Checking, unread: Sequence[Wrong], *, dry_run: bool) -> Imported:
    wrong: dict[int, list[dict[str, str]]] = {}
    for one in (*unread, *found.wrong):
        told = {"field": one.field, "code": one.code, "message": one.en, "zh": one.zh}
        wrong.setdefault(one.line, []).append(told)
    lines = [
        ImportedLine(line=one.line, action=one.action)
        for one in found.lines
        if one.line not in wrong
    ]
    lines += [ImportedLine(line=at, action="wrong", errors=of) for at, of in wrong.items()]
    actions = [one.action for one in lines]
    return Imported(
        dry_run=dry_run,
        added=actions.count("added"),
        changed=actions.count("changed"),
        same=actions.count("same"),
        wrong=actions.count("wrong"),
        lines=sorted(lines, key=lambda one: one.line),
    )
