"""Mails by their door: a complaint, more about one, a bounce, or put aside, and each of them once."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from services.intake.channels.email import MEDIA_TYPE
from services.intake.store import MESSAGES, READS
from services.intake.store.mails import MAILS
from shared.contracts.intake import (
    ComplaintMessageAdded,
    ComplaintReceived,
    ComplaintUndelivered,
)
from shared.ids import new_id
from shared.threads import message_id
from tests.service.intake.doors import PNG, bring, count, kept_files, original, shown
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

pytestmark = pytest.mark.asyncio(loop_scope="module")
PDF = b"%PDF-1.4 rest"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One world for all: each test writes under addresses and ids of its own."""
    folder = tmp_path_factory.mktemp("world")
    async with open_world(folder, services=("desk", "intake")) as opened:
        yield opened


def mail(
    body: str = "空调坏了",
    *,
    sender: str = "wang@example.org",
    id_: str | None = None,
    **headers: str,
) -> bytes:
    """A mail (`_` in a header's name stands for `-`)."""
    said = {
        "From": f"Wang <{sender}>",
        "Subject": "Broken",
        "Message-ID": f"<{id_ or new_id()}@example.org>",
    }
    said |= {name.replace("_", "-"): value for name, value in headers.items()}
    return (
        "".join(f"{name}: {value}\r\n" for name, value in said.items()) + "\r\n" + body
    ).encode()


async def send(world: World, raw: bytes, **headers: str) -> httpx.Response:
    return await bring(world, "email", raw, MEDIA_TYPE, **headers)


async def taken(world: World, raw: bytes, outcome: str, **headers: str) -> dict[str, Any]:
    answer = await send(world, raw, **headers)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    assert found["outcome"] == outcome, found
    return found


def thread(world: World, number: str, message: str | None = None) -> str:
    key = world.environment.secrets.matching
    return message_id(key, message=message or new_id(), number=number, domain="example.com")


@pytest.mark.req("R-005")
async def test_a_mail_with_two_attachments_is_one_complaint_with_both_and_kept_as_it_came(
    world: World,
) -> None:
    parts = (
        "--b\r\n\r\n表计读数不对\r\n"
        '--b\r\nContent-Type: image/png; name="a.png"\r\nContent-Transfer-Encoding: binary\r\n\r\n'
    ).encode() + PNG.replace(b"\r\n", b"\r\n") + (
        b'\r\n--b\r\nContent-Type: application/octet-stream; name="b.pdf"\r\n\r\n' + PDF + b"\r\n--b--\r\n"
    )  # fmt: skip
    raw = mail("", MIME_Version="1.0", Content_Type='multipart/mixed; boundary="b"') + parts

    answer = await taken(world, raw, "complaint")

    found = await shown(world, answer["number"])
    assert (found["channel"], found["text"], found["contact_types"]) == (
        "email",
        "表计读数不对",
        ["email"],
    )
    assert [one["media_type"] for one in found["attachments"]] == ["image/png", "application/pdf"]
    kept = await world.get(f"/intake/v1/vault/complaints/{answer['number']}/payload")
    assert kept.content == raw
    assert kept.headers["content-disposition"].startswith("attachment;")
    assert (await original(world, answer["number"]))["text"] == "表计读数不对"


async def test_a_file_of_a_kind_that_is_not_kept_is_told_and_costs_no_complaint(
    world: World,
) -> None:
    body = '--b\r\n\r\n坏了\r\n--b\r\nContent-Type: text/html; name="a.html"\r\n\r\n<svg/>\r\n--b--\r\n'

    answer = await taken(
        world, mail(body, Content_Type='multipart/mixed; boundary="b"'), "complaint"
    )

    assert [one["media_type"] for one in answer["left_out"]] == ["text/html"]


async def test_a_mail_too_long_for_a_text_is_cut_and_kept_whole_as_a_file(world: World) -> None:
    answer = await taken(world, mail("很长。" * 10_000), "complaint")

    found = await shown(world, answer["number"])
    assert (found["truncated"], len(found["text"])) == (True, 20_000)
    [file] = found["attachments"]
    whole = await world.get(f"/intake/v1/vault/attachments/{file['id']}")
    assert whole.content.decode() == "很长。" * 10_000


async def test_the_same_mail_by_another_way_is_the_same_complaint(world: World) -> None:
    first = await taken(world, mail(id_="two-boxes", Received="by a"), "complaint")
    second = await taken(
        world, mail(id_="two-boxes", Received="by b", Delivered_To="x"), "complaint"
    )

    assert second["number"] == first["number"]


async def test_another_mail_of_the_same_sender_under_its_message_id_is_added_once_with_its_files(
    world: World,
) -> None:
    first = await taken(world, mail(id_="edited"), "complaint")
    parts = f"--b\r\n\r\n还有这张\r\n--b\r\nContent-Type: text/plain; name=a.txt\r\n\r\n{new_id()}\r\n--b--\r\n"
    raw = mail(parts, id_="edited", Content_Type='multipart/mixed; boundary="b"')
    files = kept_files(world)

    added = await taken(world, raw, "message")
    again = await taken(world, raw, "message")

    assert added["number"] == again["number"] == first["number"]
    assert added["message_id"] == again["message_id"]
    [shown_] = (await world.get(f"/intake/v1/complaints/{first['number']}/messages")).json()[
        "items"
    ]
    assert (shown_["text"], len(shown_["attachments"])) == ("还有这张", 1)
    assert kept_files(world) == files + 1


async def test_another_mail_of_somebody_else_under_a_known_message_id_is_put_aside_and_not_lost(
    world: World,
) -> None:
    first = await taken(world, mail(id_="twice"), "complaint")

    answer = await taken(
        world, mail("别的事", id_="twice", sender="zheng@example.org"), "quarantined"
    )

    assert answer["reason"] == "other_body"
    listed = await world.get(f"/intake/v1/complaints/{first['number']}/messages")
    assert listed.json()["items"] == []


async def test_a_mail_that_only_quotes_a_number_in_its_text_proves_nothing(world: World) -> None:
    first = await taken(world, mail(sender="chen@example.org"), "complaint")

    answer = await taken(
        world, mail(f"编号 {first['number']} 撤诉", sender="chen@example.org"), "complaint"
    )

    assert answer["number"] != first["number"]
    assert (await shown(world, answer["number"]))["unverified"] is True


async def test_an_answer_of_the_complainant_is_added_to_the_complaint(world: World) -> None:
    first = await taken(world, mail(sender="li@example.org"), "complaint")
    raw = mail(
        "还是没修好\n\n在 2026-03-02，客服 <a@b.c> 写道：\n> 旧内容", sender="Li@Example.org", id_="answer",
        In_Reply_To=thread(world, first["number"]),
    )  # fmt: skip

    answers = await asyncio.gather(*(send(world, raw) for _ in range(5)))

    assert {one.json()["outcome"] for one in answers} == {"message"}
    assert {one.json()["number"] for one in answers} == {first["number"]}
    assert len({one.json()["id"] for one in answers}) == 1
    listed = (await world.get(f"/intake/v1/complaints/{first['number']}/messages")).json()["items"]
    assert [(one["text"], one["by"], one["channel"]) for one in listed] == [
        ("还是没修好", "complainant", "email")
    ]
    assert [one["text"] for one in (await original(world, first["number"]))["messages"]] == [
        "还是没修好"
    ]
    await world.settle()
    [said] = [
        one
        for one in await world.said("intake", ComplaintMessageAdded)
        if one.body.number == first["number"]
    ]
    assert said.body.text == "还是没修好"


async def test_an_answer_of_somebody_else_is_a_complaint_of_its_own_marked_unverified(
    world: World,
) -> None:
    first = await taken(world, mail(sender="zhao@example.org"), "complaint")
    before = await count(world, MESSAGES)
    raw = mail("我也是", sender="qian@example.org", References=thread(world, first["number"]))

    answer = await taken(world, raw, "complaint")

    found = await shown(world, answer["number"])
    assert (found["unverified"], found["related_to"]) == (True, first["number"])
    assert await count(world, MESSAGES) == before
    await world.settle()
    said = {one.body.number: one.body for one in await world.said("intake", ComplaintReceived)}
    assert (said[answer["number"]].unverified, said[first["number"]].unverified) == (True, False)


async def test_a_forged_thread_adds_nothing(world: World) -> None:
    first = await taken(world, mail(sender="sun@example.org"), "complaint")
    other = message_id(b"x" * 32, message=new_id(), number=first["number"], domain="example.com")

    await taken(world, mail(sender="sun@example.org", In_Reply_To=other), "complaint")

    listed = await world.get(f"/intake/v1/complaints/{first['number']}/messages")
    assert listed.json()["items"] == []


async def test_a_bounce_opens_no_case_and_is_said_of_the_message_that_came_back(
    world: World,
) -> None:
    await world.post("/desk/v1/units", {"id": "far", "title_zh": "远", "title_en": "Far"})
    await world.settle()
    sent = await bring(
        world, "email", mail(sender="zhou@example.org"), MEDIA_TYPE, query="?unit=far"
    )
    first = sent.json()
    message, complaints = new_id(), await count(world)
    body = (
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        "Final-Recipient: rfc822; zhou@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {thread(world, first['number'], message)}\r\n\r\n--b--\r\n"
    )
    raw = mail(body, sender="mailer-daemon@x.org", Content_Type='multipart/report; boundary="b"')

    answer = await taken(world, raw, "bounce")
    again = await send(world, raw)

    assert (answer["number"], answer["message_id"], answer["status"]) == (
        first["number"],
        message,
        "5.1.1",
    )
    assert again.json() == answer
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await count(world) == complaints
    await world.settle()
    [said] = await world.said("intake", ComplaintUndelivered)
    assert (said.body.message_id, said.body.kind, said.body.status) == (
        message,
        "undelivered",
        "5.1.1",
    )
    assert said.subject == first["id"]


async def test_what_is_put_aside_is_listed_with_its_reason_and_opened_by_the_vault_only(
    world: World,
) -> None:
    raw = mail("我在休假，电话 13812345678", Auto_Submitted="auto-replied")

    answer = await taken(world, raw, "quarantined")

    listed = (await world.get("/intake/v1/mails?outcome=quarantined")).json()["items"]
    [found] = [one for one in listed if one["id"] == answer["id"]]
    assert (found["reason"], found["detail"]["zh"]) == ("auto_reply", "自动回复")
    opened = await world.get(f"/intake/v1/vault/mails/{answer['id']}")
    assert opened.content == raw
    async with world.service("intake").service.database.reading() as connection:
        row = (await connection.execute(select(MAILS).where(MAILS.c.id == answer["id"]))).one()
        reads = (
            await connection.execute(select(READS).where(READS.c.target == answer["id"]))
        ).all()
    assert b"13812345678" not in row.raw
    assert len(reads) == 1
    without = await world.client.get(
        f"/intake/v1/vault/mails/{answer['id']}", headers=world.headers("adapter_key")
    )
    assert without.status_code == 403


async def test_a_sender_of_too_many_mails_is_put_aside_for_an_hour(world: World) -> None:
    first = mail(sender="loop@example.org", id_="loop-0")
    await taken(world, first, "complaint")
    for number in range(1, 20):
        await taken(world, mail(sender="loop@example.org", id_=f"loop-{number}"), "complaint")

    answer = await taken(world, mail(sender="loop@example.org", id_="loop-20"), "quarantined")
    other = await taken(world, mail(sender="calm@example.org"), "complaint")
    again = await taken(world, first, "complaint")
    world.clock.advance(timedelta(hours=1))
    later = await taken(world, mail(sender="loop@example.org", id_="loop-21"), "complaint")

    assert answer["reason"] == "too_many"
    assert len({one["number"] for one in (other, again, later)}) == 3


async def test_an_idempotency_key_is_for_one_mail_whatever_it_is(world: World) -> None:
    raw = mail(Auto_Submitted="auto-replied")

    await taken(world, raw, "quarantined", **{"Idempotency-Key": "mail-1"})
    await taken(world, raw, "quarantined", **{"Idempotency-Key": "mail-1"})
    other = await send(world, mail(), **{"Idempotency-Key": "mail-1"})

    assert other.status_code == 422


async def test_a_mail_over_the_cap_is_refused(world: World) -> None:
    answer = await send(world, b"x" * (30 * 1024 * 1024 + 1))

    assert answer.status_code == 413


async def test_validate_tells_what_a_mail_would_be_and_stores_nothing(world: World) -> None:
    before = await count(world), await count(world, MAILS)

    complaint = await bring(world, "email", mail(), MEDIA_TYPE, query="?validate=true")
    aside = await bring(world, "email", mail(Precedence="bulk"), MEDIA_TYPE, query="?validate=true")

    assert complaint.json()["text"] == "空调坏了"
    assert aside.json() == {"outcome": "quarantined", "reason": "automatic"}
    assert (await count(world), await count(world, MAILS)) == before


@pytest.mark.skipif(
    "REDRESS_CORPUS" not in os.environ, reason="REDRESS_CORPUS names no folder of real mails"
)
async def test_every_real_mail_ends_as_a_complaint_a_bounce_or_put_aside_with_a_reason(
    world: World,
) -> None:
    found = sorted(Path(os.environ["REDRESS_CORPUS"]).glob("mail-*/**/*"))
    samples = [one for one in found if one.is_file()]
    answers = [(one, await send(world, one.read_bytes())) for one in samples]

    assert samples
    assert [(one, answer.text) for one, answer in answers if answer.status_code != 202] == []
    told = [answer.json() for _, answer in answers]
    assert {one["outcome"] for one in told} == {"complaint", "message", "bounce", "quarantined"}
    assert all(one["reason"] for one in told if one["outcome"] == "quarantined")
    # Some samples are one mail in several forms, under one Message-ID and sender.
    opened = {one["number"] for one in told if one["outcome"] == "complaint"}
    assert {one["number"] for one in told if one["outcome"] == "message"} <= opened


async def test_mails_of_a_unit_are_seen_and_answered_within_it_only(world: World) -> None:
    await world.post("/desk/v1/units", {"id": "there", "title_zh": "那里", "title_en": "There"})
    await world.settle()
    scopes = ["intake:write", "intake:read", "vault:read"]
    made = await world.post("/desk/v1/keys", {"label": "t", "scopes": scopes, "unit": "there"})
    await world.settle()
    there = {"Authorization": f"Bearer {made.json()['key']}"}
    first = await taken(world, mail(sender="far@example.org"), "complaint")
    aside = await taken(world, mail(Auto_Submitted="auto-replied"), "quarantined")

    listed = await world.client.get("/intake/v1/mails", headers=there)
    opened = await world.client.get(f"/intake/v1/vault/mails/{aside['id']}", headers=there)
    answer = mail(sender="far@example.org", In_Reply_To=thread(world, first["number"]))
    own = await taken(world, answer, "complaint", **there)

    assert listed.json()["items"] == []
    assert opened.status_code == 404
    found = await shown(world, own["number"])
    assert (found["unit"], found["unverified"]) == ("there", True)
    assert "related_to" not in found or found["related_to"] is None
