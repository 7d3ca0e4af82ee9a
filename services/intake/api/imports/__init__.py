"""Bringing whole files in: complaints, complaints of the past, and customers; row by row, each once."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ValidationError

from services.intake import store
from services.intake.api.attachments import write_sealed
from services.intake.api.bodies import ComplaintIn
from services.intake.api.door import Door, channel_for, many_brought_by
from services.intake.api.gate import Gate
from services.intake.api.imports.bodies import HistoryIn, ImportOut, Kind, MappingIn, RefusedRow
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
from services.intake.model import Claim, Customer, Reader
from services.intake.policy import columns as columns_policy
from services.intake.policy.seal import KEY_BYTES, NONCE_BYTES, Box
from services.intake.policy.table_file import customer_of
from services.intake.store import imports as import_store
from services.intake.usecases.customers import keep_customer, prepare_customer
from services.intake.usecases.importing import BY_HISTORY, Past, keep_history, renumbered
from services.intake.usecases.receive import DRAWS, Origin, prepare
from shared import faults, telemetry
from shared.errors import FieldError, NotFound, NotHereYet, Rejected, Transient
from shared.ids import new_id
from shared.store import leases
from shared.store.database import Database
from shared.store.leases import Lease
from shared.store.signal import Signal
from shared.web.body import invalid, read_capped
from shared.web.credentials import Principal
from shared.web.json import dump, parse
from shared.web.paging import Limit, Page, cursor, read_cursor

FILE_CAP: Final = 50 * 1024 * 1024
MOST_REFUSED_ERRORS: Final = 10
POLL_SECONDS: Final = 5.0

__all__ = ["TOGETHER", "Imports"]

log = telemetry.logger("imports")


@dataclass(frozen=True, slots=True)
class _Job:
    """An import as it is worked on."""

    id: str
    unit: str
    kind: str
    is_dry: bool
    columns: Mapping[str, str]
    file_hash: str
    principal: Principal


class Imports:
    """Takes files in, and works them off."""

    def __init__(self, door: Door, gate: Gate, database: Database) -> None:
        self._door = door
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
        body = _validated(MappingIn, parse(await read_capped(request)))
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

    async def _take_rows(self, job: _Job, raw: bytes, row: store.Found) -> None:
        rows = (
            one
            for one in rows_of(raw, kind=job.kind, width=len(job.columns))
            if one[0] > row.last_row
        )
        last, counts = (
            row.last_row,
            {name: getattr(row, name) for name in ("done", "taken", "known", "refused")},
        )
        broken: Rejected | None = None
        while broken is None:
            await self._gate.must_be_open()
            part, broken = await asyncio.to_thread(next_rows, rows)
            if not part:
                break
            results = await self._take(job, part)
            faults.reach("intake.import_rows_taken")
            refused = [
                {"import_id": job.id, "row": number, "errors": one}
                for (number, _), one in zip(part, results, strict=True)
                if isinstance(one, list)
            ]
            counts["done"] += len(part)
            counts["taken"] += results.count("taken")
            counts["known"] += results.count("known")
            counts["refused"] += len(refused)
            before, last = last, part[-1][0]
            values = counts | {"last_row": last}
            went_on = await self._database.run(
                lambda tx, before=before, values=values, refused=refused: (
                    import_store.advance_import(  # type: ignore[misc]
                        tx, job.id, before=before, values=values, refused=refused
                    )
                )
            )
            if not went_on:
                return  # somebody else is at it
        await self._end_at(
            job.id, last, "failed" if broken else "done", _detail(broken) if broken else None
        )

    async def _take(self, job: _Job, part: Sequence[Row]) -> list[str | list[dict[str, str]]]:
        """How each row of a part ended: taken, known, or what is wrong with it. Raises Transient."""
        found: Sequence[str | BaseException]
        if job.kind == "history" and not job.is_dry:
            found = await self._take_history(job, part)
        else:
            found = await asyncio.gather(
                *(self._row(job, *one) for one in part), return_exceptions=True
            )
        seen: set[str] = set()
        results: list[str | list[dict[str, str]]] = []
        for one in found:
            if isinstance(one, Rejected):
                results.append(_told(one))
            elif not isinstance(one, str):
                raise one
            else:
                # What this import has made itself before it was killed counts as taken: ids are in order of time.
                is_new = one > job.id and one not in seen
                results.append("taken" if is_new else "known")
                seen.add(one)
        return results

    async def _row(self, job: _Job, number: int, said: Any) -> str:  # noqa: ANN401 - cells or an object
        """Take one row; returns the id of what it is. Raises Rejected or Transient."""
        if job.kind == "customers":
            return await self._customer(job, said)
        body, history = self._body(job, number, said)
        if job.kind == "history":
            self._ended(history)
        if job.is_dry:
            self._door.normal(body, job.principal)
            return new_id()
        original = orjson.dumps(body.model_dump(mode="json", exclude_defaults=True))
        receipt = await self._door.take(body, job.principal, original=original, key=None)
        return receipt.message_id or receipt.id

    async def _customer(self, job: _Job, said: Any) -> str:  # noqa: ANN401 - cells
        customer = customer_of(list(job.columns.values()), said, job.unit)
        if not isinstance(customer, Customer):
            raise customer
        door = self._door
        new = prepare_customer(
            customer, at=door.environment.clock.now(), vault=door.vault, tokens=door.tokens
        )
        if job.is_dry:
            return new_id()
        reader = Reader(job.principal.id, job.principal.units)
        id_, _ = await self._database.run(
            lambda tx: keep_customer(tx, new, reader, vault=door.vault)
        )
        return id_

    async def _take_history(self, job: _Job, part: Sequence[Row]) -> list[str | Rejected]:
        found: list[str | Rejected | Past] = []
        for number, said in part:
            try:
                found.append(self._past(job, number, said))
            except Rejected as error:
                found.append(error)
        past = [one for one in found if isinstance(one, Past)]
        ids = iter(await self._keep_past(past) if past else [])
        return [next(ids) if isinstance(one, Past) else one for one in found]

    async def _keep_past(self, past: Sequence[Past]) -> list[str]:
        for _ in range(DRAWS):
            try:
                return await self._database.run(lambda tx, past=past: keep_history(tx, past))  # type: ignore[misc]
            except store.NumberTaken:
                past = [renumbered(one) for one in past]
        raise AssertionError(f"{DRAWS} times in a row numbers were taken")

    def _past(self, job: _Job, number: int, said: Any) -> Past:  # noqa: ANN401 - cells or an object
        body, given = self._body(job, number, said)
        history, door = self._ended(given), self._door
        complaint = door.normal(body, job.principal)
        pack, version = door.environment.policy.in_force(
            complaint.unit, door.environment.clock.now()
        )
        key = door.tokens.external(str(body.external_id))
        scope = f"history/{complaint.unit}/{complaint.channel}"
        origin = Origin(
            by=f"{BY_HISTORY}{job.id}", units=job.principal.units, pack=pack, pack_version=version,
            claims=(Claim(scope, key, ""),), received_at=history.received_at,
        )  # fmt: skip
        original = orjson.dumps(body.model_dump(mode="json", exclude_defaults=True))
        ready = prepare(complaint, origin, original=original, vault=door.vault, tokens=door.tokens)
        return Past(ready, history.closed_at, history.outcome)

    def _ended(self, given: Mapping[str, Any]) -> HistoryIn:
        """The times of a complaint of the past. Raises Invalid, also for what is yet to come."""
        history: HistoryIn = _validated(HistoryIn, given)
        if history.received_at > self._door.environment.clock.now():
            raise wrong("received_at", "is yet to come", "晚于当前时间")
        return history

    def _body(self, job: _Job, number: int, said: Any) -> tuple[ComplaintIn, dict[str, Any]]:  # noqa: ANN401
        """The complaint in a row, with its natural key, and what is said of its past."""
        if not isinstance(said, dict):
            fields = tuple(job.columns.values())
            said = columns_policy.body_of(fields, said, zone=self._settings.timezone)
        said = {"channel": "import", "external_id": f"{job.file_hash[:32]}/{number}"} | said
        said.setdefault("unit", job.unit)
        history = said.pop("history", {})
        return _validated(ComplaintIn, said), history if isinstance(history, dict) else {}

    async def _columns(self, unit: str, name: str | None, given: str | None) -> dict[str, str]:
        if given is not None:
            kept: MappingIn = _validated(MappingIn, {"columns": parse(given.encode())})
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

    def _job(self, row: store.Found) -> _Job:
        policy = self._door.environment.policy
        if row.unit not in policy.units:
            raise NotHereYet(f"there is no unit {row.unit!r} yet")
        principal = Principal(
            row.brought_by, "service", row.unit, frozenset({SCOPE}), row.channel, units=policy.subtree(row.unit)
        )  # fmt: skip
        return _Job(row.id, row.unit, row.kind, row.is_dry, row.columns, row.file_hash, principal)

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


def _validated(model: Any, said: Any) -> Any:  # noqa: ANN401 - a model and its instance
    try:
        return model.model_validate(said)
    except ValidationError as error:
        raise invalid(error) from error


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
