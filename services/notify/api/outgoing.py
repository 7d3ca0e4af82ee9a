"""What others deliver: an adapter fetches its channel's messages, a provider posts receipts in its own form."""

import asyncio
import hmac
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from services.notify import store
from services.notify.api.door import After, Door
from services.notify.api.messages import take_by_provider
from services.notify.channels.gateway import HttpGateway
from services.notify.channels.offers import Offers
from services.notify.model import Message, Wishes
from services.notify.policy.form import shaped
from services.notify.usecases.writing import values_of, write
from shared.errors import FieldError, Forbidden, Gone, Invalid, NotFound, Unauthenticated
from shared.store.transaction import AnyRow
from shared.web.body import read_capped
from shared.web.credentials import Principal
from shared.web.json import parse
from shared.web.paging import Page, cursor, read_cursor

MOST: Final = 50
AT_ONCE: Final = 8


class OutgoingOut(BaseModel):
    """A message to deliver, with the address as the vault has it now. Answer with a receipt under its id."""

    id: str
    number: str
    unit: str
    to: str
    name: str | None
    subject: str
    body: str
    language: str
    purpose: str
    offered_at: datetime


def add_outgoing(router: APIRouter, door: Door) -> None:
    """The routes of adapters that deliver."""
    guard = door.environment.guard

    @router.get("/outgoing")
    async def list_outgoing(
        principal: Annotated[Principal, Depends(guard.scope("notify:write"))],
        channel: Annotated[str, Query(max_length=20)],
        after: After = None,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 20,
    ) -> Page[OutgoingOut]:
        """Messages of a channel that wait for a receipt, in order. A key bound to a channel gets that one only."""
        known = door.channels.get(channel)
        if not isinstance(known, Offers):
            raise Invalid(
                f"The channel {channel!r} is emptied by nobody else.", zh=f"渠道 {channel} 不由适配器投递。",
                errors=[FieldError("channel", "unknown", "a channel of type outgoing or call", "应为 outgoing 或 call 类型")],
            )  # fmt: skip
        if principal.channel not in {None, channel}:
            raise Forbidden(
                f"Your key is bound to the channel {principal.channel}.", zh="密钥限于其他渠道。"
            )
        at = read_cursor(after, int)[0] if after else 0
        async with door.database.reading() as connection:
            rows = await store.outgoing(
                connection, channel=channel, units=principal.units, after=at, limit=limit
            )
        gate = asyncio.Semaphore(AT_ONCE)
        found = await asyncio.gather(*(_written(row, known, door, gate) for row in rows))
        last = rows[-1].position if rows else at
        return Page(items=[one for one in found if one], next=cursor(last) if last else None)

    @router.post("/receipts/{channel}", response_class=Response)
    async def take_callback(request: Request, channel: str, token: str = "") -> Response:
        """Receipts as a described provider posts them; `token` in its address is the channel's secret `callback`."""
        known = door.channels.get(channel)
        secret = known.callback_token if isinstance(known, HttpGateway) else None
        if not isinstance(known, HttpGateway) or secret is None:
            raise NotFound(
                "There is no such channel with receipts.", zh="没有此渠道或该渠道没有回执。"
            )
        if not hmac.compare_digest(token.encode(), secret.encode()):
            raise Unauthenticated("The token is wrong.", zh="token 不正确。")
        units = frozenset(door.environment.policy.units)
        for one in known.receipts(parse_any(await read_capped(request), request)):
            try:
                await take_by_provider(
                    door, channel, one.provider_id, result=one.result, code=one.code, units=units
                )
            except NotFound:
                continue  # Not ours, or older than what we keep: the provider need not tell us again.
        return Response(known.receipt_answer, media_type="text/plain")


def parse_any(raw: bytes, request: Request) -> Any:  # noqa: ANN401 - JSON, or a form's fields
    """What a provider posts: JSON, or the fields of a form. Raises Malformed."""
    if "x-www-form-urlencoded" in request.headers.get("content-type", ""):
        from urllib.parse import parse_qsl

        return dict(parse_qsl(raw.decode("utf-8", "replace")))
    return parse(raw)


async def _written(
    row: AnyRow, channel: Offers, door: Door, gate: asyncio.Semaphore
) -> OutgoingOut | None:
    """The message in clear; None where its person was erased, or has no such address any more."""
    message: Message = store.message_of(row)
    async with gate:
        try:
            contact = await door.vault.contact(message)
        except Gone:
            return None
    addresses = contact.addresses.get(channel.traits.contact) if contact else None
    if contact is None or not addresses:
        return None
    values = values_of(message, contact, Wishes(), door.notify)
    written = write(message, values, door.notify)
    subject, body = shaped(written.subject, written.body, channel.traits)
    return OutgoingOut(
        id=message.id, number=message.number, unit=message.unit, to=addresses[0], name=contact.name,
        subject=subject, body=body, language=values.language, purpose=message.purpose, offered_at=row.offered_at,
    )  # fmt: skip
