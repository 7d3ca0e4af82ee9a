"""The same payload 50 times at once, and again a day later, is one complaint: for each door, on both databases."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from services.intake.store import ATTACHMENTS, COMPLAINTS
from tests.service.intake.doors import PNG, bring, count, form, kept_files

if TYPE_CHECKING:
    import httpx

    from tests.world import World

ANSWERED = {"text": "空调坏了", "external_id": "form-1"}
MAIL = (
    b"From: Wang <wang@example.org>\r\nSubject: x\r\nMessage-ID: <1@example.org>\r\n\r\nbroken\r\n"
)
WITH_FILE = (
    b'From: w@example.org\r\nMessage-ID: <2@example.org>\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\n\r\nbroken\r\n--b\r\nContent-Type: image/png\r\n\r\n" + PNG + b"\r\n--b--\r\n"
)


@dataclass(frozen=True)
class Door:
    """A channel with a payload, and how many files are kept of it."""

    channel: str
    content: bytes
    media_type: str = "application/json"
    files: int = 0


DOORS = {
    "web": Door("web", *form(ANSWERED)),
    "email": Door("email", MAIL, "message/rfc822"),
    "email without an id": Door("email", MAIL.replace(b"Message-ID", b"X-Id"), "message/rfc822"),
    "email with a file": Door("email", WITH_FILE, "message/rfc822", files=1),
    "phone": Door("phone", json.dumps({"call_id": "c", "text": "坏了"}).encode()),
    "walk_in": Door("walk_in", json.dumps(ANSWERED).encode()),
    "letter": Door("letter", json.dumps({"register_no": "1", "text": "坏了"}).encode()),
    "regulator": Door(
        "regulator",
        json.dumps({"authority": "12345", "case_number": "H-1", "text": "坏了"}).encode(),
    ),
    "chat": Door(
        "chat",
        json.dumps(
            {"conversation_id": "c", "turns": [{"speaker": "customer", "text": "坏了"}]}
        ).encode(),
    ),
    "social": Door(
        "social", json.dumps({"post_id": "1", "platform": "weibo", "text": "坏了"}).encode()
    ),
    "web with a file": Door("web", *form(ANSWERED, [("a.png", "image/png", PNG)]), files=1),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
async def test_the_same_50_times_at_once_and_a_day_later_is_one_complaint(
    either_world: World, door: Door
) -> None:
    async def brought() -> httpx.Response:
        return await bring(either_world, door.channel, door.content, door.media_type)

    answers = await asyncio.gather(*(brought() for _ in range(50)))
    either_world.clock.advance(timedelta(days=1))
    later = await brought()

    assert {one.status_code for one in answers} == {202}
    assert len({one.json()["number"] for one in [*answers, later]}) == 1
    assert later.headers["Idempotent-Replayed"] == "true"
    assert await count(either_world, COMPLAINTS) == 1
    assert await count(either_world, ATTACHMENTS) == door.files
    assert kept_files(either_world) == door.files
