"""Through each door, from what came to a case that somebody answers for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.contracts.followup import CaseOpened
from shared.contracts.notify import MessageAccepted, MessageFailed
from tests.service.intake.doors import bring
from tests.service.intake.test_channels_once import DOORS, Door

if TYPE_CHECKING:
    from tests.world import World

ONE_EACH = ["web", "email", "phone", "walk_in", "letter", "regulator", "chat", "social"]
MAIL = "From: Wang <{sender}>\r\nSubject: Re: x\r\nMessage-ID: <{id}@example.org>\r\nIn-Reply-To: {thread}\r\n\r\n还是没修好\r\n"
REPORT = (
    'From: MAILER-DAEMON@x.org\r\nMessage-ID: <r@x.org>\r\nContent-Type: multipart/report; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {thread}\r\n\r\nx\r\n--b--\r\n"
)


@pytest.mark.parametrize("door", [DOORS[name] for name in ONE_EACH], ids=ONE_EACH)
async def test_what_comes_through_a_door_becomes_a_case(world: World, door: Door) -> None:
    answer = await bring(world, door.channel, door.content, door.media_type)
    await world.settle()

    assert answer.status_code == 202, answer.text
    [opened] = await world.said("followup", CaseOpened)
    assert opened.body.number == answer.json()["number"]
    case = await world.get(f"/followup/v1/cases/{opened.body.number}")
    assert case.json()["state"] in {"received", "assigned"}


async def test_a_mail_is_acknowledged_its_answer_joins_it_and_its_bounce_is_a_failure(
    world: World,
) -> None:
    # Said so plainly that it has an owner, and so an acknowledgement, at once.
    plain = DOORS["email"].content.replace(
        b"broken", b"The product arrived broken, please replace it"
    )
    first = await bring(world, "email", plain, "message/rfc822")
    await world.settle()
    [sent] = world.mails()
    thread = next(
        line.partition(":")[2].strip()
        for line in sent.read_text(encoding="utf-8").splitlines()
        if line.startswith("Message-ID:")
    )

    answer = MAIL.format(sender="wang@example.org", id="2", thread=thread)
    added = await bring(world, "email", answer.encode(), "message/rfc822")
    bounced = await bring(world, "email", REPORT.format(thread=thread).encode(), "message/rfc822")
    await world.settle()

    assert (added.json()["outcome"], added.json()["number"]) == ("message", first.json()["number"])
    assert bounced.json()["number"] == first.json()["number"]
    [accepted] = await world.said("notify", MessageAccepted)
    [failed] = await world.said("notify", MessageFailed)
    assert failed.body.message_id == accepted.body.message_id == bounced.json()["message_id"]
