"""Mails that come by themselves: over a real SMTP connection, and out of a real IMAP server's mailbox."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiosmtplib
import pytest
from imap_tools import MailBoxUnencrypted
from sqlalchemy import select

from dev import dovecot
from dev.process import free_ports
from services.intake.api.imap import Mailbox, Poller
from services.intake.api.imports import Imports
from services.intake.api.smtp import Listener
from services.intake.service import build
from services.intake.store import COMPLAINTS
from services.intake.store.mails import MAILS
from services.intake.usecases.matching import Matcher
from services.intake.usecases.scrubbing import Scrubber
from shared.settings import SettingsError
from tests.service.intake.people import another_key, erase
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

RAW = (
    b"From: Wang <wang@example.org>\r\nSubject: x\r\nMessage-ID: <1@example.org>\r\n\r\nbroken\r\n"
)
UNITS = "complaints@example.com=root,hz@example.com=hangzhou"


def loop_of(world: World, kind: type[Any]) -> Any:
    """The loop of that kind of the intake that settings made."""
    service = world.service("intake").service
    [run] = [one for one in service.loops if isinstance(_owner(one), kind)]
    return _owner(run)


def _owner(run: Callable[..., object]) -> object:
    return run.__self__  # type: ignore[attr-defined]


async def stored(world: World, table: Any = COMPLAINTS) -> list[Any]:
    async with world.service("intake").service.database.reading() as connection:
        return list((await connection.execute(select(table))).all())


@pytest.fixture
async def listening(tmp_path: Path) -> AsyncIterator[tuple[World, int]]:
    """A world that listens for mails, with a unit of its own for one address."""
    [port] = free_ports(1)
    settings: dict[str, Any] = {"smtp_listen": f"127.0.0.1:{port}", "mail_addresses": UNITS}
    async with open_world(tmp_path, services=("desk", "intake"), **settings) as world:
        await world.post(
            "/desk/v1/units", {"id": "hangzhou", "title_zh": "杭州", "title_en": "Hangzhou"}
        )
        await world.settle()
        async with running(loop_of(world, Listener)):
            yield world, port


@asynccontextmanager
async def running(listener: Listener) -> AsyncIterator[None]:
    task = asyncio.create_task(listener.run())
    await asyncio.wait_for(listener.listening.wait(), 30)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def send(
    port: int, raw: bytes, to: str = "complaints@example.com", *, sender: str = "wang@example.org"
) -> str:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, local_hostname="client") as client:
        _, answer = await client.sendmail(sender, [to], raw)
    return answer


async def test_a_mail_over_smtp_is_a_complaint_of_the_unit_of_its_address_once(
    listening: tuple[World, int],
) -> None:
    world, port = listening

    answers = [await send(port, RAW, "HZ+tag@example.com") for _ in range(3)]

    assert answers == ["2.0.0 Stored as complaint"] * 3
    [row] = await stored(world)
    assert (row.unit, row.channel, row.text, row.received_by) == (
        "hangzhou",
        "email",
        "broken",
        "channel/email",
    )


async def test_smtp_takes_mails_for_our_addresses_only_and_no_larger_than_the_door(
    listening: tuple[World, int],
) -> None:
    world, port = listening

    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await send(port, RAW, "somebody@example.com")
    with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
        await send(port, RAW + b"x" * 31 * 1024 * 1024)

    assert refused.value.code == 552
    assert await stored(world) == []


async def test_a_mail_without_a_sender_is_put_aside_and_answered_250(
    listening: tuple[World, int],
) -> None:
    world, port = listening

    answer = await send(port, RAW, sender="")

    assert answer == "2.0.0 Stored as quarantined"
    assert [row.reason for row in await stored(world, MAILS)] == ["automatic"]


async def test_a_mail_that_cannot_be_stored_now_is_asked_for_again(
    listening: tuple[World, int],
) -> None:
    world, port = listening
    database = world.service("intake").service.database
    database.is_paused = True

    with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
        await send(port, RAW)
    database.is_paused = False

    assert refused.value.code == 451
    assert await send(port, RAW) == "2.0.0 Stored as complaint"


async def test_a_mail_that_comes_again_after_its_sender_was_erased_is_not_kept_again(
    listening: tuple[World, int],
) -> None:
    world, port = listening
    await send(port, RAW)
    [row] = await stored(world)
    await erase(world, row.complainant_id, second=await another_key(world))

    answer = await send(port, RAW)

    assert answer == "2.0.0 Stored as erased"
    assert (len(await stored(world)), await stored(world, MAILS)) == (1, [])


async def test_nothing_listens_and_nothing_is_fetched_unless_settings_ask_for_it(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path, services=("desk", "intake")) as world:
        loops = build(world.environment).loops

    assert {type(one.__self__) for one in loops} == {Scrubber, Matcher, Imports}  # type: ignore[attr-defined]


@pytest.mark.parametrize("url", ["imaps://example.com", "pop3://a:b@example.com", "imaps://a:b@/x"])
def test_a_mailbox_that_is_none_is_refused_at_start(url: str) -> None:
    with pytest.raises(SettingsError, match="REDRESS_IMAP"):
        Mailbox.at(url)


def test_mail_addresses_have_a_form(tmp_path: Path) -> None:
    from shared.settings import Settings

    assert Settings(data=tmp_path, mail_addresses="A@b.cd=x, e@f.gh").mail_units == {
        "a@b.cd": "x",
        "e@f.gh": "root",
    }
    with pytest.raises(SettingsError, match="REDRESS_MAIL_ADDRESSES"):
        _ = Settings(data=tmp_path, mail_addresses="nobody").mail_units


@pytest.fixture
def mailbox() -> Iterator[dovecot.Dovecot]:
    """A real IMAP server; its folder must be readable for the user that it runs its sessions as."""
    if reason := dovecot.why_none():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="redress-imap-"))
    folder.chmod(0o755)
    server = dovecot.Dovecot(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


def put(server: dovecot.Dovecot, *mails: bytes) -> None:
    with opened(server) as box:
        for one in mails:
            box.append(one, "INBOX")


def opened(server: dovecot.Dovecot) -> MailBoxUnencrypted:
    box = MailBoxUnencrypted("127.0.0.1", server.port)
    box.login(dovecot.USER, dovecot.PASSWORD)
    return box


def folders(server: dovecot.Dovecot) -> dict[str, int]:
    with opened(server) as box:
        return {one.name: box.folder.status(one.name)["MESSAGES"] for one in box.folder.list()}


@pytest.mark.slow
async def test_mails_in_a_mailbox_are_taken_in_once_and_moved_away(
    tmp_path: Path, mailbox: dovecot.Dovecot
) -> None:
    put(mailbox, RAW, RAW.replace(b"<1@", b"<2@"), RAW, b"\xff\xfe no mail at all")

    async with open_world(tmp_path, services=("desk", "intake"), imap=mailbox.url) as world:
        poller: Poller = loop_of(world, Poller)
        first, second = await poller.look(), await poller.look()
        complaints = await stored(world)
        payload = await world.get(f"/intake/v1/vault/complaints/{complaints[0].number}/payload")

    assert (first, second) == (4, 0)
    assert len(complaints) == 3
    assert payload.content == RAW
    assert folders(mailbox) == {"INBOX": 0, "Redress": 4, "Redress-too-large": 0}


@pytest.mark.slow
async def test_a_mail_that_cannot_be_stored_now_stays_in_the_mailbox(
    tmp_path: Path, mailbox: dovecot.Dovecot
) -> None:
    put(mailbox, RAW)

    async with open_world(tmp_path, services=("desk", "intake"), imap=mailbox.url) as world:
        poller: Poller = loop_of(world, Poller)
        world.service("intake").service.database.is_paused = True
        with pytest.raises(Exception, match="held still"):
            await poller.look()
        assert folders(mailbox)["INBOX"] == 1
        world.service("intake").service.database.is_paused = False
        await poller.look()

        assert len(await stored(world)) == 1
    assert folders(mailbox)["INBOX"] == 0
