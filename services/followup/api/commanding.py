"""Commands over HTTP, a route each."""

from fastapi import APIRouter, Request, Response

from services.followup.api.answers import CaseOut, case_out
from services.followup.policy.lifecycle import Command
from services.followup.usecases.commands import Actor, Order, command
from services.followup.usecases.record import Followup
from shared.errors import Forbidden
from shared.ids import new_id
from shared.service import Environment
from shared.store.database import Database
from shared.web.body import describe_body, read_capped, validate
from shared.web.credentials import Principal
from shared.web.idempotency import REPLAYED, fingerprint, key_of
from shared.web.json import dump
from shared.web.versions import etag, wanted_version


def command_route(
    router: APIRouter,
    environment: Environment,
    database: Database,
    context: Followup,
    known: Command,
) -> None:
    """One command: `POST /cases/{number}/commands/{name}` with If-Match."""
    name = known.name

    async def issue(request: Request, number: str, response: Response) -> CaseOut:
        principal = principal_of(environment, request)
        version = wanted_version(request)
        raw = await read_capped(request)
        sent = validate(known.order, raw or b"{}")
        sent.check(environment.clock.now())
        order = Order(
            name=name,
            number=number,
            sent=sent,
            actor=actor(principal),
            version=version,
            key=key_of(request),
            fingerprint=fingerprint(name.encode(), number.encode(), dump(sent.model_dump())),
            id=new_id(),
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
        summary=known.order.__doc__,
        openapi_extra=describe_body(known.order),
    )


def principal_of(environment: Environment, request: Request) -> Principal:
    """Who asks. That they may write is checked after the version, as the order of checks has it."""
    found = environment.guard.principal(request.headers.get("authorization"))
    if found.scopes.isdisjoint({"followup:read", "followup:write"}):
        raise Forbidden(
            "This needs the scope followup:write.", zh="此操作需要权限 followup:write。"
        )
    return found


def actor(principal: Principal) -> Actor:
    return Actor(
        principal.id, principal.role, principal.units, "followup:write" in principal.scopes
    )
