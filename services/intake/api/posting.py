"""Posting complaints and what is added to them."""

import asyncio
import json
import os
from collections.abc import Mapping
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from services.intake import store
from services.intake.api.bodies import Accepted, BatchIn, ComplaintIn, MessageAccepted, MessageIn
from services.intake.api.door import Door, channel_for
from services.intake.api.gate import Gate, only_tells
from services.intake.api.rates import Rates
from services.intake.model import Complaint, MessageReceipt, NewMessage, Receipt
from services.intake.policy.normalise import language_in, mask_message
from services.intake.policy.seal import NONCE_BYTES
from services.intake.usecases.messages import add_message
from services.intake.usecases.receive import facts_of
from services.intake.usecases.refusals import unknown_number, wrong_fields
from services.intake.usecases.taking import check_files
from shared.errors import NotFound, Rejected, Transient
from shared.ids import is_number, new_id
from shared.service import Answer
from shared.store.database import Database
from shared.web.body import describe_body, invalid, read_capped, validate
from shared.web.credentials import Principal
from shared.web.idempotency import REPLAYED, key_of
from shared.web.json import dump
from shared.web.problems import passing, rejected

OK: Final = 200
ACCEPTED: Final = 202
SCOPE: Final = "intake:write"


class Posting:
    """The routes that write."""

    def __init__(self, door: Door, gate: Gate, rates: Rates, database: Database) -> None:
        self._door = door
        self._gate = gate
        self._rates = rates
        self._database = database
        self._guard = door.environment.guard
        self._url = door.environment.settings.public_url

    def add_to(self, router: APIRouter) -> None:
        """Add the routes to a router."""
        router.add_api_route(
            "/complaints", self.post_complaint, methods=["POST"], status_code=ACCEPTED, response_model=Accepted,
            openapi_extra=describe_body(ComplaintIn),
        )  # fmt: skip
        router.add_api_route(
            "/complaints:batch", self.post_batch, methods=["POST"], response_model=None,
            openapi_extra=describe_body(BatchIn),
        )  # fmt: skip
        router.add_api_route(
            "/complaints/{number}/messages", self.post_message, methods=["POST"], status_code=ACCEPTED,
            response_model=MessageAccepted, openapi_extra=describe_body(MessageIn),
        )  # fmt: skip

    def direct(self, prefix: str) -> Mapping[tuple[str, str], Answer]:
        """What is led past the router, which takes a fifth of the time of posting a complaint."""
        return {("POST", f"{prefix}/complaints"): self.post_complaint}

    async def post_complaint(self, request: Request) -> Response:
        """Take a complaint in: 202 once it is stored. With `?validate=true` only tell what would be stored."""
        principal = self._guard.of(request, SCOPE)
        self._rates.must_allow(principal)
        await self._gate.must_be_open()
        raw = await read_capped(request)
        key = key_of(request)
        body = validate(ComplaintIn, raw)
        if only_tells(request):
            return Response(await self.preview(body, principal), media_type="application/json")
        receipt = await self._door.take(body, principal, original=raw, key=key)
        return _answer(
            self.accepted(receipt),
            receipt,
            {"Location": f"/intake/v1/complaints/{receipt.number}"},
        )

    async def post_batch(self, request: Request) -> Response:
        """Take up to 100 complaints in, each with a result of its own."""
        principal = self._guard.of(request, SCOPE)
        await self._gate.must_be_open()
        key, batch = key_of(request), validate(BatchIn, await read_capped(request))
        self._rates.must_allow(principal, len(batch.items))
        # Together, so that they share commits.
        results = await asyncio.gather(
            *(
                self._one_of_batch(request, principal, item, key, at)
                for at, item in enumerate(batch.items)
            )
        )
        return Response(dump({"items": results}), media_type="application/json")

    async def post_message(self, request: Request, number: str) -> Response:
        """Add to a complaint. With `?validate=true` only tell what would be stored."""
        principal = self._guard.of(request, SCOPE)
        self._rates.must_allow(principal)
        await self._gate.must_be_open()
        raw = await read_capped(request)
        new = _message(self._door, request, number, principal, raw)
        if only_tells(request):
            return Response(await self._preview_message(new), media_type="application/json")
        receipt = await self._database.run(lambda tx: add_message(tx, new, vault=self._door.vault))
        return _answer(
            {"id": receipt.id, "number": receipt.number, "added_at": receipt.added_at}, receipt, {}
        )

    async def preview(self, body: ComplaintIn, principal: Principal) -> bytes:
        """What would be stored, as JSON. Raises Rejected."""
        complaint = self._door.normal(body, principal)
        async with self._database.reading() as connection:
            files = await store.attachments(connection, complaint.attachments)
            errors = check_files(files, complaint.attachments, owner=principal.id)
            if complaint.related_to is not None:
                units = await store.units_of(connection, [complaint.related_to])
                if units.get(complaint.related_to) not in principal.units:
                    errors.append(unknown_number("related_to"))
        if errors:
            raise wrong_fields(errors)
        return dump(_normalised(complaint) | {"questions": self._door.questions(complaint)})

    async def _preview_message(self, new: NewMessage) -> bytes:
        """What a message would be. Raises NotFound out of reach, or Invalid for attachments that are none."""
        async with self._database.reading() as connection:
            row = await store.complaint(connection, new.number, new.units)
            files = await store.attachments(connection, new.attachments)
        if row is None:
            raise NotFound(
                f"There is no complaint {new.number}.", zh=f"没有编号为 {new.number} 的投诉。"
            )
        if errors := check_files(files, new.attachments, owner=new.added_by):
            raise wrong_fields(errors)
        return dump(
            {
                "number": new.number,
                "channel": new.channel or row.channel,
                "language": language_in(new.text, tag=new.language),
                "text": mask_message(new.text, {}),
                "attachments": [{"id": id_} for id_ in new.attachments],
            }
        )

    async def _one_of_batch(
        self, request: Request, principal: Principal, item: object, key: str | None, at: int
    ) -> dict[str, Any]:
        try:
            body = ComplaintIn.model_validate(item)
            if only_tells(request):
                shown = await self.preview(body, principal)
                return {"status": OK, "complaint": orjson.Fragment(shown)}
            original = json.dumps(item, ensure_ascii=True).encode()
            receipt = await self._door.take(
                body, principal, original=original, key=key, purpose=f"batch/{at}"
            )
        except ValidationError as error:
            return _as_result(rejected(request, invalid(error)))
        except Rejected as error:
            return _as_result(rejected(request, error))
        except Transient as error:
            return _as_result(passing(request, error))
        return {
            "status": ACCEPTED,
            "complaint": self.accepted(receipt),
            "replayed": receipt.replayed,
        }

    def accepted(self, receipt: Receipt) -> dict[str, Any]:
        """What whoever posted a complaint is told."""
        return {
            "id": receipt.id,
            "number": receipt.number,
            "code": receipt.code,
            "status_url": f"{self._url}/followup/v1/public/cases/{receipt.number}",
            "received_at": receipt.received_at,
        } | ({"message_id": receipt.message_id} if receipt.message_id else {})


def _message(
    door: Door, request: Request, number: str, principal: Principal, raw: bytes
) -> NewMessage:
    if not is_number(number):
        raise NotFound(f"There is no complaint {number!r}.", zh="没有该编号的投诉。")
    body, key = validate(MessageIn, raw), key_of(request)
    files = tuple(dict.fromkeys(one.id for one in body.attachments))
    if principal.channel is not None:
        channel: str | None = channel_for(body.channel, principal)
    else:
        channel = body.channel
    return NewMessage(
        id=new_id(),
        number=number,
        by="staff" if principal.kind == "staff" else "complainant",
        added_by=principal.id,
        units=principal.units,
        channel=channel,
        text=body.text,
        original=raw,
        language=body.language,
        attachments=files,
        nonce=os.urandom(NONCE_BYTES),
        attachment_nonces=tuple(os.urandom(NONCE_BYTES) for _ in files),
        idempotency_key=key,
        external_id=door.tokens.external(body.external_id)
        if body.external_id is not None
        else None,
        fingerprint=door.tokens.fingerprint(body.model_dump_json(exclude_defaults=True).encode()),
    )


def _answer(
    document: Mapping[str, Any], receipt: Receipt | MessageReceipt, headers: dict[str, str]
) -> Response:
    if receipt.replayed:
        headers[REPLAYED] = "true"
    return Response(dump(document), ACCEPTED, headers, media_type="application/json")


def _as_result(problem: Response) -> dict[str, Any]:
    return {"status": problem.status_code, "problem": orjson.Fragment(bytes(problem.body))}


def _normalised(complaint: Complaint) -> dict[str, Any]:
    """What would be stored, for whoever posted it: masked, but with the contacts that they gave."""
    return {
        "unit": complaint.unit,
        "channel": complaint.channel,
        "language": complaint.language,
        "text": complaint.text,
        **{name: value for name, value in facts_of(complaint, ()).items() if name != "attachments"},
        "attachments": [{"id": id_} for id_ in complaint.attachments],
        "contacts": [{"type": one.type, "value": one.value} for one in complaint.person.contacts],
    }
