"""The customer's page: where a complaint stands, and what its complainant can do, with number and code."""

import hmac
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, StrictBool
from sqlalchemy import Row

from services.followup import store
from services.followup.api.answers import CustomerOut, customer_out
from services.followup.policy.commands import ending, helping, solving
from services.followup.policy.commands.order import Order, Words
from services.followup.policy.customer import view
from services.followup.policy.throttle import PER_SECOND, Throttle
from services.followup.usecases.commands import CustomerOrder, customer_command
from services.followup.usecases.record import Followup
from shared.contracts.followup import CaseBody, CaseChanged
from shared.errors import NotFound, TooMany
from shared.ids import code_digest, new_id
from shared.service import Environment
from shared.store.database import Database
from shared.text import FilledText
from shared.web.body import describe_body, read_capped, validate
from shared.web.idempotency import REPLAYED, fingerprint, key_of
from shared.web.json import dump

CHANNEL: Final = "web"
"""The customer's page is of the web."""


class AnswerIn(Order):
    """Yes or no: to what was proposed, or once it is resolved, to whether it is solved."""

    accepted: StrictBool
    reason: Words | None = None


class WithdrawIn(Order):
    """The complaint is taken back."""

    reason: Words | None = None


class AskSupervisorIn(Order):
    """A supervisor is to look at it."""

    reason: Words | None = None


class AddIn(BaseModel):
    """Something to add, in the customer's own words."""

    text: Annotated[FilledText, Field(max_length=20_000)]


class AddedOut(BaseModel):
    """When it was added; a person looks at it."""

    number: str
    added_at: datetime


COMMANDS: Final[Mapping[str, type[Order]]] = {
    "answer": AnswerIn,
    "withdraw": WithdrawIn,
    "ask_supervisor": AskSupervisorIn,
}


def meaning(order: Order, case: CaseBody) -> tuple[str, Order]:
    """Which command a customer's order is on a case as it stands."""
    match order:
        case AnswerIn(accepted=accepted, reason=reason) if case.resolution is not None:
            result: Any = "satisfied" if accepted else "dissatisfied"
            return "callback", ending.Callback(result=result, note=reason)
        case AnswerIn(accepted=accepted, reason=reason):
            return "answer", solving.Answer(accepted=accepted, channel=CHANNEL, reason=reason)
        case WithdrawIn(reason=reason):
            return "withdraw", ending.Withdraw(reason=reason or "withdrawn by the customer")
        case AskSupervisorIn(reason=reason):
            return "ask_supervisor", helping.AskSupervisor(reason=reason)
    raise ValueError(f"{type(order).__name__} is no customer's order")


class CustomerPage:
    """Lets in who has number and code; throttled by number, in each process."""

    def __init__(self, environment: Environment, database: Database, context: Followup) -> None:
        self._environment = environment
        self._database = database
        self._context = context
        self._throttle = Throttle(environment.clock.now)

    async def let_in(self, request: Request, number: str) -> Row[Any]:
        """The case's row. Raises TooMany, or NotFound where number or code is wrong: the two look the same."""
        if not self._throttle.take(number):
            raise _too_often()
        async with self._database.reading() as connection:
            row = await store.find(connection, number)
        digest = code_digest(request.headers.get("redress-code", ""))
        is_right = hmac.compare_digest(digest, row.code_sha256 if row else "0" * 64)
        if row is None or not is_right:
            raise NotFound(
                "There is no such complaint: check the number and the code.",
                zh="未找到，请核对编号和查询码。",
            )
        return row

    async def read(self, request: Request, number: str) -> Response:
        """Where it stands, for who has number and code."""
        row = await self.let_in(request, number)
        return _answer(CaseChanged.model_validate(row.body), row.callback_due_at)

    async def add(self, request: Request, number: str) -> Response:
        """Add to the complaint; the words go to the vault, and a person looks at them."""
        await self.let_in(request, number)
        body = validate(AddIn, await read_capped(request))
        key = key_of(request) or new_id()
        at = await self._context.intake.add(number, body.text, channel=CHANNEL, key=key)
        added = AddedOut(number=number, added_at=at)
        return Response(dump(added.model_dump()), status_code=202, media_type="application/json")

    async def issue(self, request: Request, number: str, name: str) -> Response:
        """Do what a customer may do."""
        row = await self.let_in(request, number)
        sent = validate(COMMANDS[name], await read_capped(request) or b"{}")
        order = CustomerOrder(
            complaint=row.complaint,
            unit=row.unit,
            number=number,
            meaning=lambda case: meaning(sent, case),
            key=key_of(request),
            fingerprint=fingerprint(name.encode(), dump(sent.model_dump())),
            id=new_id(),
        )
        done = await self._database.run(lambda tx: customer_command(tx, self._context, order))
        async with self._database.reading() as connection:
            row = await store.find(connection, number) or row
        answer = _answer(CaseChanged.model_validate(row.body), row.callback_due_at)
        if done.is_replay:
            answer.headers[REPLAYED] = "true"
        return answer


def customer_routes(
    router: APIRouter, environment: Environment, database: Database, context: Followup
) -> None:
    """`GET /public/cases/{number}` and what the customer can do, each with the header `Redress-Code`."""
    page = CustomerPage(environment, database, context)
    path = "/public/cases/{number}"
    router.add_api_route(path, page.read, methods=["GET"], response_model=CustomerOut)
    router.add_api_route(
        f"{path}/commands/add", page.add, methods=["POST"], status_code=202, response_model=AddedOut,
        openapi_extra=describe_body(AddIn),
    )  # fmt: skip
    for name in COMMANDS:
        _command(router, page, f"{path}/commands/{name}", name)


def _command(router: APIRouter, page: CustomerPage, path: str, name: str) -> None:
    async def issue(request: Request, number: str) -> Response:
        return await page.issue(request, number, name)

    router.add_api_route(
        path, issue, methods=["POST"], name=f"customer_{name}", response_model=CustomerOut,
        summary=COMMANDS[name].__doc__, openapi_extra=describe_body(COMMANDS[name]),
    )  # fmt: skip


def _answer(case: CaseBody, callback_due_at: datetime | None) -> Response:
    shown = customer_out(view(case, callback_due_at))
    headers = {"Cache-Control": "no-store"}
    return Response(dump(shown.model_dump()), media_type="application/json", headers=headers)


def _too_often() -> TooMany:
    return TooMany(
        "This number is asked about too often: wait a little.",
        zh="查询过于频繁，请稍候再试。",
        retry_after=math.ceil(1 / PER_SECOND),
    )
