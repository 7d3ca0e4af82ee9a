"""Bringing whole files in: complaints, complaints of the past, and customers; row by row, each once."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from services.intake import store
from services.intake.api.attachments import write_sealed
from services.intake.api.door import Door, channel_for, many_brought_by
from services.intake.api.gate import Gate
from services.intake.api.imports.bodies import ImportOut, Kind, MappingIn, RefusedRow
from services.intake.api.imports.ready import Job, Ready, made_ready, redrawn, validated
from services.intake.api.imports.rows import (
    TOGETHER,
    Row,
    check_head,
    columns_of,
    next_rows,
    rows_of,
    wrong,
)
from services.intake.api.posting import ACCEPTED, SCOPE
from services.intake.api.reading import After
from services.intake.model import KnownCustomer, Reader, Reception
from services.intake.policy.seal import KEY_BYTES, NONCE_BYTES, Box
from services.intake.store import imports as import_store
from services.intake.usecases.customers import keep_customer
from services.intake.usecases.importing import Past, keep_history
from services.intake.usecases.receive import DRAWS
from services.intake.usecases.writing import Write
from shared import faults, telemetry
from shared.errors import FieldError, NotFound, NotHereYet, Rejected, Transient
from shared.ids import new_id
from shared.store import leases
from shared.store.database import Database
from shared.store.leases import Lease
from shared.store.signal import Signal
from shared.store.transaction import Tx
from shared.web.body import read_capped
from shared.web.credentials import Principal
from shared.web.json import dump, parse
from shared.web.paging import Limit, Page, cursor, read_cursor

FILE_CAP: Final = 50 * 1024 * 1024
MOST_REFUSED_ERRORS: Final = 10
POLL_SECONDS: Final = 5.0
BREATH: Final = 20
"""Rows that are made ready in one go."""

__all__ = ["TOGETHER", "Imports"]

log = telemetry.logger("imports")


@dataclass(frozen=True, slots=True)
class _Part:
    """Some rows, made ready, by their numbers; and what is wrong with the file behind them."""

    rows: Sequence[tuple[int, Ready]]
    broken: Rejected | None


class Imports:
    """Takes files in, and works them off."""

    def __init__(self, door: Door, gate: Gate, database: Database, *, write: Write) -> None:
        self._door = door
        self._write = write
        self._gate = gate
        self._database = database
        self._guard = door.environment.guard
        self._settings = door.environment.settings
        self._owner = leases.owner_name()
        self._lease: Lease | None = None
        self.wake = Signal()

    def add_to(self, router: APIRouter) -> None:
        """Add the routes to a router."""
        may_read = Annotated[Principal, Depends(self._guard.scope(SCOPE))]
        router.add_api_route(
            "/imports", self.post_import, methods=["POST"], status_code=ACCEPTED, response_model=ImportOut,
            openapi_extra=_BODY,
        )  # fmt: skip
        router.add_api_route("/import-mappings/{name}", self.put_mapping, methods=["PUT"], status_code=204)  # fmt: skip

        @router.get("/imports/{import_id}")
        async def get_import(principal: may_read, import_id: str) -> ImportOut:
            return await self._shown(import_id, many_brought_by(principal))

        @router.get("/imports/{import_id}/rows")
        async def list_refused_rows(
            principal: may_read, import_id: str, after: After = None, limit: Limit = 50
        ) -> Page[RefusedRow]:
            """The rows that were refused, with the reasons, in their order."""
            await self._shown(import_id, many_brought_by(principal))
            at = read_cursor(after, int)[0] if after else 0
            async with self._database.reading() as connection:
                rows = list(
                    await import_store.refused_rows(
                        connection, import_id, after=at, limit=limit + 1
                    )
                )
            items = [RefusedRow(row=one.row, errors=one.errors) for one in rows[:limit]]
            return Page(
                items=items, next=cursor(rows[limit - 1].row) if len(rows) > limit else None
            )

    async def post_import(
        self,
        request: Request,
        kind: Kind = "complaints",
        unit: Annotated[str | None, Query(max_length=63)] = None,
        mapping: Annotated[str | None, Query(max_length=40)] = None,
        columns: Annotated[str | None, Query(max_length=10_000)] = None,
        *,
        dry_run: bool = False,
    ) -> Response:
        """Bring a file in: CSV, XLSX or JSON Lines as the body. The same file again is the same import.

        `columns` (JSON) or a kept `mapping` say which column is which field, where its name does not. Customers need
        vault:read too.
        """
        principal = many_brought_by(self._guard.of(request, SCOPE))
        if kind == "customers":
            self._guard.of(request, "vault:read")
        channel_for("import", principal)
        own = principal.unit if unit is None else self._door.unit_for(unit, principal)
        await self._gate.must_be_open()
        raw = await read_capped(request, FILE_CAP)
        named = await self._columns(own, mapping, columns)
        await asyncio.to_thread(check_head, raw, kind, named)
        values = await self._keep(raw, kind, own, named, principal, is_dry=dry_run)
        row = await self._database.run(lambda tx: import_store.add_import(tx, values))
        if row.id != values["id"]:
            await asyncio.to_thread(self._path(values["id"]).unlink, missing_ok=True)
        self.wake.set()
        shown = ImportOut.model_validate(row._mapping)
        return Response(dump(shown.model_dump()), ACCEPTED, media_type="application/json")

    async def put_mapping(self, request: Request, name: str) -> Response:
        """Keep which column is which field under a name, for the unit of the credential."""
        principal = many_brought_by(self._guard.of(request, SCOPE))
        if not name.isidentifier() or len(name) > 40:  # noqa: PLR2004 - as its column
            raise wrong(
                "name", "must have at most 40 letters and digits", "名称最多 40 个字母或数字"
            )
        body = validated(MappingIn, parse(await read_capped(request)))
        await self._database.run(
            lambda tx: import_store.keep_mapping(tx, principal.unit, name, body.columns)
        )
        return Response(status_code=204)

    async def run(self) -> None:
        """Work off what was brought, for ever, one import at a time in all processes."""
        while True:
            try:
                while await self._hold_lease() and await self.work():
                    pass
            except Transient as error:
                log.warning("imports wait", error=str(error))
            await self.wake.wait(POLL_SECONDS)

    async def work(self) -> bool:
        """Take in the oldest import that is not done, to its end; says whether there was one. Raises Transient."""
        if self._database.is_paused:
            return False
        async with self._database.reading() as connection:
            row = await import_store.waiting_import(connection)
        if row is None:
            return False
        job = self._job(row)
        try:
            raw = await asyncio.to_thread(self._open, row)
            await self._take_rows(job, raw, row)
        except (Rejected, FileNotFoundError) as error:
            await self._end(row, "failed", _detail(error))
        return True

    async def _take_rows(self, job: Job, raw: bytes, row: store.Found) -> None:
        rows = (
            one
            for one in rows_of(raw, kind=job.kind, width=len(job.columns))
            if one[0] > row.last_row
        )
        last = row.last_row
        counts = {name: getattr(row, name) for name in ("done", "taken", "known", "refused")}
        part = await self._read(job, rows)
        while part.rows:
            # What follows is made ready while this is being written.
            went_on, following = await asyncio.gather(
                self._keep_part(job, part, before=last, counts=counts),
                self._read(job, rows, broken=part.broken),
            )
            if went_on is None:
                return  # somebody else is at it
            last, counts, part = part.rows[-1][0], went_on, following
        broken = part.broken
        await self._end_at(
            job.id, last, "failed" if broken else "done", _detail(broken) if broken else None
        )

    async def _read(
        self, job: Job, rows: Iterator[Row], *, broken: Rejected | None = None
    ) -> _Part:
        """The next rows, made ready; none where the file is broken. Raises Transient while nothing may be taken."""
        if broken is not None:
            return _Part((), broken)
        await self._gate.must_be_open()
        part, broken = await asyncio.to_thread(next_rows, rows)
        made: list[tuple[int, Ready]] = []
        for number, said in part:
            made.append((number, made_ready(self._door, job, number, said)))
            if len(made) % BREATH == 0:
                await asyncio.sleep(0)  # others have their turn
        return _Part(made, broken)

    async def _keep_part(
        self, job: Job, part: _Part, *, before: int, counts: Mapping[str, int]
    ) -> dict[str, int] | None:
        """Write rows and how far the import is with them, at once; gives the counts, None where another was there.

        Raises Transient.
        """
        items = [one for _, one in part.rows]
        if job.kind == "customers":
            items = await self._keep_customers(job, items)

        async def unit(tx: Tx) -> dict[str, int] | None:
            ends = await self._written(tx, items)
            faults.reach("intake.import_rows_taken")
            results = _results(job, ends)
            refused = [
                {"import_id": job.id, "row": number, "errors": one}
                for (number, _), one in zip(part.rows, results, strict=True)
                if isinstance(one, list)
            ]
            more = {
                "done": len(results), "taken": results.count("taken"), "known": results.count("known"),
                "refused": len(refused),
            }  # fmt: skip
            now = {name: counts[name] + more[name] for name in more}
            values = now | {"last_row": part.rows[-1][0]}
            is_mine = await import_store.advance_import(
                tx, job.id, before=before, values=values, refused=refused
            )
            return now if is_mine else None

        for _ in range(DRAWS):
            try:
                return await self._database.run(unit)
            except store.NumberTaken:
                items = [redrawn(one) for one in items]
        raise AssertionError(f"{DRAWS} times in a row numbers were taken")

    async def _written(self, tx: Tx, items: Sequence[Ready]) -> list[str | Rejected]:
        """Write what is new of some rows; how each ended: the id of what it is, or what is wrong with it."""
        past = [one for one in items if isinstance(one, Past)]
        new = [one for one in items if isinstance(one, Reception)]
        ids: list[str | Rejected] = [*await keep_history(tx, past)] if past else []
        receipts = await self._write(tx, new) if new else ()
        ids += [one if isinstance(one, Rejected) else one.message_id or one.id for one in receipts]
        made = iter(ids)
        return [one if isinstance(one, str | Rejected) else next(made) for one in items]

    async def _keep_customers(self, job: Job, items: Sequence[Ready]) -> list[Ready]:
        """Keep customers, each by itself: one that is refused may have been half written."""
        reader, vault = Reader(job.principal.id, job.principal.units), self._door.vault

        async def keep(one: Ready) -> Ready:
            if not isinstance(one, KnownCustomer):
                return one
            try:
                return (
                    await self._database.run(lambda tx: keep_customer(tx, one, reader, vault=vault))
                )[0]
            except Rejected as error:
                return error

        return list(await asyncio.gather(*map(keep, items)))

    async def _columns(self, unit: str, name: str | None, given: str | None) -> dict[str, str]:
        if given is not None:
            kept: MappingIn = validated(MappingIn, {"columns": parse(given.encode())})
            return kept.columns
        if name is None:
            return {}
        async with self._database.reading() as connection:
            found = await import_store.mapping(connection, unit, name)
        if found is None:
            raise NotFound(f"There is no mapping {name!r}: keep it first.", zh="没有该名称的映射。")
        return found

    async def _keep(
        self, raw: bytes, kind: str, unit: str, named: Mapping[str, str], principal: Principal, *, is_dry: bool
    ) -> dict[str, Any]:  # fmt: skip
        """Seal a file, put it on the disk; returns the row of its import. Raises Transient."""
        id_, key, vault = new_id(), os.urandom(KEY_BYTES), self._door.vault
        columns = await asyncio.to_thread(columns_of, raw, kind, named)
        sealed = await asyncio.to_thread(
            Box(key, owner=id_).seal, "file", raw, nonce=os.urandom(NONCE_BYTES)
        )
        await write_sealed(self._path(id_), sealed)
        now = self._door.environment.clock.now()
        return {
            "id": id_, "unit": unit, "kind": kind, "is_dry": is_dry, "columns": columns,
            "file_hash": self._door.tokens.fingerprint(orjson.dumps(columns) + raw),
            "brought_by": principal.id, "channel": principal.channel, "state": "waiting", "last_row": 0, "done": 0,
            "taken": 0, "known": 0, "refused": 0, "created_at": now, "changed_at": now,
            "data_key": vault.wrap(key, owner=id_, nonce=os.urandom(NONCE_BYTES)),
        }  # fmt: skip

    def _open(self, row: store.Found) -> bytes:
        box = self._door.vault.box(row.data_key, owner=row.id)
        return box.open("file", self._path(row.id).read_bytes())

    def _path(self, id_: str) -> Path:
        return self._settings.data / "intake" / "imports" / id_

    def _job(self, row: store.Found) -> Job:
        policy = self._door.environment.policy
        if row.unit not in policy.units:
            raise NotHereYet(f"there is no unit {row.unit!r} yet")
        principal = Principal(
            row.brought_by, "service", row.unit, frozenset({SCOPE}), row.channel, units=policy.subtree(row.unit)
        )  # fmt: skip
        return Job(row.id, row.unit, row.kind, row.is_dry, row.columns, row.file_hash, principal)

    async def _end(self, row: store.Found, state: str, detail: dict[str, str] | None) -> None:
        await self._end_at(row.id, row.last_row, state, detail)

    async def _end_at(self, id_: str, last: int, state: str, detail: dict[str, str] | None) -> None:
        values = {"state": state, "detail": detail, "data_key": None}
        await self._database.run(
            lambda tx: import_store.advance_import(tx, id_, before=last, values=values, refused=())
        )
        await asyncio.to_thread(self._path(id_).unlink, missing_ok=True)

    async def _shown(self, id_: str, principal: Principal) -> ImportOut:
        async with self._database.reading() as connection:
            row = await import_store.import_of(connection, id_, principal.units)
        if row is None:
            raise NotFound(f"There is no import {id_!r} within reach.", zh="未找到该导入。")
        return ImportOut.model_validate(row._mapping)

    async def _hold_lease(self) -> bool:
        self._lease = await leases.take(
            self._database, "importer", self._owner, seize=self._database.is_sqlite
        )
        return self._lease is not None


def _results(job: Job, ends: Sequence[str | Rejected]) -> list[str | list[dict[str, str]]]:
    """How each row of a part ended: taken, known, or what is wrong with it."""
    seen: set[str] = set()
    results: list[str | list[dict[str, str]]] = []
    for one in ends:
        if isinstance(one, Rejected):
            results.append(_told(one))
            continue
        # Ids are in order of time: an earlier one was there before this import.
        results.append("taken" if one > job.id and one not in seen else "known")
        seen.add(one)
    return results


def _told(error: Rejected) -> list[dict[str, str]]:
    errors = error.errors or (FieldError("row", "refused", error.detail, error.zh or ""),)
    return [
        {"field": one.field, "code": one.code, "message": one.message, "message_zh": one.zh}
        for one in errors[:MOST_REFUSED_ERRORS]
    ]


def _detail(error: Exception) -> dict[str, str]:
    if isinstance(error, Rejected):
        return {"en": error.detail, "zh": error.zh or ""}
    return {"en": "The file is no longer there: bring it again.", "zh": "文件已不在，请重新导入。"}


_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            one: {"schema": {"type": "string", "format": "binary"}}
            for one in (
                "text/csv", "application/x-ndjson", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            )
        },
    }
}  # fmt: skip
