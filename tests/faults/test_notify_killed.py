"""Kill -9 at each step of telling people and systems: what leaves twice carries the same key, and no SMS ever does."""

from __future__ import annotations

import asyncio
import email
import json
import shutil
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiosmtpd.controller import Controller

from dev.process import free_ports
from tests.faults.system import System

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.slow

FAULTS = {
    "deciding": [
        ("notify.before_commit:kill@2", "email"),
        ("notify.before_commit:kill@5", "phone"),
        ("notify.after_commit:kill@3", "email"),
        ("notify.after_commit:kill@6", "phone"),
        ("notify.after_attempting:kill", "email"),
    ],
    "mails": [
        ("notify.after_vault:kill", "email"),
        ("notify.in_call:kill", "email"),
        ("notify.in_call:kill@2", "email"),
        ("notify.after_sent:kill", "email"),
        ("notify.after_sent:kill@2", "email"),
    ],
    "texts": [
        ("notify.in_call:kill", "phone"),
        ("notify.in_call:kill@2", "phone"),
        ("notify.after_sent:kill", "phone"),
        ("notify.after_sent:kill@2", "phone"),
        ("notify.after_recorded:kill", "phone"),
    ],
    "webhooks": [
        ("notify.after_recorded:kill", "email"),
        ("notify.before_queue:kill", "email"),
        ("notify.delivery_begun:kill@2", "phone"),
        ("notify.delivery_made:kill@2", "email"),
        ("notify.delivery_recorded:kill@2", "phone"),
    ],
}
"""Twenty kills, five to a system; each with how the complainant of the complaint beside it is reached."""
REACHED_WITHIN, REST_WITHIN = 20.0, 60.0
CHANNELS = """
channels:
  - name: sms
    type: http
    url: http://127.0.0.1:{port}/sms
    rings: false
    json: {{OutId: "{{id}}", to: "{{to}}", text: "{{body}}"}}
    success: {{path: Code, equals: [OK]}}
    id: Id
"""


class Outside:
    """A mail server, an SMS provider and a receiver of webhooks that take everything and keep it."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.texts: list[dict[str, Any]] = []
        self.events: list[tuple[str, dict[str, Any]]] = []

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:
        self.mails.append(envelope.content)
        return "250 taken"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in head.splitlines()[1:])
        }
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        if head.startswith("POST /sms "):
            self.texts.append(body)
        else:
            self.events.append((headers["webhook-id"], body))
        said = b'{"Code": "OK", "Id": "1"}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(said), said))
        await writer.drain()
        writer.close()


@asynccontextmanager
async def outside() -> AsyncIterator[tuple[Outside, int, int]]:
    """Listen on two ports: HTTP and SMTP."""
    found, [port] = Outside(), free_ports(1)
    server = await asyncio.start_server(found.answer, "127.0.0.1", 0)
    smtp = Controller(found, hostname="127.0.0.1", port=port)
    smtp.start()
    try:
        yield found, server.sockets[0].getsockname()[1], port
    finally:
        smtp.stop()
        server.close()


async def complain(system: System, key: str, contact: str) -> str | None:
    """One try that is safe to repeat; the number, or None where nothing is known of it."""
    value = "w@example.com" if contact == "email" else "13800000000"
    person = {"name": "王女士", "contacts": [{"type": contact, "value": value}]}
    body = {"text": "客服态度差，我要投诉", "complainant": person}
    try:
        async with system.client("adapter_key") as client:
            headers = {"Idempotency-Key": key}
            answer = await client.post("/intake/v1/complaints", json=body, headers=headers)
    except httpx.HTTPError:
        return None
    return str(answer.json()["number"]) if answer.status_code == httpx.codes.ACCEPTED else None


async def told(system: System, number: str) -> dict[str, Any] | None:
    """The acknowledgement of a complaint, once it has left or waits for a person."""
    async with system.client() as client:
        answer = await client.get("/notify/v1/messages", params={"number": number})
    found = [one for one in answer.json()["items"] if one["purpose"] == "acknowledgement"]
    done = [one for one in found if one["state"] in {"accepted", "held"}]
    return done[0] if done and len(found) == 1 else None


async def until_nothing_waits(system: System, webhook: str, numbers: list[str]) -> None:
    path = f"/notify/v1/webhooks/{webhook}/deliveries?state=pending&limit=1"
    async with asyncio.timeout(REST_WITHIN), system.client() as client:
        while True:
            waiting = (await client.get(path)).json()["items"]
            if not waiting and all([await told(system, one) for one in numbers]):
                return
            await asyncio.sleep(0.2)


@pytest.mark.req("R-107")
@pytest.mark.parametrize("step", FAULTS)
async def test_a_kill_at_any_step_repeats_nothing_but_under_the_same_key_and_no_sms_at_all(
    step: str, seeded_folder: Path, tmp_path: Path
) -> None:
    """INVARIANT: a kill anywhere loses no message, and repeats one only in the windows that R8 names.

    Calling before the attempt is committed, a key that changes by attempt, or sending an SMS again whose provider may
    have it, would break this.
    """
    faults, folder = FAULTS[step], tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    async with outside() as (found, http, smtp):
        (folder / "channels.yaml").write_text(CHANNELS.format(port=http))
        system = System(
            folder,
            REDRESS_CHANNELS=str(folder / "channels.yaml"),
            REDRESS_SMTP=f"smtp://127.0.0.1:{smtp}",
            REDRESS_WEBHOOK_ALLOW=f"127.0.0.1:{http}",
        )
        assert await system.start()
        async with system.client() as client:
            url = f"http://127.0.0.1:{http}/hook"
            made = await client.post("/notify/v1/webhooks", json={"url": url, "label": "crm"})
        assert made.status_code == httpx.codes.CREATED, made.text
        await system.stop(kill=True)
        for at, (fault, contact) in enumerate(faults):
            if await system.start(fault=fault):
                await complain(system, f"k{at}", contact)
                assert await system.ended(REACHED_WITHIN), f"{fault} was never reached"
            await system.stop(kill=True)

        assert await system.start()
        numbers = [
            await complain(system, f"k{at}", contact) for at, (_, contact) in enumerate(faults)
        ]
        known = [one for one in numbers if one]
        assert len(set(known)) == len(faults)
        await until_nothing_waits(system, made.json()["id"], known)
        messages = {one: await told(system, one) for one in known}
        feed = await system.events()
        async with system.client() as client:
            alerts = (await client.get("/notify/v1/alerts?limit=200")).json()["items"]
        assert await system.stop() == 0

    by_mail = {one for one, (_, contact) in zip(known, faults, strict=True) if contact == "email"}
    assert_mails(found, by_mail, messages, most=len(faults))
    held = {one["subject"] for one in alerts if one["kind"] == "held"}
    assert_texts(found, messages, held)
    assert_events(found, feed)
    assert held or step != "texts", "no kill fell into the window of an SMS: this shows nothing"


def assert_mails(found: Outside, by_mail: set[str], messages: dict[str, Any], *, most: int) -> None:
    """Each went out, some more than once, a repeat as it was."""
    copies: dict[str, list[str]] = {}
    for raw in found.mails:
        mail = email.message_from_bytes(raw)
        copies.setdefault(mail["X-Redress-Number"], []).append(mail["Message-ID"])
    assert set(copies) == by_mail
    for number, ids in copies.items():
        assert len(set(ids)) == 1
        assert ids[0].startswith(f"<{messages[number]['id']}.")
    assert sum(len(ids) - 1 for ids in copies.values()) <= most


def assert_texts(found: Outside, messages: dict[str, Any], held: set[str]) -> None:
    """No SMS went out twice; what may have arrived waits for a person, and nothing else does."""
    times = Counter(one["OutId"] for one in found.texts)
    assert set(times.values()) <= {1}
    by_id = {one["id"]: one for one in messages.values()}
    assert {id_ for id_, one in by_id.items() if one["state"] == "held"} == held
    for id_, one in by_id.items():
        if one["channel"] == "sms" and one["state"] == "accepted":
            assert times[id_] == 1


def assert_events(found: Outside, feed: list[dict[str, Any]]) -> None:
    """The receiver has everything, each complaint's first deliveries in order, repeats as they were."""
    bodies: dict[str, dict[str, Any]] = {}
    orders: dict[tuple[str, str], list[int]] = {}
    for id_, body in found.events:
        assert bodies.setdefault(id_, body) == body
        assert body["id"] == id_
    for body in bodies.values():
        orders.setdefault((body["source"], body["subject"]), []).append(body["sequence"])
    assert {one["id"] for one in feed} <= set(bodies)
    assert all(order == sorted(order) for order in orders.values())
