"""A lost code is asked for here. Public: the answer, and when it comes, is the same whether or not there is a case."""

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.intake.api.bodies import ContactIn, Number
from services.intake.api.door import Door
from services.intake.api.gate import Gate
from services.intake.api.rates import too_often
from services.intake.model import Contact
from services.intake.policy.normalise import normal_contacts
from services.intake.policy.rate import Buckets
from services.intake.usecases.codes import request_code
from services.intake.usecases.refusals import wrong_fields
from shared import telemetry
from shared.errors import FieldError, Transient
from shared.store.database import Database
from shared.web.body import body_of, describe_body
from shared.web.json import dump

ACCEPTED: Final = 202
log = telemetry.logger("codes")


class CodeAsked(BaseModel):
    """Which complaint's code is lost, and one of the contact points that were given with it."""

    number: Number
    contact: ContactIn


class CodeOut(BaseModel):
    """What everybody is told."""

    detail: dict[str, str]


TOLD: Final = CodeOut(
    detail={
        "zh": "如果编号与联系方式相符，查询码会发送到登记的联系方式。",
        "en": "If the number and the contact belong together, the code is being sent to the contact that we have.",
    }
)


class Codes:
    """Has lost codes sent again, after the answer: what is found must not be told by how long it takes."""

    def __init__(self, door: Door, gate: Gate, database: Database) -> None:
        self._door = door
        self._gate = gate
        self._database = database
        self._of_one = Buckets(per_second=1 / 60, burst=5)
        """For each number and each contact."""
        self._of_all = Buckets(per_second=10, burst=100)
        self._under_way: set[asyncio.Task[Any]] = set()

    def add_to(self, router: APIRouter) -> None:
        """Add the route to a router."""
        router.add_api_route(
            "/public/codes", self.ask, methods=["POST"], status_code=ACCEPTED, response_model=CodeOut,
            openapi_extra=describe_body(CodeAsked),
        )  # fmt: skip

    async def ask(self, request: Request) -> Response:
        """Have a lost code sent again to the contact that is known. Public; asked too often: 429."""
        body = await body_of(CodeAsked)(request)
        await self._gate.must_be_open()
        errors: list[FieldError] = []
        contacts = normal_contacts([Contact(body.contact.type, body.contact.value)], errors)
        if errors:
            raise wrong_fields([_at(one) for one in errors])
        [contact] = contacts
        token = self._door.tokens.contact(contact.type, contact.value)
        self._must_allow(body.number, token)
        task = asyncio.create_task(self._request(body.number, token))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return Response(dump(TOLD.model_dump()), ACCEPTED, media_type="application/json")

    async def settle(self) -> None:
        """Wait for what was asked for and not yet recorded."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _must_allow(self, *keys: str) -> None:
        now = self._door.environment.clock.now()
        waits = [self._of_one.take(one, 1, now) for one in keys] + [self._of_all.take("", 1, now)]
        if max(waits) > 0:
            raise too_often(max(waits))

    async def _request(self, number: str, token: str) -> None:
        try:
            await self._database.run(lambda tx: request_code(tx, number, token))
        except Transient as error:
            log.warning("a code was asked for and not recorded", error=str(error))


def _at(error: FieldError) -> FieldError:
    return FieldError("contact.value", error.code, error.message, error.zh)
