"""WeChat and WeCom call us: what is theirs is taken in once, what is not is refused alike and leaves nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from services.intake.api.callbacks import Callbacks
from services.intake.store import COMPLAINTS, MESSAGES
from services.intake.store.conversations import CONVERSATIONS
from shared.errors import Transient
from tests.service.intake.doors import count, original, shown
from tests.service.intake.people import another_key, erase
from tests.service.intake.platforms import Platform, register
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAMES = ["wechat", "wecom"]
# From the platforms' own samples of code: what they call, and what is inside.
PUBLISHED = {
    "wechat": (
        {"timestamp": "1409735669", "nonce": "1320562132", "msg_signature": "5d197aaffba7e9b25a30732f161a50dee96bd5fa"},
        "hyzAe4OzmOMbd6TvGdIOO6uBmdJoD0Fk53REIHvxYtJlE2B655HuD0m8KUePWB3+LrPXo87wzQ1QLvbeUgmBM4x6F8PGHQHFVAFmOD2LdJF9FrXpbUAh0B5GIItb52sn896wVsMSHGuPE328HnRGBcrS7C41IzDWyWNlZkyyXwon8T332jisa+h6tEDYsVticbSnyU8dKOIbgU6ux5VTjg3yt+WGzjlpKn6NPhRjpA912xMezR4kw6KWwMrCVKSVCZciVGCgavjIQ6X8tCOp3yZbGpy0VxpAe+77TszTfRd5RJSVO/HTnifJpXgCSUdUue1v6h0EIBYYI1BD1DlD+C0CR8e6OewpusjZ4uBl9FyJvnhvQl+q5rv1ixrcpCumEPo5MJSgM9ehVsNPfUM669WuMyVWQLCzpu9GhglF2PE=",
        "abcdteT",
    ),
    "wecom": (
        {"timestamp": "1409659813", "nonce": "1372623149", "msg_signature": "477715d11cdb4164915debcba66cb864d751f3e6"},
        "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==",
        "hello",
    ),
}  # fmt: skip
ECHO = (
    {"timestamp": "1409659589", "nonce": "263014780", "msg_signature": "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
     "echostr": "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="},
    "1616140317555161061",
)  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("world")
    file = register(tmp_path_factory.mktemp("accounts"))
    async with open_world(
        folder, services=("desk", "intake"), callbacks=str(file), at=datetime(2014, 9, 2, 12, tzinfo=UTC)
    ) as opened:  # fmt: skip
        yield opened


def sealed(text: str) -> bytes:
    return f"<xml><Encrypt><![CDATA[{text}]]></Encrypt></xml>".encode()


def turn_clock(world: World, timestamp: str) -> None:
    world.clock.advance(datetime.fromtimestamp(int(timestamp), UTC) - world.clock.now())


async def stored(world: World) -> list[int]:
    return [await count(world, one) for one in (COMPLAINTS, MESSAGES, CONVERSATIONS)]


async def newest(world: World) -> dict[str, Any]:
    answer = await world.get("/intake/v1/complaints?limit=200")
    rows = answer.json()["items"]
    return await shown(world, max(rows, key=lambda one: str(one["id"]))["number"])


async def told(
    world: World, platform: Platform, words: str | None = None, **more: Any
) -> Mapping[str, Any]:
    fields: dict[str, Any] = {"MsgType": "text", "Content": words} if words is not None else {}
    answer = await platform.call(
        platform.message(world.clock.now(), **fields | more), world.clock.now()
    )
    assert answer.status_code == 200, answer.text
    return {"body": answer.content}


@pytest.mark.parametrize("name", NAMES)
async def test_the_platforms_published_vectors_verify_and_each_change_to_them_is_refused_alike(
    world: World, name: str
) -> None:
    query, text, words = PUBLISHED[name]
    turn_clock(world, query["timestamp"])
    platform = Platform(world.client, name)
    before = await stored(world)
    flipped = ("A" if text[60] != "A" else "B").join((text[:60], text[61:]))
    bad = [
        await platform.post(sealed(flipped), query),
        await platform.post(sealed(flipped), query | {"msg_signature": platform.sign(query["timestamp"], query["nonce"], flipped)}),
        await platform.post(sealed(text[:-4]), query),
        await platform.post(sealed(text), query | {"nonce": "1"}),
        await platform.post(sealed(text), query | {"timestamp": str(int(query["timestamp"]) + 1)}),
        await platform.post(sealed(text), query | {"msg_signature": query["msg_signature"].upper()}),
        await platform.post(sealed(text), {}),
    ]  # fmt: skip
    left = await stored(world)

    good = await platform.post(sealed(text), query)

    assert {(one.status_code, one.json()["detail"]) for one in bad} == {
        (403, bad[0].json()["detail"])
    }
    assert left == before
    assert good.status_code == 200
    if words == "hello":  # of the samples, one tells nothing yet
        assert "what happened" in platform.open(good.content)
    else:
        assert (good.content, (await newest(world))["text"]) == (b"", words)


async def test_the_address_is_proven_to_each_platform_and_to_nobody_else(world: World) -> None:
    query, echo = ECHO
    turn_clock(world, query["timestamp"])
    wechat = Platform(world.client, "wechat")
    plain = {"timestamp": query["timestamp"], "nonce": "n", "echostr": "5838479218127813673"}
    plain["signature"] = wechat.sign(plain["timestamp"], "n")

    async def asked(name: str, query: dict[str, str]) -> tuple[int, str]:
        answer = await world.client.get(f"/intake/v1/callbacks/{name}", params=query)
        return answer.status_code, answer.text if answer.status_code == 200 else ""

    assert await asked("wecom", query) == (200, echo)
    assert await asked("wechat", plain) == (200, plain["echostr"])
    assert await asked("wecom", query | {"nonce": "1"}) == (403, "")
    assert await asked("wecom", plain) == (403, "")
    assert await asked("wechat", plain | {"echostr": "<script>"}) == (403, "")
    assert await asked("wechat", plain | {"signature": "é"}) == (403, "")
    assert await asked("nobody", plain) == (404, "")
    world.clock.advance(timedelta(minutes=6))
    assert await asked("wechat", plain) == (403, "")


DTD = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>'
EXTERNAL = b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml><Encrypt>a</Encrypt></xml>'


@pytest.mark.parametrize("raw", [
    DTD, EXTERNAL, b"", b"<xml>", b"<xml/>", b"\xff\xfe<", b"{}", b"<xml>" + b"<a>" * 300, sealed("=" * 40), sealed("é"),
    b'<?xml version="1.0" encoding="utf-16"?><xml/>', b"<xml>\0</xml>", sealed("A" * 64),
])  # fmt: skip
async def test_what_is_no_call_of_the_platform_is_refused_and_leaves_nothing(
    world: World, raw: bytes
) -> None:
    platform, before = Platform(world.client), await stored(world)
    timestamp = str(int(world.clock.now().timestamp()))

    answer = await platform.post(
        raw, {"timestamp": timestamp, "nonce": "n", "msg_signature": platform.sign(timestamp, "n")}
    )

    assert answer.status_code == 403
    assert await stored(world) == before


@pytest.mark.parametrize("inner", [
    b"", b"hello", DTD, b"<xml><MsgType>text</MsgType></xml>",
    b"<xml><FromUserName>a</FromUserName><MsgType>text</MsgType><CreateTime>1</CreateTime></xml>",
    b"<xml><FromUserName>a</FromUserName><MsgType>text</MsgType><CreateTime>x</CreateTime><MsgId>1</MsgId></xml>",
])  # fmt: skip
async def test_what_is_sealed_rightly_and_says_nothing_readable_is_refused_too(
    world: World, inner: bytes
) -> None:
    before = await stored(world)

    answer = await Platform(world.client).call(inner, world.clock.now())

    assert answer.status_code == 403
    assert await stored(world) == before


async def test_what_is_for_another_receiver_too_old_or_too_large_is_refused(world: World) -> None:
    now, before = world.clock.now(), await stored(world)
    words = {"MsgType": "text", "Content": "坏了", "sender": "openid-refused"}
    platform, other = Platform(world.client), Platform(world.client, receiver="wx0000000000000000")

    answers = [
        await other.call(other.message(now, **words), now),
        await platform.call(platform.message(now, **words), now - timedelta(minutes=6)),
        await platform.call(platform.message(now, **words), now + timedelta(minutes=6)),
        await platform.post(b"<xml>" + b" " * 65_536 + b"</xml>", {}),
    ]

    assert [one.status_code for one in answers] == [403, 403, 403, 413]
    assert await stored(world) == before


async def test_the_same_call_50_times_at_once_and_again_later_is_one_complaint(
    world: World,
) -> None:
    platform, before, now = Platform(world.client), await stored(world), world.clock.now()
    plain = platform.message(now, sender="openid-50", MsgType="text", Content="空调坏了，没人来修")

    answers = await asyncio.gather(*(platform.call(plain, now) for _ in range(50)))
    world.clock.advance(timedelta(hours=1))
    later = await platform.call(plain, world.clock.now())

    assert {(one.status_code, one.content) for one in [*answers, later]} == {(200, b"")}
    after = await stored(world)
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 0, 1]
    found = await newest(world)
    assert (found["channel"], found["contact_types"]) == ("wechat", ["wechat"])
    assert (found["preferred_channel"], found["reachable"]) == ("wechat", True)


@pytest.mark.postgres
async def test_on_postgresql_too_many_calls_at_once_are_one_complaint_each(
    postgres_databases: str, tmp_path: Path
) -> None:
    (tmp_path / "accounts").mkdir()
    file = register(tmp_path / "accounts")
    async with open_world(
        tmp_path, services=("desk", "intake"), callbacks=str(file), database=postgres_databases
    ) as world:
        platform, now = Platform(world.client), world.clock.now()
        plain = [
            platform.message(now, sender=f"openid-{at}", MsgType="text", Content="空调坏了")
            for at in range(2)
        ]

        answers = await asyncio.gather(*(platform.call(plain[at % 2], now) for at in range(50)))

        assert {(one.status_code, one.content) for one in answers} == {(200, b"")}
        assert await stored(world) == [2, 0, 2]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.req("R-007")
async def test_a_conversation_asks_what_happened_becomes_a_complaint_and_goes_on_in_it(
    world: World, name: str
) -> None:
    platform, before = Platform(world.client, name), await stored(world)
    who = {"sender": f"openid-talks-{name}"}

    followed = await told(world, platform, MsgType="event", Event="subscribe", **who)
    greeted = await told(world, platform, "您好！", **who)
    pictured = await told(
        world, platform, MsgType="image", MediaId="media-7", PicUrl="http://x/7", **who
    )
    placed = await told(
        world, platform, MsgType="location", Label="文三路1号", Location_X="30.2", **who
    )
    await told(world, platform, "路灯不亮，摔了一跤", **who)
    found = await newest(world)
    await told(world, platform, MsgType="voice", MediaId="m", Recognition="就在小区门口。", **who)
    await told(world, platform, "新投诉", **who)
    await told(world, platform, "电表也不准", **who)
    other = await newest(world)

    for asked in (followed, greeted, pictured, placed):
        assert "发生了什么" in platform.open(asked["body"])
    assert found["text"] == "［图片］\n［位置］\n路灯不亮，摔了一跤"
    kept = await original(world, found["number"])
    assert "media-7" in kept["payload"]
    assert [one["text"] for one in kept["messages"]] == ["就在小区门口。"]
    assert (other["text"], other["channel"]) == ("电表也不准", name)
    after = await stored(world)
    assert [new - old for new, old in zip(after, before, strict=True)] == [2, 1, 1]


async def test_words_two_days_later_are_something_new(world: World) -> None:
    platform, before = Platform(world.client), await stored(world)

    await told(world, platform, "空调坏了", sender="openid-late")
    world.clock.advance(timedelta(hours=49))
    await told(world, platform, "又坏了", sender="openid-late")

    assert (await stored(world))[0] == before[0] + 2


async def test_two_menu_clicks_in_one_second_are_one_and_a_repeat_gets_the_same_question(
    world: World,
) -> None:
    platform = Platform(world.client)
    click = {"MsgType": "event", "Event": "CLICK", "EventKey": "k", "sender": "openid-clicks"}

    first = await told(world, platform, **click)
    again = await told(world, platform, **click)

    assert platform.open(first["body"]) == platform.open(again["body"])


async def test_what_was_left_halfway_becomes_a_complaint_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform, before, now = Platform(world.client), await stored(world), world.clock.now()
    plain = platform.message(now, sender="openid-killed", MsgType="text", Content="煤气味很重")

    async def dies(*_: object) -> None:
        raise Transient("the database is away")

    with monkeypatch.context() as killing:
        killing.setattr(Callbacks, "_complain", dies)
        killed = await platform.call(plain, now)
    left = await stored(world)
    world.clock.advance(timedelta(minutes=2))
    owners = [getattr(one, "__self__", None) for one in world.service("intake").service.loops]
    callbacks = next(one for one in owners if isinstance(one, Callbacks))
    finished = await callbacks.finish_left()
    again = await platform.call(plain, world.clock.now())

    assert (killed.status_code, left[0], finished) == (503, before[0], 1)
    assert (again.status_code, (await stored(world))[0]) == (200, before[0] + 1)
    assert (await newest(world))["text"] == "煤气味很重"


async def test_the_words_of_an_erased_person_are_in_no_conversation(world: World) -> None:
    platform = Platform(world.client)
    await told(world, platform, "空调坏了", sender="openid-erased")
    found, before = await newest(world), await stored(world)
    second = await another_key(world)

    await erase(world, found["complainant_id"], second=second)

    assert (await stored(world))[2] == before[2] - 1
