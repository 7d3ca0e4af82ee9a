from __future__ import annotations

import asyncio
import email
import email.policy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from services.notify.channels.email import TRAITS
from services.notify.model import Outgoing, Sent
from services.notify.sender import loop as sender
from services.notify.usecases.sending import begin
from shared.contracts.notify import MessageAccepted, MessageFailed
from shared.errors import Transient

if TYPE_CHECKING:
    from pathlib import Path

    from tests.world import World


def read(path: Path) -> Any:
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


@pytest.mark.req("R-012")
@pytest.mark.req("R-031")
async def test_the_acknowledgement_names_who_and_by_when_and_goes_out_once(world: World) -> None:
    made = await world.complain("客服态度差，不耐烦，我要投诉")
    await world.settle()
    await world.advance(timedelta(minutes=10))

    [file] = world.mails()
    mail = read(file)
    body = mail.get_content()
    assert mail["To"] == "customer@example.com"
    assert made["number"] in mail["Subject"]
    assert "王女士" in body
    assert "客服小安" in body
    assert "2026年" in body
    assert made["code"] in body


@pytest.mark.req("R-053")
@pytest.mark.parametrize(
    "text", ["客服态度差，我要投诉", "The staff were rude to me and I want to complain"]
)
async def test_the_customer_is_answered_in_their_language_with_an_apology(
    world: World, text: str
) -> None:
    await world.complain(text)
    await world.settle()
    body = read(world.mails()[0]).get_content()
    assert ("抱歉" in body) is ("客服" in text)
    assert ("sorry" in body) is ("rude" in text)


async def test_without_an_owner_it_goes_out_after_a_minute_all_the_same(world: World) -> None:
    await world.complain("嗯")
    await world.settle()
    assert world.mails() == []

    await world.advance(timedelta(seconds=61))
    assert len(world.mails()) == 1


@pytest.mark.req("R-163")
async def test_without_a_contact_nothing_is_sent_and_that_is_said(world: World) -> None:
    await world.complain("客服态度差，我要投诉", complainant={"anonymous": True})
    await world.settle()

    [failed] = await world.said("notify", MessageFailed)
    assert failed.body.reason == "no_contact"
    assert world.mails() == []


class Answering(httpx.AsyncBaseTransport):
    """A vault that answers what it is told."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.asked = 0

    async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.status == 0:
            raise httpx.ConnectError("refused")
        return httpx.Response(self.status, json={})


@pytest.mark.parametrize("status", [0, 500, 503])
async def test_a_vault_that_is_away_is_waited_for_without_counting(
    world: World, status: int
) -> None:
    real = world.sender()._vault._client
    transport = Answering(status)
    world.sender()._vault._client = httpx.AsyncClient(transport=transport, base_url="http://vault")
    await world.complain("客服态度差，我要投诉")
    await world.settle()
    for _ in range(20):
        await world.advance(timedelta(seconds=3))
    assert transport.asked > 15
    assert world.mails() == []
    assert await world.said("notify") == []

    await world.sender()._vault._client.aclose()
    world.sender()._vault._client = real
    await world.advance(timedelta(seconds=3))
    [accepted] = await world.said("notify", MessageAccepted)
    assert accepted.body.attempt == 1


class Slow:
    """A provider that takes a message, and answers when it is told to."""

    name = "email"
    traits = TRAITS

    def __init__(self) -> None:
        self.took: list[str] = []
        self.may_answer = asyncio.Event()

    async def send(self, message: Outgoing) -> Sent:
        self.took.append(message.id)
        await self.may_answer.wait()
        return Sent("accepted")


async def test_an_attempt_that_was_made_is_recorded_once_the_database_has_room_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, database, refusals = Slow(), world.service("notify").service.database, iter(range(3))
    provider.may_answer.set()
    run = database.run

    async def running(unit: Any) -> Any:
        if provider.took and next(refusals, None) is not None:
            raise Transient("the disk is full")
        return await run(unit)

    monkeypatch.setattr(database, "run", running)
    monkeypatch.setattr(sender, "RECORD_PAUSE_SECONDS", 0)
    world.sender()._channels = {"email": provider}
    await world.complain("客服态度差，我要投诉")
    await world.settle()
    await world.advance(timedelta(minutes=10))

    assert next(refusals, None) is None
    assert len(provider.took) == 1
    [accepted] = await world.said("notify", MessageAccepted)
    assert accepted.body.attempt == 1


async def test_a_clock_that_jumps_makes_no_attempt_again_that_is_under_way(world: World) -> None:
    provider = Slow()
    world.sender()._channels = {"email": provider}
    await world.complain("客服态度差，我要投诉")
    sending = asyncio.create_task(world.settle())
    while not provider.took:
        await asyncio.sleep(0)

    world.clock.advance(timedelta(days=1))
    begun = await world.service("notify").service.database.run(lambda tx: begin(tx, limit=9))
    provider.may_answer.set()
    await sending

    assert begun == []
    accepted = await world.said("notify", MessageAccepted)
    assert {one.body.attempt for one in accepted} == {1}


async def test_of_what_is_due_customers_messages_leave_before_those_to_staff(world: World) -> None:
    for _ in range(2):
        await world.complain("客服态度差，我要投诉")
    await world._read_policy()
    for _ in range(3):
        for one in world.hosted:
            await world._relay(one)
            await world._consume(one)

    begun = await world.service("notify").service.database.run(lambda tx: begin(tx, limit=20))

    to_staff = [one.message.is_to_staff for one in begun]
    assert set(to_staff) == {False, True}
    assert to_staff == sorted(to_staff)


async def test_a_message_planned_while_a_provider_is_slow_does_not_wait_for_its_answer(
    world: World,
) -> None:
    provider = Slow()
    await world.settle()
    world.sender()._channels = {"email": provider}

    async def plan() -> None:
        await world.complain("客服态度差，我要投诉")
        for _ in range(3):
            for one in world.hosted:
                await world._relay(one)
                await world._consume(one)

    await plan()
    sending = asyncio.create_task(world.sender().send_due())
    async with asyncio.timeout(10):
        while not provider.took:
            await asyncio.sleep(0)
        await plan()
        while len(provider.took) == 1:
            await asyncio.sleep(0)
    provider.may_answer.set()

    await sending
    assert len(set(provider.took)) == len(provider.took) == 2


async def test_a_stop_waits_for_the_attempt_under_way_and_gives_back_what_was_only_begun(
    world: World,
) -> None:
    provider, at_once = Slow(), TRAITS.at_once
    for _ in range(at_once + 2):
        await world.complain("客服态度差，我要投诉")
    world.sender()._channels = {"email": provider}
    await world._read_policy()
    for _ in range(3):
        for one in world.hosted:
            await world._relay(one)
            await world._consume(one)
    sending = asyncio.create_task(world.sender().send_due())
    while len(provider.took) < at_once:
        await asyncio.sleep(0)

    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    stopping = asyncio.create_task(world.sender().stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    provider.may_answer.set()
    await stopping

    assert len(provider.took) == at_once
    for gate in world.sender()._gates.values():
        gate.is_closed = False
    await world.settle()
    assert len(set(provider.took)) == len(provider.took) == at_once + 2


async def test_an_erased_complainant_cancels_the_message(world: World) -> None:
    world.sender()._vault._client = httpx.AsyncClient(
        transport=Answering(410), base_url="http://vault"
    )
    made = await world.complain("客服态度差，我要投诉")
    await world.settle()

    [failed] = await world.said("notify", MessageFailed)
    assert failed.body.reason == "erased"
    messages = (await world.get(f"/notify/v1/messages?number={made['number']}")).json()
    assert [one["state"] for one in messages["items"]] == ["cancelled"]


async def test_a_receipt_moves_an_accepted_message_to_delivered_once(world: World) -> None:
    made = await world.complain("客服态度差，我要投诉")
    await world.settle()
    [message] = (await world.get(f"/notify/v1/messages?number={made['number']}")).json()["items"]
    path = f"/notify/v1/messages/{message['id']}/receipts"
    for _ in range(2):
        assert (await world.post(path, {"result": "delivered"})).status_code == 204
    await world.settle()

    said = [type(event.body).__name__ for event in await world.said("notify")]
    assert said == ["MessageAccepted", "MessageDelivered"]


async def test_the_feed_gives_every_event_once_in_order_from_a_cursor(world: World) -> None:
    await world.complain("客服态度差，我要投诉")
    await world.settle()
    seen: list[dict[str, Any]] = []
    after = "beginning"
    while True:
        page = (await world.get(f"/notify/v1/events?after={after}&limit=3")).json()
        if not page["items"]:
            break
        seen += page["items"]
        after = page["next"]

    assert len({event["id"] for event in seen}) == len(seen)
    assert not any(event["type"].startswith("redress.policy") for event in seen)
    for source in {event["source"] for event in seen}:
        sequences = [event["sequence"] for event in seen if event["source"] == source]
        assert sequences == list(range(1, len(sequences) + 1))
    assert (await world.get(f"/notify/v1/events?after={after}")).json() == {
        "items": [],
        "next": after,
    }
    await world.complain("客服态度差，我要投诉")
    await world.settle()
    assert (await world.get(f"/notify/v1/events?after={after}")).json()["items"]


@pytest.mark.parametrize("cursor", ["nonsense", "W10", "WyJhIl0", "Wy0xXQ"])
async def test_a_cursor_that_is_none_is_refused_by_name(world: World, cursor: str) -> None:
    answer = await world.get(f"/notify/v1/events?after={cursor}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "after"
