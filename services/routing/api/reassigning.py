"""Complaints go from one handler to another: given back by who has them, or many at once."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.routing import store, usecases
from services.routing.store import staff
from services.routing.usecases import Routing
from services.routing.usecases.staff import account_in_reach
from shared.errors import FieldError, Forbidden, Invalid, NotFound, Rejected
from shared.service import Environment
from shared.store.database import Database
from shared.web.body import CleanText, FilledText, body_of, describe_body
from shared.web.credentials import Principal

AT_ONCE = 200
Number = Annotated[CleanText, Field(max_length=20)]
Id = Annotated[CleanText, Field(max_length=36)]


class RefusalIn(BaseModel):
    """Why its handler cannot deal with it."""

    reason: Annotated[FilledText, Field(max_length=2_000)]


class RefusalOut(BaseModel):
    number: str
    state: str
    handler: str | None


class Move(BaseModel):
    """A complaint, and to whom it goes; without that by the rules."""

    number: Number
    handler: Id | None = None


class MovesIn(BaseModel):
    """A list, or what a handler has (`from`, the most severe first); `to`: who gets all of it, else by the rules."""

    items: Annotated[list[Move], Field(max_length=AT_ONCE)] = []
    from_: Annotated[Id | None, Field(alias="from")] = None
    to: Id | None = None
    reason: Annotated[FilledText, Field(max_length=2_000)]


class Moved(BaseModel):
    """What became of one: its handler now, and why it stayed as it was."""

    number: str
    status: Literal["moved", "stayed"]
    handler: str | None = None
    code: str | None = None
    message: str | None = None
    zh: str | None = None


class MovesOut(BaseModel):
    """A result each. `left`: how many of the handler's were beyond one request's; ask again."""

    items: list[Moved]
    left: bool = False


def reassigning_routes(environment: Environment, database: Database, routing: Routing) -> APIRouter:
    """Routing's routes for reassignment."""
    router = APIRouter()
    reads = Annotated[Principal, Depends(environment.guard.scope("routing:read"))]
    writes = Annotated[Principal, Depends(environment.guard.scope("routing:write"))]

    async def decision(number: str, principal: Principal) -> Any:  # noqa: ANN401 - a row
        async with database.reading() as connection:
            return await store.one_decision(connection, number=number, units=principal.units)

    async def move(one: Move, body: MovesIn, principal: Principal) -> Moved:
        common: dict[str, Any] = {"number": one.number, "reason": body.reason, "by": principal.id, "units": principal.units}  # fmt: skip
        try:
            if one.handler is not None:
                handler = one.handler
                await database.run(
                    lambda tx: usecases.hand_over(tx, routing, handler=handler, **common)
                )
            else:
                await database.run(
                    lambda tx: usecases.pass_on(tx, routing, holder=body.from_, **common)
                )
        except Rejected as error:
            code = error.errors[0].code if error.errors else error.slug
            return Moved(number=one.number, status="stayed", code=code, message=error.detail, zh=error.zh)  # fmt: skip
        row = await decision(one.number, principal)
        return Moved(number=one.number, status="moved", handler=row.handler)

    @router.post(
        "/decisions/{number}/refusals", status_code=201, openapi_extra=describe_body(RefusalIn)
    )
    async def refuse(
        principal: reads, number: str, body: Annotated[RefusalIn, Depends(body_of(RefusalIn))]
    ) -> RefusalOut:
        row = await decision(number, principal)
        if row is None:
            raise NotFound(
                f"There is no decision on {number!r}.", zh=f"没有编号 {number} 的派单记录。"
            )
        is_theirs = principal.id == f"account/{row.handler}"
        if not is_theirs and "routing:write" not in principal.scopes:
            raise Forbidden(
                "Only its handler may give it back, or who may give out work.",
                zh="只有其处理人或有派单权限的人可以退回。",
            )
        await database.run(
            lambda tx: usecases.give_back(
                tx,
                routing,
                number=number,
                holder=row.handler,
                reason=body.reason,
                by=principal.id,
                units=principal.units,
            )
        )
        row = await decision(number, principal)
        return RefusalOut(number=number, state=row.state, handler=row.handler)

    @router.post("/assignments", openapi_extra=describe_body(MovesIn))
    async def move_many(
        principal: writes, body: Annotated[MovesIn, Depends(body_of(MovesIn))]
    ) -> MovesOut:
        if bool(body.items) == (body.from_ is not None):
            raise Invalid(
                "Give `items` or `from`, one of them.", zh="请提供 items 或 from 其中之一。",
                errors=[FieldError("items", "one_of", "give items or from", "items 与 from 二选一")],
            )  # fmt: skip
        items, left = list(body.items), False
        if body.from_ is not None:
            account_in_reach(routing, body.from_, principal.units)
            async with database.reading() as connection:
                rows = await staff.open_of(
                    connection, handler=body.from_, units=principal.units, limit=AT_ONCE + 1
                )
            left = len(rows) > AT_ONCE
            items = [Move(number=row.number, handler=body.to) for row in rows[:AT_ONCE]]
        return MovesOut(items=[await move(one, body, principal) for one in items], left=left)

    return router
