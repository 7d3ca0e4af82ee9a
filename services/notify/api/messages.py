"""What was sent and how it went; receipts; what a person decides; what staff see."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.notify import store
from services.notify.api.door import After, Door, Number
from services.notify.usecases import sending
from shared.errors import FieldError, Invalid, NotFound
from shared.store.transaction import AnyRow
from shared.web.body import CleanText, FilledText, body_of, describe_body
from shared.web.credentials import Principal
from shared.web.paging import Limit, Page, cursor, read_cursor


class MessageOut(BaseModel):
    """A message; `at` is when the last attempt ended, `code` the provider's own."""

    id: str
    number: str
    unit: str
    cycle: int
    recipient: str
    purpose: str
    letter: str
    pack: str
    pack_version: str
    language: str
    state: str
    attempts: int
    reason: str | None
    channel: str | None
    provider_id: str | None
    code: str | None
    passed: list[str] = []
    planned_at: datetime
    next_at: datetime | None = None
    at: datetime | None


class AttemptOut(BaseModel):
    """One attempt with what the provider answered, raw."""

    attempt: int
    channel: str
    result: str
    provider_id: str | None
    code: str | None
    started_at: datetime
    ended_at: datetime | None


class ReceiptIn(BaseModel):
    """What a provider or an adapter told later. `provider_id` is its own id, `code` its raw state."""

    result: Literal["accepted", "delivered", "failed"]
    provider_id: Annotated[CleanText | None, Field(max_length=300)] = None
    code: Annotated[CleanText | None, Field(max_length=300)] = None


class ProviderReceiptIn(ReceiptIn):
    """The same by the provider's id, where whoever tells does not know ours."""

    channel: Annotated[FilledText, Field(max_length=20)]
    provider_id: Annotated[FilledText, Field(max_length=300)]


class DecisionIn(BaseModel):
    """What a person found out about a message that may have arrived: send it again, or it did, or it did not."""

    result: Literal["send", "delivered", "failed"]


class AlertOut(BaseModel):
    """Something that a person must look at. `subject` is the message's or the webhook's id."""

    id: str
    unit: str
    kind: str
    subject: str
    number: str | None
    reason: str | None
    raised_at: datetime
    done_at: datetime | None
    done_by: str | None


def out(row: AnyRow) -> MessageOut:
    """A message as it is shown."""
    known = dict(row._mapping)
    channel = known["channel"] or known["by"]
    return MessageOut.model_validate(
        known | {"channel": channel, "passed": known["passed"] or [], "at": known["ended_at"]}
    )


def add_messages(router: APIRouter, door: Door) -> None:
    """The routes about messages."""
    guard, database = door.environment.guard, door.database
    may_read = Annotated[Principal, Depends(guard.scope("notify:read"))]
    may_write = Annotated[Principal, Depends(guard.scope("notify:write"))]

    @router.get("/messages")
    async def list_messages(
        principal: may_read,
        number: Number = None,
        after: After = None,
        recipient: Annotated[
            str, Query(pattern=r"^(complainant|staff(/.{1,60})?|group/.{1,20})$")
        ] = "complainant",
        limit: Limit = 50,
    ) -> Page[MessageOut]:
        """Messages to complainants, or to `staff`, or to one recipient."""
        at = read_cursor(after, str)[0] if after else None
        async with database.reading() as connection:
            rows = await store.messages(
                connection,
                units=principal.units,
                number=number,
                after=at,
                limit=limit + 1,
                to=recipient,
            )
        items = [out(row) for row in rows[:limit]]
        return Page(items=items, next=cursor(items[-1].id) if len(rows) > limit else None)

    @router.get("/messages/{message}/attempts")
    async def list_attempts(principal: may_read, message: str) -> Page[AttemptOut]:
        async with database.reading() as connection:
            found = await store.unit_of(connection, message)
            if found is None or found not in principal.units:
                raise NotFound(f"There is no message {message!r}.", zh=f"没有消息 {message}。")
            rows = await store.attempts(connection, message)
        return Page(items=[AttemptOut.model_validate(dict(row._mapping)) for row in rows])

    @router.post(
        "/messages/{message}/receipts", status_code=204, openapi_extra=describe_body(ReceiptIn)
    )
    async def take_receipt(
        principal: may_write, message: str, body: Annotated[ReceiptIn, Depends(body_of(ReceiptIn))]
    ) -> None:
        await database.run(
            lambda tx: sending.take_receipt(
                tx, message, result=body.result, units=principal.units, channel=principal.channel,
                provider_id=body.provider_id, code=body.code,
            )
        )  # fmt: skip
        door.notify.planned.set()

    @router.post("/receipts", status_code=204, openapi_extra=describe_body(ProviderReceiptIn))
    async def take_provider_receipt(
        principal: may_write,
        body: Annotated[ProviderReceiptIn, Depends(body_of(ProviderReceiptIn))],
    ) -> None:
        """A receipt by the provider's id."""
        await take_by_provider(
            door,
            body.channel,
            body.provider_id,
            result=body.result,
            code=body.code,
            units=principal.units,
        )

    @router.post(
        "/messages/{message}/decisions", status_code=204, openapi_extra=describe_body(DecisionIn)
    )
    async def decide(
        principal: may_write,
        message: str,
        body: Annotated[DecisionIn, Depends(body_of(DecisionIn))],
    ) -> None:
        """A person's word on a message of which nobody knows whether it arrived."""
        await database.run(
            lambda tx: sending.decide(tx, message, result=body.result, units=principal.units)
        )
        door.notify.planned.set()

    @router.get("/alerts")
    async def list_alerts(
        principal: may_read,
        *,
        done: Annotated[bool, Query()] = False,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[AlertOut]:
        """What waits for a person: `unreached`, `held`, `template`, `webhook`."""
        at = read_cursor(after, str)[0] if after else None
        async with database.reading() as connection:
            rows = await store.alerts(
                connection, units=principal.units, is_done=done, after=at, limit=limit + 1
            )
        items = [AlertOut.model_validate(dict(row._mapping)) for row in rows[:limit]]
        return Page(items=items, next=cursor(items[-1].id) if len(rows) > limit else None)

    @router.post("/alerts/{alert}/done", status_code=204)
    async def end_alert(principal: may_write, alert: str) -> None:
        """Somebody looked at it."""
        ended = await database.run(
            lambda tx: store.end_alert(tx, alert, by=principal.id, units=principal.units)
        )
        if not ended:
            raise NotFound(f"There is no alert {alert!r}.", zh=f"没有提醒 {alert}。")


async def take_by_provider(
    door: Door, channel: str, provider_id: str, *, result: Literal["accepted", "delivered", "failed"],
    code: str | None, units: frozenset[str],
) -> None:  # fmt: skip
    """A receipt by the provider's id. Raises NotFound, or Invalid where there is no such channel."""
    known = door.channels.get(channel)
    if known is None:
        raise Invalid(
            f"There is no channel {channel!r}.", zh=f"没有渠道 {channel}。",
            errors=[FieldError("channel", "unknown", f"one of {', '.join(sorted(door.channels))}", "没有此渠道")],
        )  # fmt: skip

    async def take(tx: store.Tx) -> None:
        message = await store.message_of_provider(tx, channel, provider_id)
        if message is None:
            raise NotFound(
                f"No message has the provider's id {provider_id!r}.", zh="没有此服务商编号的消息。"
            )
        await sending.take_receipt(
            tx,
            message,
            result=result,
            units=units,
            channel=channel,
            contact=known.traits.contact,
            code=code,
        )

    await door.database.run(take)
    door.notify.planned.set()
