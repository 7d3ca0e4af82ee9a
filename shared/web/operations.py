"""The routes that every service has for its operators, under `/{service}/v1/operations`; scope `administer`.

Parked events and timers are seen and decided about by whoever's units they are in; those without a known unit, and all
that touches the whole service (lag, republishing, the pause), only with a key of the root unit.
"""

from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from shared import telemetry
from shared.errors import FieldError, Forbidden, Invalid, NotFound
from shared.operate import Operations, Place, Waiting, readable
from shared.policy import Policy
from shared.web.body import body_of, describe_body
from shared.web.credentials import Guard, Principal
from shared.web.paging import Limit, Page, cursor, read_cursor

OPERATIONS: Final = "/v1/operations/"

log = telemetry.logger("operations")


class ParkedOut(BaseModel):
    """A parked key by its first event, or a parked timer; `events` are parked of it in all."""

    id: str
    kind: Literal["event", "timer"]
    source: str
    subject: str
    sequence: int
    name: str
    unit: str | None
    number: str | None
    reason: str
    error: str
    events: int
    attempts: int
    at: datetime
    next_try_at: datetime | None


class EventOut(BaseModel):
    """One parked event, as it came."""

    sequence: int
    reason: str
    error: str
    attempts: int
    event: Any


class KeyOut(ParkedOut):
    """A parked key with its events in order, the first 200 of them."""

    contents: list[EventOut]


class ReplayOut(BaseModel):
    """How many were applied, and how many of the key are still parked."""

    applied: int
    left: int


class DropOut(BaseModel):
    """Whether it was dropped by this request, and how many of the key are still parked."""

    dropped: bool
    left: int


class RepublishIn(BaseModel):
    """A step: `since` a time, or `all`. `after` is what the step before answered; `owner` the same for all steps."""

    owner: str = Field(min_length=1, max_length=60)
    since: AwareDatetime | None = None
    all: bool = False
    after: int = Field(default=0, ge=0)


class RepublishOut(BaseModel):
    """`rows` were marked; `waiting` are still to be sent. Go on with `after`; null is the end."""

    rows: int
    after: int | None
    waiting: int


class HolderIn(BaseModel):
    """Who holds the service, in a name of their own."""

    owner: str = Field(min_length=1, max_length=60)


class RebuildOut(BaseModel):
    """How far a rebuild is: `done` events `of` those that the service has applied."""

    is_rebuilding: bool
    done: int
    of: int


class LagOut(BaseModel):
    """What waits in the service; `lag` by topic, null while the log is away."""

    service: str
    outbox_waiting: int
    outbox_refused: int
    lag: dict[str, int] | None
    parked: int
    timers_parked: int
    timers_overdue: int
    is_paused: bool
    is_rebuilding: bool


def operation_routes(operations: Operations, guard: Guard, policy: Policy) -> APIRouter:
    """One service's operators' routes, to be included in its router under `/{service}/v1`."""
    router = APIRouter(prefix="/operations")
    _parked_routes(router, operations, _Asking(guard, policy))
    _decision_routes(router, operations, _Asking(guard, policy))
    _whole_routes(router, operations, _OfRoot(guard, policy))
    return router


class _Asking:
    """A FastAPI dependency: the operator, and what is in their reach."""

    def __init__(self, guard: Guard, policy: Policy) -> None:
        self._guard = guard
        self._policy = policy

    def __call__(self, request: Request) -> Principal:
        return self._guard.of(request, "administer")

    def reaches(self, principal: Principal, waiting: Waiting) -> bool:
        """Whether it is in their part of the tree; what has no unit is the root's."""
        return (waiting.unit or self._policy.root) in principal.units


class _OfRoot(_Asking):
    """A FastAPI dependency: the operator, who must answer for the whole."""

    def __call__(self, request: Request) -> Principal:
        principal = super().__call__(request)
        if principal.unit != self._policy.root:
            raise Forbidden(
                "This touches the whole service: use a key of the root unit.",
                zh="此操作影响整个服务，请使用根单位的密钥。",
            )
        return principal


def _parked_routes(router: APIRouter, operations: Operations, asking: _Asking) -> None:
    @router.get("/parked")
    async def list_parked(
        principal: Annotated[Principal, Depends(asking)],
        subject: Annotated[str | None, Query(max_length=200)] = None,
        after: Annotated[str | None, Query(max_length=1000)] = None,
        limit: Limit = 50,
    ) -> Page[ParkedOut]:
        found = operations.parked(after=_place(after) if after else None, subject=subject)
        return await _page(asking, principal, found, limit)

    @router.get("/parked/{id_}")
    async def show_parked(principal: Annotated[Principal, Depends(asking)], id_: str) -> KeyOut:
        place, one = await _found(operations, asking, principal, id_)
        rows = await operations.events(place.key) if place.kind == "event" else ()
        contents = [
            EventOut(
                sequence=row.sequence, reason=row.reason, error=row.error, attempts=row.attempts,
                event=readable(bytes(row.event)),
            )
            for row in rows
        ]  # fmt: skip
        return KeyOut(**_out(one).model_dump(), contents=contents)


def _decision_routes(router: APIRouter, operations: Operations, asking: _Asking) -> None:
    @router.post("/parked/{id_}/replay")
    async def replay(principal: Annotated[Principal, Depends(asking)], id_: str) -> ReplayOut:
        """Try it now. Again is harmless: what was applied is not applied twice."""
        place, _ = await _found(operations, asking, principal, id_)
        applied = await operations.replay(place)
        log.warning("replayed", service=operations.name, by=principal.id, applied=applied,
                    source=place.source, subject=place.subject)  # fmt: skip
        return ReplayOut(applied=applied, left=await _left(operations, place))

    @router.post("/parked/{id_}/drop")
    async def drop(principal: Annotated[Principal, Depends(asking)], id_: str) -> DropOut:
        """Do without this very event and go on behind it. Again is harmless: it drops no other."""
        place = _place(id_)
        one = await operations.find(place)
        if one is None or (place.kind == "event" and one.place.sequence > place.sequence):
            return DropOut(dropped=False, left=await _left(operations, place))
        _must_reach(asking, principal, one)
        dropped = await operations.drop(place)
        log.warning("dropped", service=operations.name, by=principal.id, source=place.source,
                    subject=place.subject, sequence=place.sequence, type=one.name)  # fmt: skip
        return DropOut(dropped=dropped, left=await _left(operations, place))


async def _page(
    asking: _Asking, principal: Principal, found: AsyncIterator[Waiting], limit: int
) -> Page[ParkedOut]:
    items: list[ParkedOut] = []
    async for one in found:
        if len(items) == limit:
            return Page(items=items, next=items[-1].id)
        if asking.reaches(principal, one):
            items.append(_out(one))
    return Page(items=items)


async def _found(
    operations: Operations, asking: _Asking, principal: Principal, id_: str
) -> tuple[Place, Waiting]:
    place = _place(id_)
    one = await operations.find(place)
    if one is None:
        raise _nothing_parked()
    _must_reach(asking, principal, one)
    return place, one


async def _left(operations: Operations, place: Place) -> int:
    one = await operations.find(place)
    return one.events if one else 0


def _whole_routes(router: APIRouter, operations: Operations, asking: _OfRoot) -> None:
    @router.get("/lag")
    async def lag(_: Annotated[Principal, Depends(asking)]) -> LagOut:
        return LagOut(service=operations.name, **asdict(await operations.figures()))

    @router.post("/republish", openapi_extra=describe_body(RepublishIn))
    async def republish(
        principal: Annotated[Principal, Depends(asking)],
        body: Annotated[RepublishIn, Depends(body_of(RepublishIn))],
    ) -> RepublishOut:
        """Mark the next rows of the outbox as waiting: one step of sending again."""
        if (body.since is None) != body.all:
            raise Invalid(
                "Say either `since` or `all`.",
                zh="请在 since 与 all 中选择一项。",
                errors=[FieldError("since", "either", "or `all`", "或 all")],
            )
        marked = await operations.republish(owner=body.owner, since=body.since, after=body.after)
        log.warning("republishing", service=operations.name, by=principal.id, rows=marked.rows)
        return RepublishOut(rows=marked.rows, after=marked.after, waiting=marked.waiting)

    @router.get("/rebuild")
    async def rebuilding(_: Annotated[Principal, Depends(asking)]) -> RebuildOut:
        return RebuildOut(**asdict(await operations.rebuilding()))

    @router.post("/rebuild", status_code=202)
    async def rebuild(principal: Annotated[Principal, Depends(asking)]) -> RebuildOut:
        """Make the service's read models anew; nothing else is applied meanwhile. Again is harmless."""
        await operations.rebuild(principal.id)
        log.warning("rebuild asked for", service=operations.name, by=principal.id)
        return RebuildOut(**asdict(await operations.rebuilding()))

    @router.post("/pause", status_code=204, openapi_extra=describe_body(HolderIn))
    async def pause(
        principal: Annotated[Principal, Depends(asking)],
        body: Annotated[HolderIn, Depends(body_of(HolderIn))],
    ) -> None:
        """Hold requests that write, timers and sending, for 15 s; say it again to hold them longer."""
        await operations.pause(body.owner)
        log.info("held", service=operations.name, by=principal.id)

    @router.post("/resume", status_code=204, openapi_extra=describe_body(HolderIn))
    async def resume(
        principal: Annotated[Principal, Depends(asking)],
        body: Annotated[HolderIn, Depends(body_of(HolderIn))],
    ) -> None:
        """Let the service go on at once."""
        await operations.resume(body.owner)
        log.info("let go", service=operations.name, by=principal.id)


def _must_reach(asking: _Asking, principal: Principal, one: Waiting) -> None:
    if not asking.reaches(principal, one):
        raise _nothing_parked()


def _nothing_parked() -> NotFound:
    return NotFound(
        "Nothing is parked there: it was applied or dropped, or is not of your units.",
        zh="该处没有搁置的内容：可能已处理、已放弃，或不属于您的单位。",
    )


def _out(one: Waiting) -> ParkedOut:
    place = one.place
    return ParkedOut(
        id=cursor(place.kind, place.source, place.subject, place.sequence),
        kind=place.kind, source=place.source, subject=one.subject, sequence=place.sequence,
        name=one.name, unit=one.unit, number=one.number, reason=one.reason, error=one.error,
        events=one.events, attempts=one.attempts, at=one.at, next_try_at=one.next_try_at,
    )  # fmt: skip


def _place(id_: str) -> Place:
    kind, source, subject, sequence = read_cursor(id_, str, str, str, int)
    return Place("timer" if kind == "timer" else "event", source, subject, sequence)
