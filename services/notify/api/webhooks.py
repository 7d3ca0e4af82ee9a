"""Webhooks over HTTP: made, looked at, changed, tried, set going again, and sent to again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from services.notify import store
from services.notify.api.door import After, Door
from services.notify.channels.addresses import NotAllowed
from services.notify.channels.guarded import Poster
from services.notify.channels.signature import headers, live_secrets, secret_of
from services.notify.model import Wanted
from services.notify.store import webhooks as rows
from services.notify.store.webhooks import Webhook
from services.notify.usecases import webhooks
from shared.errors import FieldError, Invalid, NotFound
from shared.ids import new_id
from shared.store.transaction import AnyRow, Tx
from shared.web.body import FilledText, body_of, describe_body
from shared.web.credentials import Principal
from shared.web.paging import Limit, Page, cursor, read_cursor

MOST_AGAIN = 10_000
TypeName = Annotated[str, Field(pattern=r"^redress\.[a-z_.0-9]*\*?$", max_length=100)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,63}$")]


class WebhookIn(BaseModel):
    """A webhook. Empty filters mean all; a type is whole or ends in `*`. It begins `now`, or at the `beginning`."""

    url: Annotated[FilledText, Field(max_length=2_000)]
    label: Annotated[FilledText, Field(max_length=100)]
    unit: Code | None = None
    types: Annotated[list[TypeName], Field(max_length=50)] = []
    units: Annotated[list[Code], Field(max_length=50)] = []
    categories: Annotated[list[Code], Field(max_length=50)] = []
    after: Annotated[str, Field(max_length=500)] = "now"

    @property
    def wants(self) -> Wanted:
        return Wanted(tuple(self.types), tuple(self.units), tuple(self.categories))


class WebhookOut(BaseModel):
    """A webhook; its secret is shown only when it is made or rotated."""

    id: str
    unit: str
    label: str
    url: str
    types: list[str]
    units: list[str]
    categories: list[str]
    state: str
    reason: str | None = None
    failing_since: datetime | None = None
    position: str
    old_secret_until: datetime | None = None
    made_at: datetime
    made_by: str
    secret: str | None = None


class DeliveryOut(BaseModel):
    """One event for a webhook."""

    event_id: str
    type: str
    subject: str
    state: str
    attempts: int
    next_at: datetime | None
    delivered_at: datetime | None


class AttemptOut(BaseModel):
    """One attempt: `code` is the HTTP status, or what went wrong before there was one."""

    event_id: str
    attempt: int
    at: datetime
    milliseconds: int
    result: str
    code: str | None


class ReplayIn(BaseModel):
    """Which events to send again: one by its id, or those said between two times."""

    event_id: Annotated[str | None, Field(max_length=36)] = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "ReplayIn":
        if (self.event_id is None) == (self.since is None):
            raise PydanticCustomError("one_of", "give event_id, or since (and until)")
        return self


class ReplayOut(BaseModel):
    queued: int


class PingOut(BaseModel):
    """What the receiver answered to `redress.webhook.ping`."""

    delivered: bool
    code: str


def add_webhooks(router: APIRouter, door: Door, poster: Poster, key: bytes) -> None:
    """The routes of webhooks."""
    guard, database, policy = door.environment.guard, door.database, door.environment.policy
    may_read = Annotated[Principal, Depends(guard.scope("events:read"))]

    async def checked(url: str) -> None:
        try:
            await poster.check(url)
        except NotAllowed as error:
            raise Invalid(
                f"We do not post to that address: {error}.", zh="不允许投递到该地址：仅限公网 https 地址。",
                errors=[FieldError("url", "not_allowed", str(error), "地址不允许")],
            ) from error  # fmt: skip

    async def found(id_: str, principal: Principal) -> AnyRow:
        async with database.reading() as connection:
            several = await rows.webhooks(connection, units=principal.units, id_=id_)
        if not several:
            raise NotFound(f"There is no webhook {id_!r}.", zh=f"没有 webhook {id_}。")
        return several[0]

    @router.post("/webhooks", status_code=201, openapi_extra=describe_body(WebhookIn))
    async def make(
        principal: may_read,
        body: Annotated[WebhookIn, Depends(body_of(WebhookIn))],
        response: Response,
    ) -> WebhookOut:
        """Subscribe; the answer has the secret, which is never shown again."""
        unit = body.unit or principal.unit
        for one in (unit, *body.units):
            principal.must_reach(one, "unit")
        await checked(body.url)
        position = await _position(door, body.after)
        id_ = await database.run(
            lambda tx: webhooks.make_webhook(
                tx,
                unit=unit,
                label=body.label,
                url=body.url,
                wants=body.wants,
                position=position,
                by=principal.id,
            )
        )
        response.headers["Location"] = f"/notify/v1/webhooks/{id_}"
        return out(await found(id_, principal), secret=secret_of(key, id_, 1))

    @router.get("/webhooks")
    async def list_webhooks(principal: may_read) -> Page[WebhookOut]:
        async with database.reading() as connection:
            several = await rows.webhooks(connection, units=principal.units)
        return Page(items=[out(row) for row in several])

    @router.get("/webhooks/{webhook}")
    async def get_webhook(principal: may_read, webhook: str) -> WebhookOut:
        return out(await found(webhook, principal))

    @router.delete("/webhooks/{webhook}", status_code=204)
    async def delete(principal: may_read, webhook: str) -> None:
        async def remove(tx: Tx) -> None:
            await webhooks.mine(tx, webhook, principal.units)
            await rows.remove_webhook(tx, webhook)

        await database.run(remove)

    @router.post("/webhooks/{webhook}/rotate")
    async def rotate(principal: may_read, webhook: str) -> WebhookOut:
        """A new secret; for a day deliveries are signed by the old one too."""

        async def unit_of_work(tx: Tx) -> int:
            return await webhooks.rotate(tx, await webhooks.mine(tx, webhook, principal.units))

        generation = await database.run(unit_of_work)
        return out(await found(webhook, principal), secret=secret_of(key, webhook, generation))

    @router.post("/webhooks/{webhook}/pings")
    async def ping(principal: may_read, webhook: str) -> PingOut:
        """Post a `redress.webhook.ping` at once, signed like any event, and tell what was answered."""
        mine: Webhook = rows.webhook_of(await found(webhook, principal))
        now, id_ = door.environment.clock.now(), new_id()
        body = orjson.dumps(
            {
                "specversion": "1.0", "id": id_, "source": "/redress/notify", "type": "redress.webhook.ping",
                "subject": f"webhook/{mine.id}", "time": now, "datacontenttype": "application/json", "data": {},
            }
        )  # fmt: skip
        secrets = live_secrets(
            key, mine.id, generation=mine.generation, old_until=mine.old_until, now=now
        )
        outcome = await poster.post(
            mine.url, body=body, headers=headers(secrets, id_=id_, at=now, body=body)
        )
        return PingOut(delivered=outcome.is_taken, code=outcome.code)

    @router.post(
        "/webhooks/{webhook}/replays", status_code=202, openapi_extra=describe_body(ReplayIn)
    )
    async def send_again(
        principal: may_read, webhook: str, body: Annotated[ReplayIn, Depends(body_of(ReplayIn))]
    ) -> ReplayOut:
        """Send events of the past again, with their own ids, in order."""
        since, until = 0, 0
        if body.since is not None:
            async with database.reading() as connection:
                since = await rows.position_before(connection, body.since)
                end = body.until or door.environment.clock.now()
                until = await rows.position_before(connection, end)

        async def unit_of_work(tx: Tx) -> int:
            mine = await webhooks.mine(tx, webhook, principal.units)
            return await webhooks.send_again(
                tx, mine, policy, event_id=body.event_id, since=since, until=until, limit=MOST_AGAIN
            )

        queued = await database.run(unit_of_work)
        if body.event_id and not queued:
            raise NotFound(f"There is no event {body.event_id!r} within reach.", zh="没有此事件。")
        door.notify.appended.set()
        return ReplayOut(queued=queued)

    @router.get("/webhooks/{webhook}/deliveries")
    async def list_deliveries(
        principal: may_read, webhook: str,
        state: Annotated[Literal["pending", "delivered"] | None, Query()] = None,
        after: After = None, limit: Limit = 50,
    ) -> Page[DeliveryOut]:  # fmt: skip
        await found(webhook, principal)
        at = read_cursor(after, int)[0] if after else -1
        async with database.reading() as connection:
            several = await rows.deliveries(
                connection, webhook, state=state, after=at, limit=limit + 1
            )
        items = [DeliveryOut.model_validate(dict(row._mapping)) for row in several[:limit]]
        return Page(items=items, next=_next(several, limit))

    @router.get("/webhooks/{webhook}/attempts")
    async def list_attempts(
        principal: may_read, webhook: str, after: After = None, limit: Limit = 50
    ) -> Page[AttemptOut]:
        """The log, the newest first."""
        await found(webhook, principal)
        before = read_cursor(after, str)[0] if after else None
        async with database.reading() as connection:
            several = await rows.delivery_log(connection, webhook, before=before, limit=limit + 1)
        items = [AttemptOut.model_validate(dict(row._mapping)) for row in several[:limit]]
        more = len(several) > limit
        return Page(items=items, next=cursor(several[limit - 1].id) if more else None)

    @router.post("/webhooks/{webhook}/{act}", status_code=204)
    async def turn(principal: may_read, webhook: str, act: Literal["enable", "disable"]) -> None:
        """Set it going again where it was left, or leave it alone."""
        row = await found(webhook, principal)
        if act == "enable":
            await checked(row.url)

        async def unit_of_work(tx: Tx) -> None:
            mine = await webhooks.mine(tx, webhook, principal.units)
            if act == "enable":
                await webhooks.set_going(tx, mine)
            else:
                await webhooks.leave_alone(tx, mine, "asked")

        await database.run(unit_of_work)
        door.notify.appended.set()


async def _position(door: Door, after: str) -> int:
    if after == "beginning":
        return 0
    if after == "now":
        async with door.database.reading() as connection:
            return await store.feed_end(connection)
    return int(read_cursor(after, int)[0])


def _next(several: Sequence[AnyRow], limit: int) -> str | None:
    return cursor(several[limit - 1].position) if len(several) > limit else None


def out(row: AnyRow, *, secret: str | None = None) -> WebhookOut:
    """A webhook as it is shown."""
    known = dict(row._mapping)
    return WebhookOut.model_validate(
        known | known["wants"]
        | {"position": cursor(row.position), "old_secret_until": row.old_until, "secret": secret}
    )  # fmt: skip
