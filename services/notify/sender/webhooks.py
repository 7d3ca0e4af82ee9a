"""Delivers the feed to webhooks: each at its own pace, each complaint's events in order, until they are taken.

What is new is queued in the transaction that moves the webhook's position, so a kill neither loses nor doubles any; a
delivery is begun before it is made and ended after, so a kill in between makes it once more, with the same
`webhook-id`.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from services.notify import store
from services.notify.channels import guarded
from services.notify.channels.guarded import Outcome, Poster
from services.notify.channels.signature import headers, live_secrets
from services.notify.policy.answering import WITHIN
from services.notify.policy.deliveries import LIMIT
from services.notify.store import webhooks as rows
from services.notify.store.webhooks import Due, Webhook
from services.notify.usecases import Notify, webhooks
from services.notify.usecases.webhooks import Delivered
from shared import faults, telemetry
from shared.errors import Transient
from shared.store.database import Database

POLL_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 2.0
TOGETHER: Final = 200
"""Events of the feed that are looked at in one transaction."""
AT_ONCE: Final = guarded.AT_ONCE
"""Deliveries of one webhook under way; of one complaint never more than one."""
WAITING: Final = 1_000
"""So many that were not delivered yet are enough: the feed keeps the rest."""
KEPT_FOR: Final = timedelta(days=30)
TIDY_EVERY: Final = timedelta(hours=1)

log = telemetry.logger("webhooks")


class Deliverer:
    """Delivers to all webhooks of a process."""

    def __init__(
        self, *, database: Database, notify: Notify, poster: Poster, key: bytes, is_alone: bool
    ) -> None:
        self._database = database
        self._notify = notify
        self._poster = poster
        self._key = key
        self._is_alone = is_alone
        self._under_way: dict[str, asyncio.Task[int]] = {}
        self._tidied_at: datetime | None = None

    async def run(self) -> None:
        """Deliver for ever: every webhook by itself, so that one that hangs keeps no other waiting."""
        if self._is_alone:
            await self._database.run(rows.free_deliveries)
        while True:
            try:
                if not self._database.is_paused:
                    await self.tidy()
                    for webhook in await self.active():
                        if webhook.id not in self._under_way:
                            self._start(webhook)
            except Transient as error:
                log.warning("webhooks wait", error=str(error))
                await asyncio.sleep(PAUSE_SECONDS)
            await self._notify.appended.wait_shared(POLL_SECONDS)

    async def tidy(self) -> None:
        """Forget deliveries and answers of long ago, once an hour."""
        now = self._database.clock.now()
        if self._tidied_at is None or now - self._tidied_at > TIDY_EVERY:
            self._tidied_at = now
            await self._database.run(lambda tx: rows.forget_deliveries(tx, before=now - KEPT_FOR))
            await self._database.run(lambda tx: store.forget_answers(tx, before=now - WITHIN))

    def _start(self, webhook: Webhook) -> None:
        task = asyncio.create_task(self._serve(webhook))
        self._under_way[webhook.id] = task
        task.add_done_callback(lambda _: self._under_way.pop(webhook.id, None))

    async def _serve(self, webhook: Webhook) -> int:
        try:
            return await self.deliver(webhook)
        except Transient as error:
            log.warning("a webhook waits", webhook=webhook.id, error=str(error))
            return 0

    async def stop(self) -> None:
        """Once `run` has ended: let what is under way end."""
        while self._under_way:
            await asyncio.wait(self._under_way.values())

    async def active(self) -> Sequence[Webhook]:
        """The webhooks that are delivered to."""
        async with self._database.reading() as connection:
            return [rows.webhook_of(row) for row in await rows.webhooks(connection, is_active=True)]

    async def deliver_due(self) -> int:
        """Deliver everything that is due now; says how many attempts were made."""
        return sum([await self.deliver(webhook) for webhook in await self.active()])

    async def deliver(self, webhook: Webhook) -> int:
        """Queue what is new for one webhook and deliver what is due; says how many attempts were made."""
        tried = 0
        while True:
            queued = await self._queue(webhook)
            due = await self._begin(webhook)
            if not due and not queued:
                return tried
            if due:
                tried += len(due)
                await self._make(webhook, due)

    async def _begin(self, webhook: Webhook) -> Sequence[Due]:
        if not await self._waiting(webhook, at_most=1):
            return ()
        # One that fails is asked by one complaint's first event, not by many at once.
        limit = 1 if webhook.failing_since else AT_ONCE
        return await self._database.run(
            lambda tx: rows.begin_deliveries(tx, webhook, within=LIMIT, limit=limit)
        )

    async def _waiting(self, webhook: Webhook, *, at_most: int) -> int:
        async with self._database.reading() as connection:
            return await rows.waiting(connection, webhook.id, at_most=at_most)

    async def _queue(self, webhook: Webhook) -> bool:
        """Queue the next part of the feed; whether there was any."""
        if await self._waiting(webhook, at_most=WAITING) == WAITING:
            return False
        units = webhooks.reach_of(webhook, self._notify.policy)
        async with self._database.reading() as connection:
            several = await rows.webhooks(connection, id_=webhook.id)
            if not several or several[0].state != "active":
                return False
            after, end = several[0].position, await store.feed_end(connection)
            found = await store.feed(connection, units=units, after=after, limit=TOGETHER)
        # Positions up to the end that was read before are all there, whatever else commits meanwhile.
        last = found[-1].position if len(found) == TOGETHER else end
        if last <= after:
            return False
        faults.reach("notify.before_queue")
        rows_ = [row for row in found if row.position <= last]
        return await self._database.run(
            lambda tx: webhooks.queue_new(tx, webhook, rows_, position=last)
        )

    async def _make(self, webhook: Webhook, due: Sequence[Due]) -> None:
        faults.reach("notify.delivery_begun")
        ended = await asyncio.gather(*(self._post(one) for one in due))
        faults.reach("notify.delivery_made")
        await self._database.run(lambda tx: webhooks.end_attempts(tx, webhook, ended))
        faults.reach("notify.delivery_recorded")

    async def _post(self, due: Due) -> Delivered:
        at, started = self._database.clock.now(), asyncio.get_running_loop().time()
        outcome = await self.post(due.webhook, id_=due.event_id, body=due.event.encode())
        milliseconds = round((asyncio.get_running_loop().time() - started) * 1000)
        jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
        return Delivered(due, outcome, at, milliseconds, jitter)

    async def post(self, webhook: Webhook, *, id_: str, body: bytes) -> Outcome:
        """Post something to a webhook, signed by each secret that is live."""
        now = self._database.clock.now()
        secrets = live_secrets(
            self._key,
            webhook.id,
            generation=webhook.generation,
            old_until=webhook.old_until,
            now=now,
        )
        signed = headers(secrets, id_=id_, at=now, body=body)
        return await self._poster.post(webhook.url, body=body, headers=signed)
