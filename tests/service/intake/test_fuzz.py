"""Whatever comes to a door: taken, put aside or refused, never a failure. `make fuzz` tries as many as it takes."""

from __future__ import annotations

import json
import os
import random
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from services.intake.api.imports import Imports
from services.intake.channels.table import TABLE
from tests.service.intake.doors import PNG, bring, form
from tests.service.intake.platforms import Platform, register
from tests.service.intake.test_imports import PARTS, workbook
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]
INPUTS = int(os.environ.get("REDRESS_FUZZ", "300"))
SEED = int(os.environ.get("REDRESS_FUZZ_SEED", "1"))
GROWTH = 50 * 1024 * 1024
WARM = 100
"""Inputs before memory is first looked at: what is loaded once is no growth."""

DOORS = [one.code for one in TABLE.values() if one.read]
MAILS = [
    "From: Wang <w{n}@example.org>\r\nSubject: =?gb2312?B?v9W19w==?=\r\nMessage-ID: <{n}@x>\r\n\r\nbroken\r\n",
    ('From: w{n}@example.org\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html; charset=gbk\r\n\r\n'
    "<p>坏<blockquote>x</blockquote>\r\n--b\r\nContent-Type: application/pdf; name*=utf-8''a%20b\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--b--\r\n"),
    ('From: MAILER-DAEMON@x.org\r\nContent-Type: multipart/report; boundary="b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n'
    "Action: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{n}@x>\r\n\r\n--b--\r\n"),
    ("From: w{n}@example.org\r\nContent-Transfer-Encoding: quoted-printable\r\nAuto-Submitted: no\r\n\r\n=E7=A9=BA\r\n"
    "在 2026-03-02，客服 <a@b.c> 写道：\r\n> x\r\n-- \r\n"),
]  # fmt: skip
NASTY_BYTES = [b"\0", b"\xff\xfe", b"\r\n\r\n", b"=?utf-8?B?", b"?=", b"--b\r\n", b"<" * 300, b"\x80" * 64, b"boundary=",
               b"Content-Type: message/rfc822\r\n\r\n", b"charset=utf-7", b"; name*0*=x''%ff", "写道：\n".encode(), b"{", b'"']  # fmt: skip
NASTY_VALUES: list[Any] = [
    None, "", " ", 0, -1, 1e308, True, [], {}, [[]], "\0", "\ud800", "x" * 30_000, "\u202e\u200b", "a\r\nBcc: b@c.d",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", {"a": {"b": 1}}, ["x"] * 300, "１３８００１３８０００", "=cmd()",
]  # fmt: skip


@dataclass
class Mutator:
    """Draws inputs for one channel."""

    channel: str
    draw: random.Random

    def input(self, at: int) -> tuple[bytes, str]:
        """The payload of that number and its media type."""
        if self.channel == "email":
            return self._bytes(self.draw.choice(MAILS).format(n=at).encode()), "message/rfc822"
        body = self._document(
            deepcopy(dict(TABLE[self.channel].example))
            | {"external_id": str(at), "call_id": str(at)}
        )
        if self.draw.random() < 0.3:
            content, media_type = form(body, [("a.png", "image/png", PNG)])
            return self._bytes(content), media_type
        raw = json.dumps(body).encode()
        return (self._bytes(raw) if self.draw.random() < 0.3 else raw), "application/json"

    def _document(self, body: dict[str, Any]) -> dict[str, Any]:
        for _ in range(self.draw.randint(1, 3)):
            place: Any = body
            name = self.draw.choice(list(place))
            while isinstance(place[name], dict) and place[name] and self.draw.random() < 0.7:
                place = place[name]
                name = self.draw.choice(list(place))
            place[name] = deepcopy(self.draw.choice(NASTY_VALUES))
        return body

    def _bytes(self, raw: bytes) -> bytes:
        changed = bytearray(raw)
        for _ in range(self.draw.randint(1, 6)):
            start = self.draw.randrange(len(changed) + 1)
            end = min(len(changed), start + self.draw.randint(0, 20))
            change = self.draw.randrange(5)
            if change == 0:
                changed[start:end] = b""
            elif change == 1:
                changed[start:start] = self.draw.choice(NASTY_BYTES)
            elif change == 2:
                changed[start:end] = self.draw.randbytes(end - start)
            elif change == 3:
                changed[start:start] = changed[start:end] * self.draw.randint(1, 30)
            elif self.draw.random() < 0.2:
                del changed[start:]
        return bytes(changed)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("world")
    file = register(tmp_path_factory.mktemp("accounts"))
    async with open_world(folder, services=("desk", "intake"), callbacks=str(file)) as opened:
        yield opened


@pytest.mark.parametrize("channel", DOORS)
async def test_no_input_is_a_failure_and_none_costs_memory(world: World, channel: str) -> None:
    mutator = Mutator(channel, random.Random(f"{SEED}/{channel}"))
    before, statuses = 0, set()

    for at in range(INPUTS):
        content, media_type = mutator.input(at)
        answer = await bring(world, channel, content, media_type)
        statuses.add(answer.status_code)
        assert answer.status_code < 500, (SEED, at, content[:2_000])
        if at == WARM:
            before = resident()

    assert 202 in statuses
    assert not before or resident() - before < GROWTH


@pytest.mark.parametrize("name", ["wechat", "wecom"])
async def test_no_call_of_a_platform_is_a_failure_sealed_rightly_or_not(
    world: World, name: str
) -> None:
    mutator, platform = Mutator(name, random.Random(f"{SEED}/{name}")), Platform(world.client, name)
    now, said = world.clock.now(), {"MsgType": "text", "Content": "坏了"}

    for _ in range(INPUTS):
        plain = mutator._bytes(platform.message(now, sender=f"o{mutator.draw.random()}", **said))
        if mutator.draw.random() < 0.7:
            await platform.call(plain, now)
        else:
            timestamp = str(int(now.timestamp()))
            query = {
                "timestamp": timestamp,
                "nonce": "n",
                "msg_signature": platform.sign(timestamp, "n"),
            }
            await platform.post(plain, query)

    assert set(platform.statuses) == {200, 403}


FILES: list[tuple[str, bytes]] = [
    ("complaints", "编号,内容,姓名,手机号,发生时间\n{n},坏了,王小明,13800138000,2026-03-01 18:00\nb{n},也坏了,,,\n".encode()),
    ("history", "编号,内容,受理时间,办结时间\n{n},坏了,2024-05-06 09:30,2024-05-07\n".encode("gb18030")),
    ("complaints", '{"text": "坏了", "external_id": "j{n}"}\n{"text": "坏了"}\n'.encode()),
    ("customers", "customer_no,name,phone\nC{n},王小明,13800138000\n".encode()),
    ("complaints", workbook(PARTS)),
    ("history", '{"text": "坏了", "history": {"received_at": "2024-05-06T09:30:00+08:00"}}\n'.encode()),
]  # fmt: skip


async def test_no_file_stops_the_importer_whatever_it_holds(world: World) -> None:
    mutator, statuses = Mutator("import", random.Random(f"{SEED}/import")), set()
    owners = [getattr(one, "__self__", None) for one in world.service("intake").service.loops]
    [importer] = [one for one in owners if isinstance(one, Imports)]

    for at in range(INPUTS):
        kind, raw = mutator.draw.choice(FILES)
        content = raw.replace(b"{n}", str(at).encode())
        if mutator.draw.random() < 0.8:
            content = mutator._bytes(content)
        path = f"/intake/v1/imports?kind={kind}&dry_run={mutator.draw.choice(['true', 'false'])}"
        answer = await world.client.post(path, content=content, headers=world.headers())
        statuses.add(answer.status_code)
        assert answer.status_code < 500, (SEED, at, content[:2_000])
        while await importer.work():
            pass

    assert statuses >= {202, 422}


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
