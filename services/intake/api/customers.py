"""Customers known before any complaint, and staff's contact points, over HTTP."""

import asyncio
import os
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from services.intake.api.door import Door, many_brought_by
from services.intake.api.people import CustomerIn, CustomerKept, StaffIn, contacts_of
from services.intake.model import Customer, Reader
from services.intake.policy.seal import KEY_BYTES, NONCE_BYTES
from services.intake.policy.table_file import read_customers
from services.intake.usecases.customers import (
    forget_staff,
    keep_customer,
    keep_staff,
    prepare_customer,
    read_staff,
)
from shared.errors import FieldError, Forbidden, Invalid, NotFound
from shared.store.database import Database
from shared.web.body import describe_body, read_capped, validate
from shared.web.credentials import Principal
from shared.web.json import dump

CSV_CAP: Final = 5 * 1024 * 1024
TOGETHER: Final = 50
"""Rows of a table that are written at a time."""
_PRIVATE: Final = {"Cache-Control": "no-store"}
_TABLE: Final = {"text/csv": {"schema": {"type": "string"}}}


class Customers:
    """The routes that write what is known of customers and staff."""

    def __init__(self, door: Door, database: Database) -> None:
        self._door = door
        self._database = database
        self._guard = door.environment.guard

    def add_to(self, router: APIRouter) -> None:
        """Add the routes to a router."""
        described = describe_body(CustomerIn)
        content = described["requestBody"]["content"] | _TABLE
        router.add_api_route(
            "/customers", self.put_customers, methods=["PUT"], response_model=CustomerKept,
            openapi_extra={"requestBody": {"required": True, "content": content}},
        )  # fmt: skip
        router.add_api_route(
            "/vault/staff/{account}", self.put_staff, methods=["PUT"], status_code=204,
            openapi_extra=describe_body(StaffIn),
        )  # fmt: skip
        router.add_api_route("/vault/staff/{account}", self.get_staff, methods=["GET"])
        router.add_api_route(
            "/vault/staff/{account}", self.delete_staff, methods=["DELETE"], status_code=204
        )

    async def put_customers(self, request: Request) -> Response:
        """Write a customer (JSON), or a table of them (CSV, a result each row), known by unit and customer_no.

        Needs intake:write and vault:read: who writes where people are reached decides who gets their mail.
        """
        principal = self._writer(request)
        if request.headers.get("content-type", "").partition(";")[0].strip() == "text/csv":
            results = await self._table(principal, await read_capped(request, CSV_CAP))
            return Response(dump({"items": results, "next": None}), media_type="application/json")
        body = validate(CustomerIn, await read_capped(request))
        unit = self._unit(body.unit, principal)
        kept = await self._keep(body.to_customer(unit), principal)
        return Response(dump(kept.model_dump()), media_type="application/json")

    async def put_staff(self, request: Request, account: str) -> Response:
        """Write where a member of staff can be reached. Needs administer."""
        principal = self._guard.of(request, "administer")
        unit = self._unit_of_account(account, principal)
        body = validate(StaffIn, await read_capped(request))
        key, nonces = os.urandom(KEY_BYTES), (os.urandom(NONCE_BYTES), os.urandom(NONCE_BYTES))
        await self._database.run(
            lambda tx: keep_staff(
                tx, account, unit, contacts_of(body.contacts), _reader(principal),
                key=key, nonces=nonces, vault=self._door.vault,
            )
        )  # fmt: skip
        return Response(status_code=204)

    async def get_staff(self, request: Request, account: str) -> Response:
        """Where a member of staff can be reached; a read by staff or a key is recorded."""
        principal = self._guard.of(request, "vault:read")
        recorded = principal.kind != "service"
        contacts = await self._database.run(
            lambda tx: read_staff(
                tx, account, _reader(principal), vault=self._door.vault, recorded=recorded
            )
        )
        found = {"account": account, "contacts": contacts}
        return Response(dump(found), media_type="application/json", headers=_PRIVATE)

    async def delete_staff(self, request: Request, account: str) -> Response:
        """Forget where a member of staff could be reached. Needs administer."""
        principal = self._guard.of(request, "administer")
        await self._database.run(lambda tx: forget_staff(tx, account, _reader(principal)))
        return Response(status_code=204)

    async def _keep(self, customer: Customer, principal: Principal) -> CustomerKept:
        new = prepare_customer(
            customer, at=self._door.environment.clock.now(), vault=self._door.vault, tokens=self._door.tokens
        )  # fmt: skip
        id_, created = await self._database.run(
            lambda tx: keep_customer(tx, new, _reader(principal), vault=self._door.vault)
        )
        return CustomerKept(id=id_, created=created)

    async def _table(self, principal: Principal, raw: bytes) -> list[dict[str, Any]]:
        rows = await asyncio.to_thread(lambda: list(read_customers(raw, unit=principal.unit)))
        results: list[dict[str, Any]] = []
        for at in range(0, len(rows), TOGETHER):
            part = rows[at : at + TOGETHER]
            results += await asyncio.gather(*(self._row(one, principal) for one in part))
        return [{"row": at + 1} | result for at, result in enumerate(results)]

    async def _row(self, row: Customer | Invalid, principal: Principal) -> dict[str, Any]:
        try:
            if isinstance(row, Invalid):
                raise row
            kept = await self._keep(row, principal)
        except Invalid as error:
            return {"errors": [_error(one) for one in error.errors]}
        return kept.model_dump()

    def _writer(self, request: Request) -> Principal:
        self._guard.of(request, "vault:read")
        return many_brought_by(self._guard.of(request, "intake:write"))

    def _unit(self, unit: str | None, principal: Principal) -> str:
        if unit is None:
            return principal.unit
        principal.must_reach(unit, "the unit")
        return unit

    def _unit_of_account(self, account: str, principal: Principal) -> str:
        found = self._door.environment.policy.accounts.get(account)
        if found is None or found.unit not in principal.units:
            raise NotFound(f"There is no account {account!r} within reach.", zh="没有该账号。")
        if not found.active:
            raise Forbidden("The account is closed.", zh="该账号已停用。")
        return found.unit


def _reader(principal: Principal) -> Reader:
    return Reader(principal.id, principal.units)


def _error(error: FieldError) -> dict[str, str]:
    return {
        "field": error.field,
        "code": error.code,
        "message": error.message,
        "message_zh": error.zh,
    }
