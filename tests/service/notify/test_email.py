"""The mail channel against a real SMTP server."""

from __future__ import annotations

import email
import email.policy
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller

from dev.process import free_ports
from services.notify.channels.email import FileChannel, SmtpChannel
from services.notify.model import Outgoing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
        sent = await SmtpChannel(url).send(MESSAGE)

    assert sent.result == "accepted"
    assert "42" in (sent.code or "")
    [raw] = mailbox.mails
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["Subject"] == MESSAGE.subject
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].startswith(f"<{MESSAGE.id}@")
    assert mail.get_content().replace("\r\n", "\n") == MESSAGE.body


async def test_a_repeat_carries_the_same_message_id() -> None:
    mailbox = Mailbox()
    with serving(mailbox) as url:
        for _ in range(2):
            await SmtpChannel(url).send(MESSAGE)

    ids = {email.message_from_bytes(raw)["Message-ID"] for raw in mailbox.mails}
    assert len(ids) == 1


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
        assert (await SmtpChannel(url).send(MESSAGE)).result == result


async def test_a_server_that_is_away_is_tried_again() -> None:
    with serving(Mailbox()) as url:
        pass
    assert (await SmtpChannel(url).send(MESSAGE)).result == "retry"


@pytest.mark.parametrize("to", ["", "no at sign", "a@b\r\nBcc: all@example.com", "a b@example.com"])
async def test_an_address_that_is_none_is_refused_and_adds_no_header(
    to: str, tmp_path: Path
) -> None:
    import dataclasses

    bad = dataclasses.replace(MESSAGE, to=to)
    assert (await FileChannel(tmp_path).send(bad)).result == "refused"
    assert list(tmp_path.iterdir()) == []


async def test_without_a_server_each_mail_is_one_file_however_often_it_is_tried(
    tmp_path: Path,
) -> None:
    for _ in range(3):
        assert (await FileChannel(tmp_path / "mail").send(MESSAGE)).result == "accepted"

    [file] = (tmp_path / "mail").iterdir()
    mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert mail["To"] == "wang@example.com"
