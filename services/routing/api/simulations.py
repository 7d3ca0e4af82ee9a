"""What if, over HTTP: a stream of progress that ends with the report. Nothing is stored, nothing is said."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field, model_validator
from starlette.responses import StreamingResponse

from services.routing.model import HandlerSnapshot
from services.routing.usecases import Routing
from services.routing.usecases.assign import CAPACITY
from services.routing.usecases.simulate import Question, simulate
from shared.errors import TooMany, Transient
from shared.packs.located import PackInvalid
from shared.service import Environment
from shared.store.database import Database
from shared.web.body import CleanText, FilledText, body_of, describe_body
from shared.web.credentials import Principal
from shared.web.json import dump
from shared.web.packs import refused

MOST: Final = 20_000
USUAL: Final = 5_000
MONTH: Final = timedelta(days=30)
Names = Annotated[list[Annotated[CleanText, Field(max_length=64)]], Field(max_length=100)]


class HandlerIn(BaseModel):
    """A handler as they would be; `capacity` is in points, as in staff data.

    Without `team` they take every team's work; without `skills`, `languages` or `areas`, all.
    """

    id: Annotated[FilledText, Field(max_length=36)]
    unit: Annotated[CleanText, Field(max_length=63)] | None = None
    team: Annotated[CleanText, Field(max_length=60)] | None = None
    skills: Names | None = None
    languages: Names | None = None
    areas: Names | None = None
    capacity: Annotated[int, Field(ge=1, le=100_000)] = CAPACITY


class SimulationIn(BaseModel):
    """What to try: `pack` (`P` or `P@V`), or a pack's `files` with its `folder`; `handlers`, or those there are.

    Without either the present pack and roster: what they would make today of what was decided then.
    """

    pack: Annotated[CleanText, Field(max_length=100)] | None = None
    folder: Annotated[CleanText, Field(max_length=63)] = ""
    files: Annotated[dict[str, CleanText], Field(min_length=1, max_length=50)] | None = None
    handlers: Annotated[list[HandlerIn], Field(min_length=1, max_length=5_000)] | None = None
    unit: str | None = None
    since: AwareDatetime | None = None
    most: Annotated[int, Field(ge=1, le=MOST)] = USUAL
    shown: Annotated[int, Field(ge=0, le=500)] = 50

    @model_validator(mode="after")
    def _one_pack(self) -> Self:
        if self.files is not None and (self.pack is not None or not self.folder):
            raise ValueError("give either `pack`, or `files` with the `folder` that they stand in")
        return self


def simulation_routes(environment: Environment, database: Database, routing: Routing) -> APIRouter:
    """Routing's route to try a change before it is made."""
    router = APIRouter()
    reads = Annotated[Principal, Depends(environment.guard.scope("routing:read"))]
    zone = environment.settings.timezone
    under_way: set[object] = set()

    @router.post("/simulations", openapi_extra=describe_body(SimulationIn))
    async def try_out(
        principal: reads, body: Annotated[SimulationIn, Depends(body_of(SimulationIn))]
    ) -> StreamingResponse:
        """JSON lines: `{done, of}` as it goes on, at last `{report}`. One at a time: it takes a processor."""
        question = _question(body, principal, environment)
        if under_way:
            raise TooMany(
                "A simulation is under way: try again when it has ended.",
                zh="已有模拟正在进行，请稍后再试。",
                retry_after=10,
            )
        lines = simulate(question, routing=routing, database=database, zone=zone)
        try:
            first = await anext(lines)
        except PackInvalid as error:
            raise refused(error) from error
        return StreamingResponse(_said(first, lines, under_way), media_type="application/x-ndjson")

    return router


async def _said(
    first: dict[str, Any], lines: AsyncIterator[dict[str, Any]], under_way: set[object]
) -> AsyncIterator[bytes]:
    mark = object()
    # Marked where it is sure to be taken away again: a stream that nobody reads never begins.
    under_way.add(mark)
    try:
        yield dump(first) + b"\n"
        async for line in lines:
            yield dump(line) + b"\n"
    except Transient as error:
        yield dump({"error": str(error)}) + b"\n"
    finally:
        under_way.discard(mark)


def _question(body: SimulationIn, principal: Principal, environment: Environment) -> Question:
    unit = body.unit or principal.unit
    principal.must_reach(unit, "unit")
    handlers = body.handlers
    return Question(
        unit=unit,
        units=environment.policy.subtree(unit),
        since=body.since or environment.clock.now() - MONTH,
        most=body.most,
        shown=body.shown,
        pack=body.pack,
        folder=body.folder,
        files=body.files,
        handlers=None if handlers is None else [_handler(one, unit) for one in handlers],
    )


def _handler(one: HandlerIn, unit: str) -> HandlerSnapshot:
    return HandlerSnapshot(
        id=one.id,
        unit=one.unit or unit,
        team=one.team,
        skills=None if one.skills is None else frozenset(one.skills),
        languages=None if one.languages is None else frozenset(one.languages),
        is_present=True,
        load=0,
        capacity=one.capacity,
        last_assigned_at=None,
        areas=None if one.areas is None else frozenset(one.areas),
    )
