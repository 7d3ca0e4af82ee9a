"""Erasing people over HTTP."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from services.intake.api.door import Door
from services.intake.api.people import ErasureIn, ErasureOut, PurgeIn, PurgeOut
from services.intake.model import Reader
from services.intake.usecases.erasing import (
    ERASED,
    Erasure,
    approve_erasure,
    purge,
    read_erasure,
    request_erasure,
)
from services.intake.usecases.scrubbing import Scrubber
from shared.errors import Conflict, Transient
from shared.ids import new_id
from shared.store.database import Database
from shared.web.body import body_of, describe_body
from shared.web.credentials import Principal


def erasure_routes(router: APIRouter, door: Door, database: Database, scrubber: Scrubber) -> None:
    """Add the routes by which people are erased to a router. All need administer."""
    may = Annotated[Principal, Depends(door.environment.guard.scope("administer"))]

    @router.post("/vault/erasures", status_code=202, openapi_extra=describe_body(ErasureIn))
    async def request_(principal: may, request: Request) -> ErasureOut:
        """Ask that people be erased; somebody else must agree."""
        body, id_ = await body_of(ErasureIn)(request), new_id()
        reader = Reader(principal.id, principal.units, body.reason)
        return _out(
            await database.run(
                lambda tx: request_erasure(tx, id_, body.ids, reader, unit=principal.unit)
            )
        )

    @router.post("/vault/erasures/{erasure}/approve")
    async def approve(principal: may, erasure: str) -> ErasureOut:
        """Agree to an erasure: the data keys are destroyed before the answer, and files scrubbed as soon as can be."""
        reader = Reader(principal.id, principal.units)
        found = await database.run(lambda tx: approve_erasure(tx, erasure, reader))
        if found.state == ERASED:
            try:
                await scrubber.scrub_waiting()
            except Transient:
                scrubber.wake.set()
            found = await database.run(lambda tx: read_erasure(tx, erasure, reader))
        return _out(found)

    @router.post("/vault/purges", openapi_extra=describe_body(PurgeIn))
    async def purge_unit(principal: may, request: Request) -> PurgeOut:
        """Erase everybody of a unit for tests (`REDRESS_TEST_UNITS`), without a second person."""
        body = await body_of(PurgeIn)(request)
        if body.unit not in door.environment.settings.units_for_tests:
            raise Conflict(
                f"{body.unit!r} is no unit for tests: name it in REDRESS_TEST_UNITS.",
                zh=f"{body.unit} 不是测试单位，请在 REDRESS_TEST_UNITS 中指定。",
            )
        principal.must_reach(body.unit, "the unit")
        reader, done = Reader(principal.id, principal.units, "purge of a unit for tests"), 0
        while more := await _purge_some(body.unit, reader):
            done += more
        scrubber.wake.set()
        return PurgeOut(unit=body.unit, erased=done)

    async def _purge_some(unit: str, reader: Reader) -> int:
        id_ = new_id()
        return await database.run(lambda tx: purge(tx, id_, unit, reader))

    @router.get("/vault/erasures/{erasure}")
    async def get(principal: may, erasure: str) -> ErasureOut:
        """Where an erasure stands, with its proof."""
        reader = Reader(principal.id, principal.units)
        return _out(await database.run(lambda tx: read_erasure(tx, erasure, reader)))


def _out(erasure: Erasure) -> ErasureOut:
    return ErasureOut.model_validate(asdict(erasure))
