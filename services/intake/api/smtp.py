"""Listens for mails over SMTP, where `REDRESS_SMTP_LISTEN` says. Made to stand behind a mail server, not before one.

A mail is accepted only once it is stored; what cannot be stored now is asked for again (4yz).
"""

import asyncio
from collections.abc import Mapping
from typing import Final
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, Envelope, Session

from services.intake.api.delivery import CHANNEL, Deliveries
from shared import telemetry
from shared.errors import Transient

IDLE_SECONDS: Final = 300
_LATER: Final = "451 4.3.0 Not now: send it again later"
_UNKNOWN: Final = "550 5.1.1 No such mailbox here"

log = telemetry.logger("smtp")


class Listener:
    """One SMTP server. `units`: our addresses, each with its unit; where there are none, all are the root's."""

    def __init__(self, deliveries: Deliveries, *, address: str, units: Mapping[str, str]) -> None:
        self._deliveries = deliveries
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._units = units
        self._clients: WeakSet[SMTP] = WeakSet()
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Listen for ever. Raises OSError where the address cannot be used."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._protocol, self._host.strip("[]"), self._port)
        log.info("listening for mails", host=self._host, port=self._port)
        try:
            self.listening.set()
            await server.serve_forever()
        finally:
            server.close()
            for one in list(self._clients):
                if one.transport is not None:
                    one.transport.close()  # what was not answered comes again

    def _protocol(self) -> SMTP:
        client = SMTP(
            self,
            data_size_limit=CHANNEL.largest,
            enable_SMTPUTF8=True,
            ident="Redress",
            hostname=self._host,
            timeout=IDLE_SECONDS,
            loop=asyncio.get_running_loop(),
        )
        self._clients.add(client)
        return client

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a mail for an address of ours, with or without a `+tag`."""
        if self._units and self._unit(address) is None:
            return _UNKNOWN
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take a mail in; 250 only after its commit."""
        said = (envelope.mail_from or "").strip("<>")  # a null sender comes as `<>`
        sender = "".join(sign for sign in said if sign.isprintable())
        raw = f"Return-Path: <{sender}>\r\n".encode() + bytes(envelope.content or b"")  # type: ignore[arg-type] # never str: decode_data is off
        unit = next(filter(None, map(self._unit, envelope.rcpt_tos)), None)
        try:
            outcome = await self._deliveries.take(raw, unit=unit)
        except Transient as error:
            log.warning("a mail has to wait", error=str(error))
            return _LATER
        except Exception as error:  # noqa: BLE001 - nobody's mail is lost for a mistake of ours
            # Without its trace, which would show the mail.
            log.error("a mail failed", error=type(error).__name__)
            return _LATER
        return f"250 2.0.0 Stored as {outcome}"

    async def handle_exception(self, error: Exception) -> str:
        """Answer what should not have happened."""
        log.error("smtp failed", error=type(error).__name__)
        return _LATER

    def _unit(self, address: str) -> str | None:
        local, _, domain = address.lower().rpartition("@")
        return self._units.get(f"{local.partition('+')[0]}@{domain}")
