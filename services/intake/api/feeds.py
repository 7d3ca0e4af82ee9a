"""Fetches feeds of posts and reviews and brings what is in them to the door for posts; each post is taken once."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import httpx
import orjson

from services.intake.api.arriving import Arrival, Arrivals
from services.intake.api.door import program
from services.intake.api.gate import Gate
from services.intake.channels.feeds import LARGEST, SETTING, Feed
from services.intake.channels.port import Payload
from services.intake.channels.social import read
from services.intake.channels.table import TABLE
from shared import telemetry
from shared.errors import Rejected, Transient
from shared.web.credentials import Principal
from shared.web.trust import client

CHANNEL: Final = TABLE["social"]
SECONDS: Final = 20.0

log = telemetry.logger("feeds")


class Feeds:
    """Fetches each feed at its own pace. One that fails is tried again; the others go on."""

    def __init__(
        self,
        arrivals: Arrivals,
        gate: Gate,
        feeds: Sequence[Feed],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._arrivals = arrivals
        self._gate = gate
        self.feeds = feeds
        self._transport = transport

    async def run(self) -> None:
        """Fetch for ever."""
        async with asyncio.TaskGroup() as tasks:
            for one in self.feeds:
                tasks.create_task(self._follow(one))

    async def _follow(self, feed: Feed) -> None:
        while True:
            try:
                taken = await self.fetch(feed)
                log.info("feed fetched", feed=feed.name, taken=taken)
            except (Transient, httpx.HTTPError, ValueError) as error:
                log.warning("feed failed", feed=feed.name, error=type(error).__name__)
            await asyncio.sleep(feed.every_seconds)

    async def fetch(self, feed: Feed) -> int:
        """Fetch a feed once; says how many posts are complaints now. Raises Transient, HTTPError or ValueError."""
        answer = await self._answer(feed)
        taken = 0
        for post in feed.posts(answer):
            await self._gate.must_be_open()
            taken += await self._take(feed, post)
        return taken

    async def _take(self, feed: Feed, post: dict[str, Any]) -> bool:
        principal = self._principal(feed)
        payload = Payload(orjson.dumps(post), "application/json")
        arrival = Arrival(CHANNEL, payload, principal, principal.unit)
        try:
            await self._arrivals.submit(arrival, read(payload, self._arrivals.own))
        except Rejected as error:
            # The others are taken; this one is named by its place there, not by what it says.
            fields = [one.field for one in error.errors]
            log.warning(
                "post refused", feed=feed.name, post=str(post.get("post_id"))[:40], fields=fields
            )
            return False
        return True

    async def _answer(self, feed: Feed) -> Any:  # noqa: ANN401 - any JSON
        """What a feed says, at most LARGEST bytes of it. No redirects: the secret is for that address."""
        parts, size = [], 0
        async with (
            client(timeout=SECONDS, transport=self._transport) as feeds,
            feeds.stream("GET", feed.url, headers=dict(feed.headers)) as answer,
        ):
            if not answer.is_success:
                raise ValueError(f"the feed answered {answer.status_code}")
            async for part in answer.aiter_bytes():
                size += len(part)
                if size > LARGEST:
                    raise ValueError(f"the feed is over {LARGEST} bytes")
                parts.append(part)
        return orjson.loads(b"".join(parts))

    def _principal(self, feed: Feed) -> Principal:
        return program(
            self._arrivals.door.environment.policy, f"feed/{feed.name}",
            unit=feed.unit, channel=CHANNEL.code, setting=SETTING,
        )  # fmt: skip
