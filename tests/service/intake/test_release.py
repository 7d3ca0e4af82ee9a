"""A mail that was put aside is released as a complaint by a person, once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from services.intake.store import READS
from services.intake.store.mails import MAILS
from shared.contracts.intake import ComplaintReceived
from tests.service.intake.doors import bring, count, original, shown
from tests.service.intake.people import another_key, complainant_of, erase

if TYPE_CHECKING:
    from tests.world import World

AUTOMATIC = (
    b"From: Wang <wang@example.org>\r\nSubject: Out\r\nMessage-ID: <a@example.org>\r\nAuto-Submitted: auto-generated\r\n"
    b"\r\nThe meter counts double. Call +8613800138000.\r\n"
)
REPORT = (
    b'From: MAILER-DAEMON@x.org\r\nMessage-ID: <r@x.org>\r\nContent-Type: multipart/report; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
)


async def put_aside(world: World, raw: bytes = AUTOMATIC) -> dict[str, Any]:
    answer = await bring(world, "email", raw, "message/rfc822")
    found: dict[str, Any] = answer.json()
    assert found["outcome"] != "complaint"
    return found


async def test_it_becomes_a_complaint_once_and_who_released_it_is_recorded(world: World) -> None:
    mail = await put_aside(world)
    path = f"/intake/v1/mails/{mail['id']}/release"

    answers = await asyncio.gather(*(world.post(path, {}) for _ in range(5)))
    await world.settle()

    assert {one.status_code for one in answers} == {202}, answers[0].text
    [number] = {one.json()["number"] for one in answers}
    assert (await shown(world, number))["text"] == "The meter counts double. Call [phone]."
    assert "+8613800138000" in (await original(world, number))["payload"]
    assert len(await world.said("intake", ComplaintReceived)) == 1
    [listed] = (await world.get("/intake/v1/mails?outcome=released")).json()["items"]
    assert (listed["number"], listed["released_by"][:4]) == (number, "key/")
    async with world.service("intake").service.database.reading() as connection:
        reads = [row.what for row in await connection.execute(READS.select())]
    assert reads.count("mail released") == 1


async def test_what_cannot_be_read_as_a_mail_is_released_with_what_it_says(world: World) -> None:
    raw = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (at, at)
        for at in range(150)
    )
    mail = await put_aside(world, raw + "没人来修".encode())

    answer = await world.post(f"/intake/v1/mails/{mail['id']}/release", {})

    assert answer.status_code == 202, answer.text
    assert "没人来修" in (await shown(world, answer.json()["number"]))["text"]


async def test_a_bounce_and_what_is_out_of_reach_are_not_released(world: World) -> None:
    await world.post("/desk/v1/units", {"id": "north", "title_zh": "north"})
    await world.settle()
    bounce, mail = await put_aside(world, REPORT), await put_aside(world)
    north = await another_key(world, unit="north")

    refused = await world.post(f"/intake/v1/mails/{bounce['id']}/release", {})
    hidden = await world.client.post(f"/intake/v1/mails/{mail['id']}/release", headers=north)

    assert refused.status_code == 409
    assert hidden.status_code == 404


async def test_a_released_mail_goes_with_its_sender(world: World) -> None:
    second = await another_key(world)
    mail = await put_aside(world)
    released = await world.post(f"/intake/v1/mails/{mail['id']}/release", {})

    await erase(world, await complainant_of(world, released.json()["number"]), second=second)

    gone = await world.get(f"/intake/v1/vault/mails/{mail['id']}")
    assert gone.status_code == 410
    assert await count(world, MAILS) == 1
