"""Packs over HTTP: versions, what is in force where, and who changed it."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

from services.desk import store
from services.desk.model import ROOT
from services.desk.usecases import packs
from services.desk.usecases.packs import Why
from shared.errors import NotFound
from shared.packs.located import PackInvalid
from shared.packs.upload import read_upload
from shared.packs.wire import WirePack, chain_of
from shared.service import Environment
from shared.store.database import Database
from shared.web.body import CleanText, FilledText, body_of, describe_body
from shared.web.credentials import Principal
from shared.web.packs import refused
from shared.web.paging import Limit, Page, cursor, read_cursor

Reason = Annotated[CleanText, Field(max_length=2_000)]
FileName = Annotated[str, Field(pattern=r"^[\w-][\w.-]{0,90}\.ya?ml$")]


class PackIn(BaseModel):
    """A pack's files, by name, as they stand in its folder; the folder has the pack's id."""

    folder: Annotated[FilledText, Field(max_length=63)]
    files: Annotated[dict[FileName, CleanText], Field(min_length=1, max_length=50)]
    reason: Reason = ""


class PackAdded(BaseModel):
    """The version; `added` names what was new, with what it inherits. Nothing is in force by that."""

    pack: str
    version: str
    inherits: str | None
    added: list[str]


class Version(BaseModel):
    """A version of a pack, and which units it judges or will judge."""

    pack: str
    version: str
    inherits: str | None
    added_at: datetime
    units: list[str]


class Whole(BaseModel):
    """A version with all it inherits, the base first, as it travels."""

    pack: str
    version: str
    chain: list[WirePack]


class InForceIn(BaseModel):
    pack: Annotated[CleanText, Field(max_length=63)]
    version: Annotated[CleanText, Field(max_length=30)]
    since: AwareDatetime | None = None
    reason: Reason = ""


class BackIn(BaseModel):
    reason: Reason = ""


class InForce(BaseModel):
    """What judges a unit, or will; units that are not listed are judged by their parent's."""

    unit: str
    pack: str
    version: str
    since: datetime
    put_by: str
    state: Literal["in_force", "later"]


class Change(BaseModel):
    """Who changed what, when, and why. `was` judged the unit until then."""

    id: int
    at: datetime
    by: str
    action: str
    unit: str
    pack: str
    version: str
    since: datetime | None
    was: str | None
    reason: str


After = Annotated[str | None, Query(max_length=500)]


def pack_routes(environment: Environment, database: Database) -> APIRouter:
    """The desk's routes about packs."""
    router = APIRouter()
    may = Annotated[Principal, Depends(environment.guard.scope("administer"))]
    clock = environment.clock

    async def known() -> dict[str, WirePack]:
        async with database.reading() as connection:
            return await store.packs(connection)

    @router.post("/packs", status_code=201, openapi_extra=describe_body(PackIn))
    async def add(principal: may, body: Annotated[PackIn, Depends(body_of(PackIn))]) -> PackAdded:
        principal.must_reach(ROOT, "the root unit: a pack is there for all")
        try:
            wires = await asyncio.to_thread(read_upload, body.folder, body.files, await known())
        except PackInvalid as error:
            raise refused(error) from error
        why = Why(principal.id, body.reason)
        added = await database.run(lambda tx: packs.add_version(tx, wires, why))
        pack, _, version = wires[-1].ref.partition("@")
        return PackAdded(pack=pack, version=version, inherits=wires[-1].inherits, added=added)

    @router.get("/packs")
    async def list_versions(
        principal: may, pack: str | None = None, after: After = None, limit: Limit = 50
    ) -> Page[Version]:
        at = read_cursor(after, str, str) if after else None
        query = store.versions_query(
            pack=pack, after=(at[0], at[1]) if at else None, limit=limit + 1
        )
        async with database.reading() as connection:
            rows = await store.fetch(connection, query)
            in_force = await store.in_force(connection, principal.units, clock.now())
        units: dict[tuple[str, str], list[str]] = {}
        for one in in_force:
            units.setdefault((one.pack, one.version), []).append(one.unit)
        items = [
            Version.model_validate(
                {**row._mapping, "units": units.get((row.pack, row.version), [])}
            )
            for row in rows[:limit]
        ]
        last = items[-1] if len(rows) > limit else None
        return Page(items=items, next=cursor(last.pack, last.version) if last else None)

    @router.get("/packs/{pack}/{version}")
    async def get_version(_: may, pack: str, version: str) -> Whole:
        chain = chain_of(f"{pack}@{version}", await known())
        if chain is None:
            raise NotFound(
                f"There is no pack {pack}@{version}.", zh=f"没有策略包 {pack}@{version}。"
            )
        return Whole(pack=pack, version=version, chain=chain)

    @router.get("/in-force")
    async def list_in_force(
        principal: may, after: After = None, limit: Limit = 50
    ) -> Page[InForce]:
        at, now = read_cursor(after, str)[0] if after else "", clock.now()
        units = sorted(unit for unit in principal.units if unit > at)
        async with database.reading() as connection:
            rows = await store.in_force(connection, units[:limit], now)
        items = [
            InForce.model_validate(
                {**row._mapping, "state": "in_force" if row.since <= now else "later"}
            )
            for row in rows
        ]
        return Page(items=items, next=cursor(units[limit - 1]) if len(units) > limit else None)

    @router.put("/in-force/{unit}", openapi_extra=describe_body(InForceIn))
    async def put_in_force(
        principal: may, unit: str, body: Annotated[InForceIn, Depends(body_of(InForceIn))]
    ) -> dict[str, Any]:
        principal.must_reach(unit, "the unit")
        ref, why = f"{body.pack}@{body.version}", Why(principal.id, body.reason)
        await asyncio.to_thread(packs.must_be_readable, ref, await known())
        said = await database.run(
            lambda tx: packs.put_in_force(tx, unit=unit, ref=ref, since=body.since, why=why)
        )
        return said.model_dump(mode="json", exclude={"before"})

    @router.post("/in-force/{unit}/back", openapi_extra=describe_body(BackIn))
    async def put_back(
        principal: may, unit: str, body: Annotated[BackIn, Depends(body_of(BackIn))]
    ) -> dict[str, Any]:
        principal.must_reach(unit, "the unit")
        why = Why(principal.id, body.reason)
        said = await database.run(lambda tx: packs.put_back(tx, unit=unit, why=why))
        return said.model_dump(mode="json", exclude={"before"})

    @router.get("/pack-changes")
    async def list_changes(
        principal: may, pack: str | None = None, after: After = None, limit: Limit = 50
    ) -> Page[Change]:
        at = read_cursor(after, int)[0] if after else None
        query = store.changes_query(principal.units, pack=pack, after=at, limit=limit + 1)
        async with database.reading() as connection:
            rows = await store.fetch(connection, query)
        items = [_change(row._mapping) for row in rows[:limit]]
        return Page(items=items, next=cursor(items[-1].id) if len(rows) > limit else None)

    return router


def _change(row: Any) -> Change:  # noqa: ANN401 - a row's columns
    pack, _, version = row["ref"].partition("@")
    return Change.model_validate({**row, "pack": pack, "version": version})
