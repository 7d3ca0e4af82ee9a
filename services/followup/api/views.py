"""Saved lists, and commands on many cases at once."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from services.followup.api.answers import case_out
from services.followup.api.commanding import actor, principal_of
from services.followup.api.finding import asked
from services.followup.policy.lifecycle import COMMANDS
from services.followup.store.views import drop_view, put_view, views_of
from services.followup.usecases.commands import Order, command
from services.followup.usecases.record import Followup
from shared.errors import FieldError, Invalid, NotFound, Rejected, Transient
from shared.ids import new_id
from shared.service import Environment
from shared.store.database import Database
from shared.text import FilledText
from shared.web.body import read_capped, validate
from shared.web.credentials import Principal
from shared.web.idempotency import fingerprint, key_of
from shared.web.json import dump
from shared.web.problems import passing, rejected

MOST_AT_ONCE: Final = 100
Name = Annotated[FilledText, Field(max_length=100)]


class ViewIn(BaseModel):
    """The filters of a list, as its address has them."""

    query: Annotated[Mapping[Name, Annotated[str, Field(max_length=200)]], Field(max_length=20)]


class ViewOut(BaseModel):
    """A saved list."""

    name: str
    query: Mapping[str, str]
    made_at: datetime


class ViewsOut(BaseModel):
    """All of somebody's saved lists."""

    items: list[ViewOut]
    next: None = None


class CaseAt(BaseModel):
    """One of many: its number, and its version where that matters."""

    number: Name
    version: int | None = None


class ManyIn(BaseModel):
    """One command for many cases, at most 100, each done or refused by itself."""

    command: Name
    cases: Annotated[tuple[CaseAt, ...], Field(min_length=1, max_length=MOST_AT_ONCE)]
    body: dict[str, Any] = Field(default_factory=dict)


class ResultOut(BaseModel):
    """What became of one: 200 with the case, or the problem's status."""

    number: str
    status: int
    case: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None


class ManyOut(BaseModel):
    """A result each, in the order they were sent."""

    items: list[ResultOut]


def view_routes(
    router: APIRouter, environment: Environment, database: Database, context: Followup
) -> None:
    """`/views` and `/cases:command`."""
    may = Annotated[Principal, Depends(environment.guard.scope("followup:read"))]
    known = {name for name in asked.__annotations__ if name not in ("return", "is_open")} | {"open"}

    @router.get("/views")
    async def list_views(principal: may) -> ViewsOut:
        """One's own saved lists."""
        async with database.reading() as connection:
            rows = await views_of(connection, principal.id)
        return ViewsOut(items=[ViewOut.model_validate(row, from_attributes=True) for row in rows])

    @router.put("/views/{name}", status_code=204, response_class=Response)
    async def save_view(principal: may, name: Name, said: ViewIn) -> None:
        """Save a list under a name, in place of an earlier one."""
        for filter_ in sorted(said.query.keys() - known):
            message = f"is no filter: {', '.join(sorted(known))}"
            raise Invalid(
                f"query.{filter_} {message}.",
                zh=f"query.{filter_} 不是可用的筛选条件。",
                errors=[FieldError(f"query.{filter_}", "unknown", message, "不是可用的筛选条件")],
            )
        unit = min(principal.units, default="")
        await database.run(
            lambda tx: put_view(
                tx, id_=new_id(), owner=principal.id, unit=unit, name=name, query=said.query
            )
        )

    @router.delete("/views/{name}", status_code=204, response_class=Response)
    async def forget_view(principal: may, name: Name) -> None:
        """Forget a saved list."""
        if not await database.run(lambda tx: drop_view(tx, owner=principal.id, name=name)):
            raise NotFound(f"There is no view {name}.", zh=f"没有视图 {name}。")

    @router.post("/cases:command")
    async def command_many(request: Request) -> ManyOut:
        """One command for many cases: each is a command of its own, done or refused; none undoes another."""
        principal = principal_of(environment, request)
        many = validate(ManyIn, await read_capped(request))
        row = COMMANDS.get(many.command)
        if row is None:
            message = f"is no command: {', '.join(COMMANDS)}"
            raise Invalid(
                f"command {message}.",
                zh="没有该操作。",
                errors=[FieldError("command", "unknown", message, "没有该操作")],
            )
        sent = validate(row.order, dump(many.body))
        sent.check(environment.clock.now())
        key, found = key_of(request), []
        for one in many.cases:
            order = Order(
                name=row.name, number=one.number, sent=sent, actor=actor(principal), version=one.version,
                key=f"{key}/{one.number}" if key else None,
                fingerprint=fingerprint(row.name.encode(), one.number.encode(), dump(sent.model_dump())),
                id=new_id(),
            )  # fmt: skip
            found.append(await _one(request, order))
        return ManyOut(items=found)

    async def _one(request: Request, order: Order) -> ResultOut:
        try:
            done = await database.run(lambda tx: command(tx, context, order))
        except Rejected as error:
            return _refused(order.number, rejected(request, error))
        except Transient as error:
            return _refused(order.number, passing(request, error))
        shown = case_out(done.complaint, done.unit, done.body).model_dump(mode="json")
        return ResultOut(number=order.number, status=HTTPStatus.OK, case=shown)


def _refused(number: str, answer: Response) -> ResultOut:
    return ResultOut(number=number, status=answer.status_code, problem=orjson.loads(answer.body))
