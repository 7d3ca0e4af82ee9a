"""Followup's routes."""

import hmac
import math
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import Row

from services.followup import store
from services.followup.api.answers import (
    CaseOut,
    ClockOut,
    CustomerOut,
    ListOut,
    case_out,
    clock_out,
    customer_out,
    lifecycle_out,
    timeline,
)
from services.followup.api.bodies import COMMAND_BODIES, Edge
from services.followup.policy import clocks
from services.followup.policy.customer import view
from services.followup.policy.lifecycle import CommandName
from services.followup.policy.throttle import PER_SECOND, Throttle
from services.followup.usecases.commands import Actor, Order, command
from services.followup.usecases.record import Followup
from shared.contracts.followup import CaseChanged
from shared.contracts.values import CaseStateName
from shared.errors import Forbidden, NotFound, TooMany
from shared.ids import code_digest, new_id
from shared.service import Environment
from shared.store.database import Database
from shared.web.body import describe_body, read_capped, validate
from shared.web.credentials import Principal
from shared.web.idempotency import REPLAYED, fingerprint, key_of
from shared.web.json import dump
from shared.web.paging import Limit, Page, cursor, read_cursor
from shared.web.versions import etag, wanted_version

After = Annotated[str | None, Query(max_length=500)]
Filter = Annotated[str | None, Query(max_length=100)]


def routes(environment: Environment, database: Database, context: Followup) -> APIRouter:
    """All of followup's routes."""
    router = APIRouter(prefix="/followup/v1")
    _reading_routes(router, environment, database, context)
    _customer_route(router, environment, database)
    for name in COMMAND_BODIES:
        _command_route(router, environment, database, context, name)
    return router


def _reading_routes(
    router: APIRouter, environment: Environment, database: Database, context: Followup
) -> None:
    may = Annotated[Principal, Depends(environment.guard.scope("followup:read"))]

    @router.get("/lifecycle")
    async def lifecycle(_: may) -> dict[str, Any]:
        return lifecycle_out()

    @router.get("/cases")
    async def list_cases(
        principal: may,
        state: CaseStateName | None = None,
        handler: Filter = None,
        team: Filter = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[CaseOut]:
        before = read_cursor(after, str)[0] if after else None
        filters = {"state": state, "handler": handler, "team": team}
        query = store.cases_query(principal.units, filters=filters, before=before, limit=limit + 1)
        async with database.reading() as connection:
            rows = list(await store.fetch(connection, query))
        more, rows = len(rows) > limit, rows[:limit]
        return Page(
            items=[_case(row) for row in rows], next=cursor(rows[-1].complaint) if more else None
        )

    @router.get("/cases/{number}")
    async def read_case(principal: may, number: str, response: Response) -> CaseOut:
        async with database.reading() as connection:
            row = _reached(await store.find(connection, number), principal, number)
        response.headers["ETag"] = etag(row.version)
        return _case(row)

    @router.get("/cases/{number}/timeline")
    async def read_timeline(principal: may, number: str) -> ListOut:
        async with database.reading() as connection:
            row = _reached(await store.find(connection, number), principal, number)
            facts = await store.facts_of(connection, row.complaint)
            about_clocks = await store.clock_facts_of(connection, row.complaint)
        return ListOut(items=timeline(facts, about_clocks))

    @router.get("/cases/{number}/clocks")
    async def read_clocks(principal: may, number: str, *, explain: bool = False) -> ListOut:
        async with database.reading() as connection:
            row = _reached(await store.find(connection, number), principal, number)
            facts = [fact for fact, _ in await store.clock_facts_of(connection, row.complaint)]
        rules = context.rules(row.body["pack"], row.body["pack_version"])
        found: list[ClockOut] = [
            clock_out(one, rules, facts if explain else None) for one in clocks.read(facts)
        ]
        return ListOut(items=found)


def _customer_route(router: APIRouter, environment: Environment, database: Database) -> None:
    throttle = Throttle(environment.clock.now)

    @router.get("/public/cases/{number}", response_model=CustomerOut)
    async def read_public(request: Request, number: str) -> Response:
        """Where it stands, for who has number and code. Throttled by number, in each process."""
        if not throttle.take(number):
            raise _too_often()
        async with database.reading() as connection:
            row = await store.find(connection, number)
        digest = code_digest(request.headers.get("redress-code", ""))
        is_right = hmac.compare_digest(digest, row.code_sha256 if row else "0" * 64)
        if row is None or not is_right:
            raise NotFound(
                "There is no such complaint: check the number and the code.",
                zh="未找到，请核对编号和查询码。",
            )
        shown = customer_out(view(CaseChanged.model_validate(row.body), row.callback_due_at))
        headers = {"Cache-Control": "no-store"}
        return Response(dump(shown.model_dump()), media_type="application/json", headers=headers)


def _command_route(
    router: APIRouter,
    environment: Environment,
    database: Database,
    context: Followup,
    name: CommandName,
) -> None:
    known = COMMAND_BODIES[name]

    async def issue(request: Request, number: str, response: Response) -> CaseOut:
        principal = _principal(environment, request)
        version = wanted_version(request)
        raw = await read_capped(request)
        body = validate(known.model, raw or b"{}")
        edge = Edge(environment.clock.now(), new_id())
        order = Order(
            name=name,
            number=number,
            doing=known.read(body, edge),
            actor=_actor(principal),
            version=version,
            key=key_of(request),
            fingerprint=fingerprint(name.encode(), number.encode(), dump(body.model_dump())),
        )
        done = await database.run(lambda tx: command(tx, context, order))
        response.headers["ETag"] = etag(done.body.version)
        if done.is_replay:
            response.headers[REPLAYED] = "true"
        return case_out(done.complaint, done.unit, done.body)

    router.add_api_route(
        f"/cases/{{number}}/commands/{name}",
        issue,
        methods=["POST"],
        name=name,
        summary=known.model.__doc__,
        openapi_extra=describe_body(known.model),
    )


def _principal(environment: Environment, request: Request) -> Principal:
    """Who asks. That they may write is checked after the version, as the order of checks has it."""
    found = environment.guard.principal(request.headers.get("authorization"))
    if found.scopes.isdisjoint({"followup:read", "followup:write"}):
        raise Forbidden(
            "This needs the scope followup:write.", zh="此操作需要权限 followup:write。"
        )
    return found


def _actor(principal: Principal) -> Actor:
    return Actor(
        principal.id, principal.role, principal.units, "followup:write" in principal.scopes
    )


def _reached(row: Row[Any] | None, principal: Principal, number: str) -> Row[Any]:
    if row is None or row.unit not in principal.units:
        raise NotFound(f"There is no case {number}.", zh=f"没有工单 {number}。")
    return row


def _case(row: Row[Any]) -> CaseOut:
    return case_out(row.complaint, row.unit, CaseChanged.model_validate(row.body))


def _too_often() -> TooMany:
    return TooMany(
        "This number is asked about too often: wait a little.",
        zh="查询过于频繁，请稍候再试。",
        retry_after=math.ceil(1 / PER_SECOND),
    )
