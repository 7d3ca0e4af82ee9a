"""The mail channel against a real SMTP server."""

from __future__ import annotations

import asyncio
import email
import email.policy
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller

from dev import postfix
from dev.process import free_ports
from services.notify.channels.email import FileChannel, SmtpChannel
from services.notify.model import Outgoing
from shared.threads import threads_in

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = b"k" * 32
MESSAGE = Outgoing(
    id="0198f3a2-7c1e-7d00-8a00-0123456789ab",
    number="1234-5678-903",
    to="wang@example.com",
    subject="我们已收到您的反映（编号 1234-5678-903）",
    body="王女士，您好：\n\n给您带来不便，我们非常抱歉。\n",
    language="zh",
    at=datetime(2026, 3, 2, 1, 0, tzinfo=UTC),
)


class Mailbox:
    """Keeps what arrives; answers RCPT and DATA as told."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.senders: list[str] = []
        self.rcpt = "250 OK"
        self.data = "250 OK queued as 42"

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append(envelope.content)
        self.senders.append(envelope.mail_from)
        return self.data


@contextmanager
def serving(mailbox: Mailbox) -> Iterator[str]:
    [port] = free_ports(1)
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()


async def test_a_mail_arrives_readable_and_marked_as_automatic() -> None:
    mailbox = Mailbox()
    with serving(mailbox) as url:
        sent = await SmtpChannel(url, key=KEY).send(MESSAGE)

    assert sent.result == "accepted"
    assert "42" in (sent.code or "")
    [raw] = mailbox.mails
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["Subject"] == MESSAGE.subject
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].startswith(f"<{MESSAGE.id}.")
    [thread] = threads_in(KEY, raw.decode())
    assert (thread.message, thread.number) == (MESSAGE.id, MESSAGE.number)
    assert mail.get_content().replace("\r\n", "\n") == MESSAGE.body


async def test_a_repeat_carries_the_same_message_id() -> None:
    mailbox = Mailbox()
    with serving(mailbox) as url:
        for _ in range(2):
            await SmtpChannel(url, key=KEY).send(MESSAGE)

    ids = {email.message_from_bytes(raw)["Message-ID"] for raw in mailbox.mails}
    assert len(ids) == 1


async def test_a_mail_is_returned_to_an_address_that_names_it_where_the_operator_says_so() -> None:
    mailbox = Mailbox()
    with serving(mailbox) as url:
        for more in ("", "&verp=yes"):
            sender = "?sender=complaints@example.com"
            await SmtpChannel(f"{url}/{sender}{more}", key=KEY).send(MESSAGE)
        await SmtpChannel(f"{url}/?verp=yes", key=KEY).send(replace(MESSAGE, number=""))

    plain, tagged, without = mailbox.senders
    assert plain == "complaints@example.com"
    assert tagged.endswith("@example.com")
    [thread] = threads_in(KEY, f"To: <{tagged}>")
    assert (thread.message, thread.number) == (MESSAGE.id, MESSAGE.number)
    assert "+" not in without
    assert {email.message_from_bytes(raw)["From"] for raw in mailbox.mails[:2]} == {plain}


@pytest.fixture
def server() -> Iterator[postfix.Postfix]:
    """Start a real mail server; its folder must be readable for the users that it runs as."""
    if reason := postfix.why_none():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="redress-postfix-"))
    folder.chmod(0o755)
    started = postfix.Postfix(folder)
    started.start()
    yield started
    started.stop()
    shutil.rmtree(folder)


@pytest.mark.slow
async def test_postfix_delivers_our_mail_as_it_is_and_refuses_whom_it_does_not_know(
    server: postfix.Postfix,
) -> None:
    url = f"smtp://127.0.0.1:{server.port}?sender=complaints@firm.example&verp=yes"
    channel = SmtpChannel(url, key=KEY)
    sent = await channel.send(replace(MESSAGE, to=postfix.MAILBOX))
    unknown = await channel.send(replace(MESSAGE, to="nobody@example.com"))
    elsewhere = await channel.send(replace(MESSAGE, to="w@elsewhere.example"))

    assert sent.result == "accepted", sent
    assert (unknown.result, elsewhere.result) == ("refused", "refused")
    raw = await asyncio.to_thread(server.delivered)
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["Subject"] == MESSAGE.subject
    assert mail.get_content().replace("\r\n", "\n") == MESSAGE.body
    assert mail["Auto-Submitted"] == "auto-generated"
    assert sent.provider_id == mail["Message-ID"]
    [thread] = threads_in(KEY, str(mail["Return-Path"]))
    assert thread.message == MESSAGE.id


@pytest.mark.parametrize(
    ("rcpt", "data", "result"),
    [
        ("550 no such user", "250 OK", "refused"),
        ("450 try later", "250 OK", "retry"),
        ("250 OK", "554 spam", "refused"),
        ("250 OK", "451 busy", "retry"),
    ],
)
async def test_the_server_s_code_decides_whether_to_try_again(
    rcpt: str, data: str, result: str
) -> None:
    mailbox = Mailbox()
    mailbox.rcpt, mailbox.data = rcpt, data
    with serving(mailbox) as url:
        assert (await SmtpChannel(url, key=KEY).send(MESSAGE)).result == result


async def test_a_server_that_is_away_is_tried_again() -> None:
    with serving(Mailbox()) as url:
        pass
    assert (await SmtpChannel(url, key=KEY).send(MESSAGE)).result == "retry"


@pytest.mark.parametrize("to", ["", "no at sign", "a@b\r\nBcc: all@example.com", "a b@example.com"])
async def test_an_address_that_is_none_is_refused_and_adds_no_header(
    to: str, tmp_path: Path
) -> None:
    bad = replace(MESSAGE, to=to)
    assert (await FileChannel(tmp_path, key=KEY).send(bad)).result == "refused"
    assert list(tmp_path.iterdir()) == []


async def test_without_a_server_each_mail_is_one_file_however_often_it_is_tried(
    tmp_path: Path,
) -> None:
    for _ in range(3):
        assert (await FileChannel(tmp_path / "mail", key=KEY).send(MESSAGE)).result == "accepted"

    [file] = (tmp_path / "mail").iterdir()
    mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert mail["To"] == "wang@example.com"
