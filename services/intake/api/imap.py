"""Fetches mails out of a mailbox, where `REDRESS_IMAP` says. What is stored is moved away: what is new stays.

A crash between the two fetches a mail once more, which changes nothing: it has its Message-ID.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from imaplib import IMAP4
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxStartTls, MailBoxUnencrypted

from services.intake.api.delivery import CHANNEL, Deliveries
from shared import telemetry
from shared.errors import Transient
from shared.settings import SettingsError

POLL_SECONDS: Final = 15.0
ANSWER_SECONDS: Final = 30.0
AT_ONCE: Final = 50
"""Mails of one look."""
DONE: Final = "Redress"
TOO_LARGE: Final = "Redress-too-large"
_PORTS: Final = {"imaps": 993, "imap": 143, "imap+starttls": 143}

log = telemetry.logger("imap")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """`imaps://user:password@host:port/FOLDER?unit=…`; also `imap+starttls://`, and `imap://` within one machine."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    folder: str
    unit: str | None

    @classmethod
    def at(cls, url: str) -> "Mailbox":
        """Raises SettingsError."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or not parts.username:
            raise SettingsError(
                "REDRESS_IMAP must be imaps://user:password@host:993/INBOX?unit=… "
                "(or imap+starttls://, or imap:// without encryption)."
            )
        return cls(
            parts.scheme,
            parts.hostname,
            parts.port or _PORTS[parts.scheme],
            unquote(parts.username),
            unquote(parts.password or ""),
            unquote(parts.path.strip("/")) or "INBOX",
            dict(parse_qsl(parts.query)).get("unit"),
        )

    def open(self) -> BaseMailBox:
        """Sign in. Blocks; raises OSError, ImapToolsError or IMAP4.error."""
        match self.scheme:
            case "imaps":
                box: BaseMailBox = MailBox(self.host, self.port, timeout=ANSWER_SECONDS)
            case "imap+starttls":
                box = MailBoxStartTls(self.host, self.port, timeout=ANSWER_SECONDS)
            case _:
                box = MailBoxUnencrypted(self.host, self.port, timeout=ANSWER_SECONDS)
        box.login(self.user, self.password, initial_folder=self.folder)
        for folder in (DONE, TOO_LARGE):
            if not box.folder.exists(folder):
                box.folder.create(folder)
        return box


class Poller:
    """Looks into one mailbox, again and again."""

    def __init__(self, deliveries: Deliveries, mailbox: Mailbox) -> None:
        self._deliveries = deliveries
        self._mailbox = mailbox

    async def run(self) -> None:
        """Look for ever."""
        while True:
            try:
                while await self.look() == AT_ONCE:
                    pass
            except (Transient, OSError, ImapToolsError, IMAP4.error) as error:
                log.warning("the mailbox has to wait", error=type(error).__name__)
            await asyncio.sleep(POLL_SECONDS)

    async def look(self) -> int:
        """Take in what is there, the oldest first; says how many were moved. Raises Transient or what IMAP raises."""
        moved = 0
        async with self._opened() as box:
            for uid in (await asyncio.to_thread(box.uids))[:AT_ONCE]:
                folder = await self._take(box, uid)
                if folder is not None:
                    await asyncio.to_thread(box.move, [uid], folder)
                    moved += 1
        return moved

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[BaseMailBox]:
        box = await asyncio.to_thread(self._mailbox.open)
        try:
            yield box
        finally:
            with suppress(OSError, ImapToolsError, IMAP4.error):
                await asyncio.to_thread(box.logout)

    async def _take(self, box: BaseMailBox, uid: str) -> str | None:
        """Where a mail belongs now; None where it has to stay."""
        raw = await asyncio.to_thread(_fetch, box, uid)
        if raw is None:
            return None
        if len(raw) > CHANNEL.largest:
            log.warning("a mail is too large", size=len(raw), folder=TOO_LARGE)
            return TOO_LARGE
        try:
            await self._deliveries.take(raw, unit=self._mailbox.unit)
        except Transient:
            raise
        except Exception as error:  # noqa: BLE001 - nobody's mail is lost for a mistake of ours
            # Without its trace, which would show the mail.
            log.error("a mail failed", error=type(error).__name__)
            return None
        return DONE


def _fetch(box: BaseMailBox, uid: str) -> bytes | None:
    """A mail byte for byte, unread as it was; None where it is gone."""
    _, found = box.client.uid("FETCH", uid, "(BODY.PEEK[])")
    for part in found:
        if isinstance(part, tuple):
            return bytes(part[1])
    return None
