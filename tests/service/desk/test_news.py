"""News without reload: what changes reaches the screens that show it, and two people in one case see each other."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from services.desk.pages.news import News
from shared.web.app import service_app
from tests.service.desk.browsing import Browser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping

    from tests.world import World


def news_of(world: World) -> News:
    [run] = world.service("desk").service.loops
    found = run.__self__  # type: ignore[attr-defined]
    assert isinstance(found, News)
    return found


class Stream:
    """A stream as a browser hears it: the ASGI application is asked, and told when the browser leaves."""

    def __init__(self, world: World, browser: Browser, path: str) -> None:
        path, _, query = path.partition("?")
        cookies = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
        headers = {"accept": "text/event-stream", "cookie": cookies, "host": "redress.test"}
        self._scope = {
            "type": "http", "method": "GET", "path": path, "query_string": query.encode(), "root_path": "",
            "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
            "scheme": "http", "http_version": "1.1", "server": ("redress.test", 80),
        }  # fmt: skip
        self._app = service_app(world.service("desk").service)
        self._said: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._left = asyncio.Event()
        self._is_asked = False
        self._task = asyncio.create_task(self._app(self._scope, self._receive, self._send))

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        await self._said.put(message)

    async def _receive(self) -> dict[str, Any]:
        if not self._is_asked:
            self._is_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def status(self) -> int:
        async with asyncio.timeout(10):
            return int((await self._said.get())["status"])

    async def event(self, name: str) -> Any:
        """What the next event of a name says."""
        async with asyncio.timeout(10):
            while True:
                message = await self._said.get()
                text = message.get("body", b"").decode()
                if text.startswith(f"event: {name}\n"):
                    return orjson.loads(text.partition("data: ")[2])
                assert message.get("more_body", True), "the stream has ended"

    async def ends(self) -> bool:
        async with asyncio.timeout(10):
            await self._task
        return True

    async def leave(self) -> None:
        self._left.set()
        await self._task


@pytest.fixture
async def screens(world: World) -> AsyncIterator[list[Stream]]:  # noqa: ARG001 - it ends after them
    """Streams that a test opens: left before the world ends."""
    opened: list[Stream] = []
    yield opened
    for one in opened:
        await one.leave()


@pytest.mark.req("R-095")
async def test_a_change_reaches_the_screens_that_show_it_and_two_people_see_each_other(
    world: World, screens: list[Stream]
) -> None:
    made, other = await world.complain(), await world.complain("电费多收了")
    await world.settle()
    case = f"/desk/cases/{made['number']}"
    handler, supervisor = Browser(world), Browser(world)
    await handler.sign_in("handler")
    await supervisor.sign_in("supervisor")
    first = await handler.get(case)
    second = await supervisor.get(case)
    news = news_of(world)

    screens += [
        Stream(world, handler, f"{case}/news"),
        Stream(world, handler, "/desk/news?of=queue"),
        Stream(world, supervisor, f"/desk/cases/{other['number']}/news"),
    ]
    statuses = [await one.status() for one in screens]
    here = await screens[0].event("people")
    await news.look()
    accepted = await supervisor.send(second, f"{case}/do/accept")
    await world.settle()
    await news.look()

    assert accepted.status == 200
    assert statuses == [200, 200, 200]
    assert first.one("main").attributes["data-news"] == f"{case}/news"
    assert first.one("#people-here").text() == ""
    assert second.one("#people-here").text() == "客服小安 也在查看此工单"
    assert here == "客服主管 也在查看此工单"
    assert await screens[0].event("changed") == [made["number"]]
    assert made["number"] in await screens[1].event("changed")
    assert not [one for one in news._listeners if made["number"] in one._numbers]
    world.clock.advance(timedelta(minutes=2))
    assert (await handler.get(case)).one("#people-here").text() == ""


async def test_a_stream_ends_with_the_session_and_there_is_none_of_what_does_not_exist(
    world: World, screens: list[Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.desk.pages.news.ROUND_SECONDS", 0.01)
    made = await world.complain()
    await world.settle()
    browser = Browser(world)
    await browser.sign_in("handler")
    never = Stream(world, browser, "/desk/cases/0000-0000-000/news")
    stream = Stream(world, browser, f"/desk/cases/{made['number']}/news")
    screens += [never, stream]

    assert await never.status() == 404
    assert await stream.status() == 200
    world.clock.advance(timedelta(minutes=16))
    assert await stream.ends()
