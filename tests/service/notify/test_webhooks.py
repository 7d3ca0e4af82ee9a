"""Webhooks of other systems: nothing is missed, each complaint's events come in order."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from services.notify.channels.addresses import read_allowed
from services.notify.channels.guarded import Poster
from shared.contracts.notify import SubscriptionDisabled

if TYPE_CHECKING:
    from tests.world import World

URL = "http://127.0.0.1:9000/hook"


class Receiver(httpx.AsyncBaseTransport):
    """Takes deliveries, or answers as told."""

    def __init__(self) -> None:
        self.status = 204
        self.got: list[dict[str, Any]] = []
        self.asked = 0
        self.headers: list[httpx.Headers] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        self.headers.append(request.headers)
        if self.status == 0:
            raise httpx.ConnectError("refused")
        if self.status < 300:
            self.got.append(orjson.loads(await request.aread()))
        return httpx.Response(self.status, stream=httpx.ByteStream(b""))


@pytest.fixture
def receiver(world: World) -> Receiver:
    found = Receiver()
    poster = world.deliverer()._poster
    poster._allowed = read_allowed("127.0.0.1:9000")
    poster._transport = found
    assert isinstance(poster, Poster)
    return found


async def subscribe(world: World, **more: object) -> dict[str, Any]:
    answer = await world.post("/notify/v1/webhooks", {"url": URL, "label": "crm", **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def orders(events: list[dict[str, Any]]) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for event in events:
        found.setdefault((event["source"], event["subject"]), []).append(event["sequence"])
    return found


@pytest.mark.req("R-099")
async def test_a_receiver_gets_every_event_once_in_order_and_only_what_it_asked_for(
    world: World, receiver: Receiver
) -> None:
    made = await subscribe(world)
    some = await subscribe(world, types=["redress.case.*"], label="cases")
    assert made["secret"].startswith("whsec_")
    await world.complain("客服态度差，我要投诉")
    await world.settle()

    page = (await world.get(f"/notify/v1/webhooks/{made['id']}/deliveries?state=delivered")).json()
    ids = [one["event_id"] for one in page["items"]]
    mine = [event for event in receiver.got if event["id"] in ids]
    assert len(set(ids)) == len(ids) > 5
    for sequence in orders(mine[: len(ids)]).values():
        assert sorted(set(sequence)) == list(range(1, max(sequence) + 1))
    cases = (await world.get(f"/notify/v1/webhooks/{some['id']}/deliveries")).json()["items"]
    assert {one["type"].split(".")[1] for one in cases} == {"case"}
    assert "secret" not in str(
        (await world.get("/notify/v1/webhooks")).json()["items"][0]["secret"]
    )


async def test_a_receiver_that_was_away_for_two_days_misses_nothing_and_has_it_in_order(
    world: World, receiver: Receiver
) -> None:
    made = await subscribe(world)
    receiver.status = 0
    for text in ("空调坏了，没人来修", "客服态度差，我要投诉"):
        await world.complain(text)
    await world.settle()
    for _ in range(8):
        await world.advance(timedelta(hours=6))
    assert receiver.got == []
    assert receiver.asked > 8

    receiver.status = 204
    for _ in range(3):
        await world.advance(timedelta(hours=12))

    waiting = await world.get(f"/notify/v1/webhooks/{made['id']}/deliveries?state=pending")
    assert waiting.json()["items"] == []
    everything = (await world.get("/notify/v1/events?after=beginning&limit=200")).json()["items"]
    assert {event["id"] for event in receiver.got} == {event["id"] for event in everything}
    for sequence in orders(receiver.got).values():
        assert sequence == sorted(sequence)
    assert len(receiver.got) == len({event["id"] for event in receiver.got})


async def test_after_five_days_of_failing_it_is_left_alone_which_is_told_and_it_goes_on_where_it_was(
    world: World, receiver: Receiver
) -> None:
    made = await subscribe(world)
    receiver.status = 500
    await world.complain()
    await world.settle()
    for _ in range(12):
        await world.advance(timedelta(hours=12))

    [told] = await world.said("notify", SubscriptionDisabled)
    assert told.body.reason == "failing"
    alerts = (await world.get("/notify/v1/alerts")).json()["items"]
    assert [one["kind"] for one in alerts if one["subject"] == made["id"]] == ["webhook"]
    asked = receiver.asked
    await world.advance(timedelta(days=1))
    assert receiver.asked == asked

    receiver.status = 204
    answer = await world.post(f"/notify/v1/webhooks/{made['id']}/enable", {})
    assert answer.status_code == 204
    await world.settle()
    everything = (await world.get("/notify/v1/events?after=beginning&limit=200")).json()["items"]
    assert {event["id"] for event in receiver.got} == {event["id"] for event in everything}


async def test_pings_rotations_replays_and_the_log(world: World, receiver: Receiver) -> None:
    await world.complain()
    await world.settle()
    made = await subscribe(world)
    path = f"/notify/v1/webhooks/{made['id']}"
    assert (await world.post(f"{path}/pings", {})).json() == {"delivered": True, "code": "204"}
    assert receiver.got[0]["type"] == "redress.webhook.ping"
    rotated = (await world.post(f"{path}/rotate", {})).json()
    assert rotated["secret"] != made["secret"]
    await world.post(f"{path}/pings", {})
    assert len(receiver.headers[-1]["webhook-signature"].split()) == 2

    receiver.got.clear()
    events = (await world.get("/notify/v1/events?after=beginning&limit=200")).json()["items"]
    one = await world.post(f"{path}/replays", {"event_id": events[0]["id"]})
    assert (one.status_code, one.json()) == (202, {"queued": 1})
    await world.settle()
    assert [event["id"] for event in receiver.got] == [events[0]["id"]]
    hour = world.clock.now() - timedelta(hours=1)
    await world.post(
        f"{path}/replays", {"since": hour.isoformat(), "until": "2099-01-01T00:00:00Z"}
    )
    await world.settle()
    assert [event["id"] for event in receiver.got[1:]] == [event["id"] for event in events]
    log = (await world.get(f"{path}/attempts")).json()["items"]
    assert len(log) == 1 + len(events)
    assert {entry["code"] for entry in log} == {"204"}


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "http://example.com/",
        "https://localhost:8443/",
        "ftp://x",
        "https://10.0.0.1/",
    ],
)
async def test_a_private_address_is_refused_when_it_is_registered(
    world: World, receiver: Receiver, url: str
) -> None:
    answer = await world.post("/notify/v1/webhooks", {"url": url, "label": "x"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "url"
    assert receiver.asked == 0
