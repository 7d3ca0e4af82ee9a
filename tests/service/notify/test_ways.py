"""One way after another to a person, what waits for a person, and what others deliver."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.notify.channels.offers import Offers
from services.notify.model import Outgoing, Result, Sent, Traits
from services.notify.usecases import sending
from shared.contracts.notify import ContactFailed, MessageAccepted, MessageDelivered, MessageFailed

if TYPE_CHECKING:
    from tests.world import World

SMS = Traits("phone", form="short", rings=False, repeats=False)


class Provider:
    """Answers as told, and keeps what it got."""

    def __init__(self, name: str, traits: Traits, result: Result) -> None:
        self.name, self.traits, self.result = name, traits, result
        self.got: list[Outgoing] = []

    async def send(self, message: Outgoing) -> Sent:
        self.got.append(message)
        return Sent(self.result, provider_id=f"p-{len(self.got)}", code="raw")


async def complain(world: World) -> dict[str, Any]:
    contacts = [
        {"type": "phone", "value": "13800000000"},
        {"type": "email", "value": "w@example.com"},
    ]
    person = {"name": "王女士", "contacts": contacts, "preferred_channel": "phone"}
    return await world.complain("客服态度差，我要投诉", complainant=person)


@pytest.mark.req("R-107")
async def test_a_refused_sms_becomes_a_mail_and_a_mail_that_comes_back_a_call_and_an_alert(
    world: World,
) -> None:
    sms = Provider("sms", SMS, "refused")
    mail = Provider("email", Traits("email", form="mail", rings=False), "accepted")
    call = Offers("call", Traits("phone", rings=False, by_person=True))
    for channel in (sms, mail, call):
        world.sender()._channels[channel.name] = channel  # type: ignore[index]
    made = await complain(world)
    await world.settle()

    [dead] = await world.said("notify", ContactFailed)
    assert (dead.body.channel, dead.body.contact_type) == ("sms", "phone")
    [accepted] = await world.said("notify", MessageAccepted)
    assert accepted.body.channel == "email"
    path = f"/notify/v1/messages?number={made['number']}"
    [message] = (await world.get(path)).json()["items"]
    assert message["passed"] == ["sms"]
    answer = await world.post(
        f"/notify/v1/messages/{message['id']}/receipts", {"result": "failed", "code": "5.1.1"}
    )
    assert answer.status_code == 204
    await world.settle()
    [message] = (await world.get(path)).json()["items"]
    assert (message["state"], message["channel"]) == ("offered", "call")
    await world.advance(timedelta(minutes=61))
    alerts = (await world.get("/notify/v1/alerts")).json()["items"]
    assert [one["kind"] for one in alerts if one["number"] == made["number"]] == ["unreached"]
    attempts = (await world.get(f"/notify/v1/messages/{message['id']}/attempts")).json()["items"]
    assert (attempts[0]["channel"], attempts[0]["code"]) == ("sms", "raw")


async def test_an_sms_that_may_have_arrived_waits_for_a_person_s_word(world: World) -> None:
    sms = Provider("sms", SMS, "unknown")
    world.sender()._channels = {"sms": sms}
    made = await complain(world)
    await world.settle()
    await world.advance(timedelta(hours=1))

    assert len([one for one in sms.got if one.number == made["number"]]) == 1
    [alert] = (await world.get("/notify/v1/alerts")).json()["items"]
    assert alert["kind"] == "held"
    path = f"/notify/v1/messages/{alert['subject']}/decisions"
    assert (await world.post(path, {"result": "delivered"})).status_code == 204
    assert (await world.post(path, {"result": "send"})).status_code == 409
    await world.settle()
    assert len(await world.said("notify", MessageDelivered)) == 1


async def test_an_sms_whose_process_died_in_the_call_is_not_sent_again(world: World) -> None:
    sms = Provider("sms", SMS, "accepted")
    world.sender()._channels = {}
    await complain(world)
    for _ in range(4):
        for one in world.hosted:
            await world._relay(one)
            await world._consume(one)
        await world._read_policy()
    database = world.service("notify").service.database
    begun = await database.run(lambda tx: sending.begin(tx, limit=9))
    from services.notify import store

    for each in begun:
        message = each.message
        await database.run(lambda tx, message=message: store.call(tx, message, "sms"))  # type: ignore[misc]
    await database.run(store.abandon_attempts)
    world.sender()._channels = {"sms": sms}
    await world.settle()

    assert begun
    assert sms.got == []
    alerts = (await world.get("/notify/v1/alerts")).json()["items"]
    assert {alert["kind"] for alert in alerts} == {"held"}


async def test_an_adapter_fetches_in_order_and_its_receipt_tells_the_rest(world: World) -> None:
    partner = Offers("partner", Traits("phone", rings=False))
    # The routes and the sender share what was built.
    world.sender()._channels.clear()  # type: ignore[attr-defined]
    world.sender()._channels["partner"] = partner  # type: ignore[index]
    made = await complain(world)
    await world.settle()

    page = (await world.get("/notify/v1/outgoing?channel=partner")).json()
    [item] = [one for one in page["items"] if one["number"] == made["number"]]
    assert item["to"] == "+8613800000000" or item["to"].endswith("13800000000")
    assert "王女士" in item["body"]
    body = {"result": "delivered", "provider_id": "x-1", "code": "DELIVRD"}
    for _ in range(2):
        answer = await world.post(f"/notify/v1/messages/{item['id']}/receipts", body)
        assert answer.status_code == 204
    await world.settle()
    assert len(await world.said("notify", MessageDelivered)) == 1
    left = (await world.get("/notify/v1/outgoing?channel=partner")).json()["items"]
    assert item["id"] not in {one["id"] for one in left}


async def test_an_offer_that_nobody_answers_within_an_hour_has_failed(world: World) -> None:
    world.sender()._channels = {"partner": Offers("partner", Traits("phone", rings=False))}
    made = await complain(world)
    await world.settle()
    await world.advance(timedelta(minutes=61))

    failed = await world.said("notify", MessageFailed)
    assert [one.body.number for one in failed] == [made["number"]]
    alerts = (await world.get("/notify/v1/alerts")).json()["items"]
    assert {alert["kind"] for alert in alerts} == {"unreached"}
