"""E-mail: through SMTP, or as .eml files where no server is set. A repeat carries the same Message-ID."""

import asyncio
import os
import re
import socket
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.notify.channels.connections import Bounds, Connections, Server, Unanswered
from services.notify.model import Outgoing, Sent, Traits
from shared.threads import message_id, return_address

DOMAIN: Final = "redress.invalid"
SEND_SECONDS: Final = 15.0
FINAL: Final = 5
TRAITS: Final = Traits(contact="email", form="mail", limit=100_000, rings=False)
_PLAIN: Final = SMTP.clone(cte_type="7bit")
_ADDRESS: Final = re.compile(r"\A[^\s@<>,;:\"\x00-\x1f]{1,64}@[^\s@<>,;:\"\x00-\x1f]{1,253}\Z")


def compose(
    message: Outgoing, *, sender: str, key: bytes, encoding: str | None = None
) -> EmailMessage:
    """The mail. It marks itself as automatic (RFC 3834), so that no auto-reply answers it.

    `key` proves its thread: an answer to it finds its complaint. Without an `encoding` any server can carry it.
    """
    mail = EmailMessage(policy=SMTP if encoding else _PLAIN)
    domain = sender.rpartition("@")[2] or DOMAIN
    mail["From"] = Address(addr_spec=sender)
    if not _ADDRESS.match(message.to):
        raise ValueError("the address is none")
    mail["To"] = Address(addr_spec=message.to)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = message_id(key, message=message.id, number=message.number, domain=domain)
    if message.number:
        # No mail has this id: it is the root under which mail programs put all of one complaint's together.
        mail["References"] = f"<complaint.{message.number}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Redress-Number"] = message.number or "none"
    mail.set_content(message.body, cte=encoding)
    mail["Content-Language"] = (
        message.language
    )  # setting the content takes away all that is said of it
    return mail


class SmtpChannel:
    """Sends through an SMTP server, `smtp://user:password@host:port?sender=…&tls=starttls|yes|no&verp=yes|no`.

    `verp`: mails are returned to an address that names their message (`sender+tag@…`), for servers that let us; so a
    bounce is known also where it brings back nothing of the mail.
    """

    name = "email"
    traits = TRAITS

    def __init__(self, url: str, *, key: bytes, bounds: Bounds | None = None) -> None:
        self._key = key
        parts = urlsplit(url)
        options = dict(one.partition("=")[::2] for one in parts.query.split("&") if one)
        user = unquote(parts.username) if parts.username else None
        self._sender = unquote(options.get("sender", "")) or f"complaints@{DOMAIN}"
        self._is_tagged = options.get("verp") == "yes"
        server = Server(
            host=parts.hostname or "localhost",
            port=parts.port or 25,
            user=user,
            password=unquote(parts.password) if parts.password else None,
            tls=options.get("tls", "starttls" if user else "no"),
            own_name=socket.gethostname(),
            timeout=SEND_SECONDS,
        )
        self._connections = Connections(server, bounds or Bounds(most=TRAITS.at_once))

    async def send(self, message: Outgoing) -> Sent:
        try:
            mail = compose(message, sender=self._sender, key=self._key)
            content = _written(mail, to=message.to)
        except ValueError as error:
            return Sent("refused", code=type(error).__name__)
        try:
            answer = await self._connections.send(
                content, sender=self._return_address(message), to=message.to
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [one.code for one in error.recipients]
            return Sent("refused" if all(map(_is_final, codes)) else "retry", code=str(codes))
        except aiosmtplib.SMTPResponseException as error:
            return Sent("refused" if _is_final(error.code) else "retry", code=str(error.code))
        except Unanswered as error:
            return Sent("unknown", code=str(error))
        except (aiosmtplib.SMTPException, OSError) as error:
            return Sent("retry", code=type(error).__name__)
        return Sent("accepted", provider_id=mail["Message-ID"], code=answer[:200])

    async def stop(self) -> None:
        """Leave the server; what is being sent goes on to its end."""
        await self._connections.stop()

    def _return_address(self, message: Outgoing) -> str:
        if not self._is_tagged or not message.number:
            return self._sender
        return return_address(
            self._key, message=message.id, number=message.number, sender=self._sender
        )


def _written(mail: EmailMessage, *, to: str) -> bytes:
    """The mail as it is sent; where an address is beyond ASCII, so are its headers (RFC 6532)."""
    return mail.as_bytes() if to.isascii() else mail.as_bytes(policy=SMTPUTF8)


def _is_final(code: int) -> bool:
    """Whether an SMTP reply code is a permanent failure (RFC 5321, 4.2.1: 5yz)."""
    return code // 100 == FINAL


class FileChannel:
    """Writes each mail as a file named by its id; a repeat replaces it."""

    name = "email"
    traits = TRAITS

    def __init__(self, folder: Path, *, key: bytes) -> None:
        self._key = key
        self._folder = folder

    async def send(self, message: Outgoing) -> Sent:
        try:
            # 8bit: a person can read the file as it is.
            sender = f"complaints@{DOMAIN}"
            mail = compose(message, sender=sender, key=self._key, encoding="8bit")
        except ValueError as error:
            return Sent("refused", code=type(error).__name__)
        try:
            await asyncio.to_thread(self._write, message.id, mail.as_bytes())
        except OSError as error:
            return Sent("retry", code=type(error).__name__)
        return Sent("accepted", provider_id=f"{message.id}.eml")

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._folder / f"{name}.new"
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / f"{name}.eml")
