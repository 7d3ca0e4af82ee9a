"""News without reload: what notify's feed tells goes to the screens that show it, and who looks at the same case."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final
from urllib.parse import quote

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from services.desk import store
from services.desk.pages.frame import Frame, Visit, case_path, home_path, redirect
from services.desk.pages.peers import Away, Peers, Refused
from services.desk.policy.getting_in import is_good
from services.desk.policy.news import TYPES, Wish, is_news
from shared import telemetry
from shared.errors import Transient
from shared.service import Environment
from shared.store.database import Database
from shared.store.signal import Signal

SCOPES: Final = frozenset({"events:read"})
LOOK_SECONDS: Final = 1.0
ROUND_SECONDS: Final = 5.0
"""How often a stream looks whether who listens still may, and who else is there."""
TOGETHER: Final = 200
TOUCH_AFTER: Final = timedelta(seconds=15)
GONE_AFTER: Final = timedelta(seconds=45)
"""Who has not been seen for so long looks at the case no more."""

log = telemetry.logger("pages")


class Listener:
    """One open screen: what it shows, and which numbers have news."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self._numbers: set[str] = set()
        self._told = asyncio.Event()

    def tell(self, number: str) -> None:
        self._numbers.add(number)
        self._told.set()

    async def take(self, seconds: float) -> list[str]:
        """The numbers with news; waits for them at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._told.wait()
        except TimeoutError:
            return []
        found = sorted(self._numbers)
        self._numbers.clear()
        self._told.clear()
        return found


class News:
    """Reads the feed once for all screens of this process, while there are any."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._listeners: set[Listener] = set()
        self._after: str | None = None
        self._wanted = Signal()

    @contextmanager
    def listening(self, wish: Wish) -> Iterator[Listener]:
        """A listener, until the end of the block."""
        listener = Listener(wish)
        self._listeners.add(listener)
        self._wanted.set()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def tell(self, number: str, units: frozenset[str]) -> None:
        """Tell who shows a case of what was done to it here, also where no event says it (a note)."""
        for one in self._listeners:
            if one.wish.number == number and not units.isdisjoint(one.wish.units):
                one.tell(number)

    async def run(self) -> None:
        """The loop."""
        while True:
            if self._listeners:
                await self.look()
            else:
                self._after = None
            await self._wanted.wait(LOOK_SECONDS)

    async def look(self) -> None:
        """Tell the listeners what came since the last look. A feed that is away is asked again later."""
        try:
            while await self._page():
                pass
        except (Away, Refused) as error:
            log.warning("no news", error=type(error).__name__)

    async def _page(self) -> bool:
        caller = self._peers.ours(SCOPES, "en")
        begin = self._after or "now"
        found = (
            await caller.get("/notify/v1/events", after=begin, limit=TOGETHER, type=list(TYPES))
        ).json
        self._after = found["next"]
        for event in found["items"]:
            for one in self._listeners:
                if is_news(one.wish, event):
                    one.tell(event["data"].get("number", ""))
        return len(found["items"]) == TOGETHER


class Presence:
    """Who looks at a case now: written down when a page is shown and while its stream is open."""

    def __init__(self, environment: Environment, database: Database) -> None:
        self._environment = environment
        self._database = database

    async def look_in(self, number: str, account: str) -> list[str]:
        """The names of the others who look at the case; from now on `account` is one of those who do."""
        now = self._environment.clock.now()
        async with self._database.reading() as connection:
            seen = await store.present(connection, number, since=now - GONE_AFTER)
        if account not in seen or now - seen[account] >= TOUCH_AFTER:
            before = now - GONE_AFTER
            await self._database.run(
                lambda tx: store.see_present(tx, number, account, before=before)
            )
        known = self._environment.policy.accounts
        return [known[one].display for one in sorted(seen) if one != account and one in known]

    async def leave(self, number: str, account: str) -> None:
        """Who looked looks no more."""
        await self._database.run(lambda tx: store.drop_present(tx, number, account))


class Streams:
    """The streams that screens listen to (server-sent events). Rights are looked at anew each round."""

    def __init__(self, frame: Frame, news: News, presence: Presence) -> None:
        self._frame = frame
        self._news = news
        self._presence = presence
        frame.get("/desk/news", self.of_list, "case")
        frame.get("/desk/cases/{number}/news", self.of_case, "case")

    async def of_list(self, visit: Visit) -> Response:
        """News of the cases in reach; `?of=queue` of one's own."""
        if not _wants_stream(visit.request):
            return redirect(home_path(visit.staff.role))
        is_own = visit.request.query_params.get("of") == "queue"
        return _stream(self._told(visit, handler=visit.staff.id if is_own else None))

    async def of_case(self, visit: Visit) -> Response:
        """News of one case, and who else looks at it. Raises Refused where there is none in reach."""
        number = visit.at("number")
        if not _wants_stream(visit.request):
            return redirect(case_path(number))
        await visit.api.get(f"/followup/v1/cases/{quote(number, safe='')}")
        return _stream(self._told(visit, number=number))

    async def _told(
        self, visit: Visit, *, number: str | None = None, handler: str | None = None
    ) -> AsyncIterator[bytes]:
        environment, me = self._frame.environment, visit.staff
        wish = Wish(environment.policy.subtree(me.unit), number, handler)
        shown: list[str] | None = None
        try:
            with self._news.listening(wish) as listener:
                yield b"retry: 3000\n\n"
                while not environment.stopping.is_set and await self._may_stay(visit):
                    if number is not None:
                        people = await self._presence.look_in(number, me.id)
                        if people != shown:
                            shown = people
                            yield _event("people", _who(visit, people))
                    numbers = await listener.take(ROUND_SECONDS)
                    yield _event("changed", numbers) if numbers else b": here\n\n"
        except Transient as error:
            log.warning("a stream ends", error=type(error).__name__)
        finally:
            if number is not None:
                await self._presence.leave(number, me.id)

    async def _may_stay(self, visit: Visit) -> bool:
        """Whether the session is still good, and the account what it was."""
        frame = self._frame
        session = visit.session and await frame.session_of(visit.session.id)
        if not session or not is_good(session, frame.environment.clock.now()):
            return False
        return frame.environment.policy.accounts.get(visit.staff.id) == visit.staff


def _wants_stream(request: Request) -> bool:
    return "text/event-stream" in request.headers.get("accept", "")


def _stream(told: AsyncIterator[bytes]) -> Response:
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)


def _event(name: str, data: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(data))


def _who(visit: Visit, people: list[str]) -> str:
    return visit.words("case.present", who=visit.words("list.comma").join(people)) if people else ""
