"""Erasing somebody: two people, one destroyed key, and proof. The case and its masked words stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from services.intake.channels.email import MEDIA_TYPE
from services.intake.store.mails import MAILS, SENDINGS
from services.intake.usecases.scrubbing import Scrubber
from shared.contracts.intake import ComplainantErased
from shared.ids import new_id
from shared.threads import message_id
from tests.service.intake.doors import bring
from tests.service.intake.people import another_key, complainant_of, erase

if TYPE_CHECKING:
    import httpx

    from tests.world import World

COMPLAINTS = "/intake/v1/complaints"
VAULT = "/intake/v1/vault"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 200


def mail(sender: str, *headers: str, body: str = "broken") -> bytes:
    head = (f"From: {sender}", f"Message-ID: <{new_id()}@example.org>", *headers)
    return ("\r\n".join(head) + f"\r\n\r\n{body}").encode()


def report(world: World, number: str) -> bytes:
    """That a mail of ours about a complaint did not arrive."""
    thread = message_id(
        world.environment.secrets.matching, message=new_id(), number=number, domain="example.com"
    )
    body = (
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {thread}\r\n\r\n--b--\r\n"
    )
    kind = 'Content-Type: multipart/report; boundary="b"'
    return mail("mailer-daemon@example.org", kind, body=body)


async def bring_mail(world: World, raw: bytes) -> httpx.Response:
    return await bring(world, "email", raw, MEDIA_TYPE)


@pytest.mark.req("R-162")
async def test_after_an_erasure_the_case_stays_and_the_person_is_gone(either_world: World) -> None:
    world = either_world
    second = await another_key(world)
    upload = await world.client.post(
        "/intake/v1/attachments",
        content=PNG,
        headers=world.headers(**{"Content-Type": "image/png"}),
    )
    file = upload.json()["id"]
    body = {
        "text": "空调坏了，电话13812345678",
        "complainant": {"name": "王女士", "contacts": [{"type": "phone", "value": "13812345678"}]},
        "attachments": [{"id": file}],
    }
    number = (await world.post(COMPLAINTS, body)).json()["number"]
    other = (await world.post(COMPLAINTS, body | {"attachments": []})).json()["number"]
    id_ = await complainant_of(world, number)

    erasure = await erase(world, id_, second=second)

    assert erasure["state"] == "complete"
    assert erasure["reason"] == "asked by phone [phone]"
    assert erasure["proof"]["keys_destroyed"] == 1
    assert erasure["proof"]["contact_points"] == 1
    assert erasure["proof"]["attachments"] == [file]
    assert erasure["proof"]["database_log"] == "clean"
    assert not (world.folder / "intake" / "attachments" / file).exists()
    for path in (
        f"{VAULT}/complainants/{id_}",
        f"{VAULT}/complainants/{id_}/export",
        f"{VAULT}/complaints/{number}",
        f"{VAULT}/attachments/{file}",
    ):
        assert (await world.get(path)).status_code == 410, path
    shown = (await world.get(f"{COMPLAINTS}/{number}")).json()
    assert shown["text"] == "空调坏了，电话[phone]"
    found = await world.post(f"{VAULT}/search", {"contacts": body["complainant"]["contacts"]})  # type: ignore[index]
    assert [one["numbers"] for one in found.json()["items"]] == [[other]]
    revealed = (await world.post(f"{VAULT}/reveal", {"ids": [id_]})).json()
    assert (revealed["items"], revealed["erased"]) == ([], [id_])
    await world.settle()
    [said] = await world.said("intake", ComplainantErased)
    assert (said.subject, said.body.numbers) == (id_, (number,))


async def test_nobody_erases_alone_and_agreeing_twice_changes_nothing(world: World) -> None:
    second = await another_key(world)
    number = (await world.post(COMPLAINTS, {"text": "a"})).json()["number"]
    id_ = await complainant_of(world, number)
    asked = (await world.post(f"{VAULT}/erasures", {"ids": [id_]})).json()
    approve = f"{VAULT}/erasures/{asked['id']}/approve"

    alone = await world.post(approve, {})
    still = await world.get(f"{VAULT}/complainants/{id_}")
    first = await world.client.post(approve, headers=second)
    again = await world.client.post(approve, headers=second)

    assert asked["state"] == "requested"
    assert (alone.status_code, still.status_code) == (403, 200)
    assert first.json() == again.json()
    assert again.json()["state"] == "complete"
    unknown = await world.post(f"{VAULT}/erasures", {"ids": [id_, "none"]})
    assert [one["field"] for one in unknown.json()["errors"]] == ["ids.0", "ids.1"]


async def test_an_erasure_is_not_seen_outside_its_unit(world: World) -> None:
    await world.post("/desk/v1/units", {"id": "north", "title_zh": "north"})
    await world.settle()
    north = await another_key(world, unit="north")
    number = (await world.post(COMPLAINTS, {"text": "a"})).json()["number"]
    id_ = await complainant_of(world, number)
    asked = (await world.post(f"{VAULT}/erasures", {"ids": [id_]})).json()
    path = f"{VAULT}/erasures/{asked['id']}"

    seen = await world.client.get(path, headers=north)
    agreed = await world.client.post(f"{path}/approve", headers=north)
    own = await world.client.post(f"{VAULT}/erasures", json={"ids": [id_]}, headers=north)

    assert (seen.status_code, agreed.status_code, own.status_code) == (404, 404, 422)


async def test_what_could_not_be_scrubbed_at_once_is_swept_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = await another_key(world)
    number = (await world.post(COMPLAINTS, {"text": "a"})).json()["number"]
    id_ = await complainant_of(world, number)
    database = world.service("intake").service.database
    async with database.reading() as connection:
        # A reader that began before keeps the log from being truncated.
        await connection.exec_driver_sql("SELECT count(*) FROM complainants")
        monkeypatch.setattr("shared.store.scrub.PATIENCE_SECONDS", 0)

        erasure = await erase(world, id_, second=second)

    loops = [one.__self__ for one in world.service("intake").service.loops]  # type: ignore[attr-defined]
    [scrubber] = [one for one in loops if isinstance(one, Scrubber)]
    assert erasure["state"] == "erased"
    assert await scrubber.scrub_waiting() == 1
    assert await scrubber.scrub_waiting() == 0
    done = await world.get(f"{VAULT}/erasures/{erasure['id']}")
    assert done.json()["state"] == "complete"


@pytest.mark.req("R-162")
async def test_mails_of_the_erased_that_were_put_aside_and_bounces_about_them_are_erased_too(
    either_world: World,
) -> None:
    world = either_world
    second = await another_key(world)
    theirs = (await bring_mail(world, mail("wu@example.org"))).json()
    aside = (await bring_mail(world, mail("wu@example.org", "Auto-Submitted: auto-replied"))).json()
    bounce = (await bring_mail(world, report(world, theirs["number"]))).json()
    other = (await bring_mail(world, mail("xu@example.org", "Auto-Submitted: auto-replied"))).json()
    id_ = await complainant_of(world, theirs["number"])
    exported = (await world.get(f"{VAULT}/complainants/{id_}/export")).json()

    erasure = await erase(world, id_, second=second)

    assert exported["mails"] == sorted(
        f"{VAULT}/mails/{one}" for one in (aside["id"], bounce["id"])
    )
    assert [one["posted"].splitlines()[-1] for one in exported["complaints"]] == ["broken"]
    assert (erasure["state"], erasure["proof"]["mails"]) == ("complete", 2)
    opened = {
        one: (await world.get(f"{VAULT}/mails/{mail_['id']}")).status_code
        for one, mail_ in (("aside", aside), ("bounce", bounce), ("other", other))
    }
    assert opened == {"aside": 410, "bounce": 410, "other": 200}
    database = world.service("intake").service.database
    async with database.reading() as connection:
        left = (await connection.execute(select(SENDINGS.c.sender))).all()
        kept = (await connection.execute(select(MAILS).where(MAILS.c.id == aside["id"]))).one()
    assert (left, kept.raw, kept.data_key, kept.sender) == ([], None, None, None)
    assert kept.reason == "auto_reply", "that there was one stays"
