"""A mail server that takes everything and writes down each mail that it took."""

from __future__ import annotations

from contextlib import contextmanager
from email import message_from_bytes
from typing import TYPE_CHECKING

from aiosmtpd.controller import Controller

from dev.process import LOOPBACK, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiosmtpd.smtp import SMTP, Envelope, Session

    from chaos.journal import Journal


class _Taking:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content)
        # <message.number.proof@host>
        id_ = str(mail["Message-ID"]).strip("<>").partition("@")[0].partition(".")[0]
        self._journal.write("mail", message=id_, number=str(mail["X-Redress-Number"]))
        return "250 taken"


@contextmanager
def mailbox(journal: Journal) -> Iterator[str]:
    """Listen on loopback; gives the setting REDRESS_SMTP."""
    [port] = free_ports(1)
    controller = Controller(_Taking(journal), hostname=LOOPBACK, port=port)
    controller.start()
    try:
        yield f"smtp://{LOOPBACK}:{port}"
    finally:
        controller.stop()
