"""SMTP connections of one account, kept between mails: to connect, agree on TLS and log in takes longer than a mail.

A server may close a kept connection at any time, or want a new one after so many mails. So one that was idle is asked
first whether it is still there; and what goes wrong on a kept one, but not with the mail, is sent by a new one, once.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import aiosmtplib

ASK_SECONDS: Final = 3.0
QUIT_SECONDS: Final = 2.0
TRUSTED_SECONDS: Final = 1.0
"""A connection that was used more recently than this is taken without asking the server whether it is there."""
LEAVING: Final = frozenset({421, 452})
"""Codes by which a server tells that it closes this connection, or takes no more mails by it (RFC 5321, 4.2.3)."""


class Unanswered(Exception):
    """The mail was given to the server and no answer came: nobody knows whether it has it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections are kept, for how many seconds unused and in all, and for how many mails."""

    most: int = 4
    idle: float = 10.0
    age: float = 300.0
    mails: int = 100


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect, and as whom."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: str
    """`yes`, `starttls` or `no`."""
    own_name: str
    timeout: float
    """Seconds for each answer."""


class _Client(aiosmtplib.SMTP):
    """A connection that knows whether a mail itself was on its way; before that, nobody can have it."""

    has_given = False

    async def data(self, message: str | bytes, /, **options: Any) -> Any:  # noqa: ANN401 - as the library has it
        self.has_given = True
        return await super().data(message, **options)


@dataclass(slots=True)
class _Connection:
    client: _Client
    opened: float
    used: float
    mails: int = 0
    expiry: asyncio.TimerHandle | None = field(default=None)


class Connections:
    """Sends mails to one server as one account, each by a connection that no other mail uses meanwhile."""

    def __init__(self, server: Server, bounds: Bounds) -> None:
        self._server = server
        self._bounds = bounds
        self._idle: list[_Connection] = []
        """Kept ones, the one used last at the end."""
        self._leaving: set[asyncio.Task[None]] = set()
        self._is_stopped = False

    async def send(self, mail: bytes, *, sender: str, to: str) -> str:
        """Send one mail; returns the server's answer. Only one with an address beyond ASCII may have other headers.

        Raises aiosmtplib's SMTPException or OSError where the server does not have it, Unanswered where nobody knows.
        """
        kept = await self._take()
        if kept is not None:
            try:
                return await self._send_by(kept, mail, sender, to)
            except (aiosmtplib.SMTPException, OSError) as error:
                if not _is_of_the_connection(error):
                    raise
        return await self._send_by(self._make(), mail, sender, to)

    async def stop(self) -> None:
        """Leave every server that nothing is being sent to; none is kept from now on."""
        self._is_stopped = True
        self._drop_idle()
        while self._leaving:
            await asyncio.wait(self._leaving)

    async def _send_by(self, one: _Connection, mail: bytes, sender: str, to: str) -> str:
        client, is_kept = one.client, False
        client.has_given = False
        try:
            if not one.mails:
                await client.connect()
            options = [] if f"{sender}{to}".isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
            # Not send_message: it copies and writes the mail anew, which takes longer than all else.
            _, answer = await client.sendmail(sender, to, mail, mail_options=options)
            one.mails += 1
            is_kept = self._keep(one)
        except (aiosmtplib.SMTPException, OSError) as error:
            if client.has_given and not isinstance(error, _ANSWERS):
                raise Unanswered(type(error).__name__) from error
            raise
        finally:
            if not is_kept:
                self._leave(client)
        return answer

    def _make(self) -> _Connection:
        server, now = self._server, asyncio.get_running_loop().time()
        client = _Client(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls == "yes",
            start_tls=server.tls == "starttls",
            timeout=server.timeout,
            # Otherwise each connection asks the name service who this machine is, and everything waits for it.
            local_hostname=server.own_name,
        )
        return _Connection(client, opened=now, used=now)

    async def _take(self) -> _Connection | None:
        """The connection that was used last, if it is still there. What closed that one closed the others too."""
        if not self._idle:
            return None
        one = self._idle.pop()
        if one.expiry is not None:
            one.expiry.cancel()
        if await _is_there(one.client, unused_for=asyncio.get_running_loop().time() - one.used):
            return one
        self._leave(one.client)
        self._drop_idle()
        return None

    def _keep(self, one: _Connection) -> bool:
        """Keep a connection for the next mail, unless it served its time."""
        loop, bounds = asyncio.get_running_loop(), self._bounds
        one.used = loop.time()
        is_spent = one.mails >= bounds.mails or one.used - one.opened > bounds.age
        if self._is_stopped or is_spent or len(self._idle) >= bounds.most:
            return False
        one.expiry = loop.call_later(bounds.idle, self._expire, one)
        self._idle.append(one)
        return True

    def _expire(self, one: _Connection) -> None:
        self._idle.remove(one)
        self._leave(one.client)

    def _drop_idle(self) -> None:
        dropped, self._idle = self._idle, []
        for one in dropped:
            if one.expiry is not None:
                one.expiry.cancel()
            self._leave(one.client)

    def _leave(self, client: _Client) -> None:
        """Say goodbye, while the mail's answer is already on its way to whoever waits for it."""
        task = asyncio.create_task(_quit(client))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


_ANSWERS: Final = (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused)


def _is_of_the_connection(error: Exception) -> bool:
    """Whether what went wrong on a kept connection says nothing of the mail, which the server does not have."""
    match error:
        case aiosmtplib.SMTPRecipientsRefused():
            return all(one.code in LEAVING for one in error.recipients)
        case aiosmtplib.SMTPResponseException():
            return error.code in LEAVING
        case _:
            return True


async def _is_there(client: _Client, *, unused_for: float) -> bool:
    if not client.is_connected:
        return False
    if unused_for <= TRUSTED_SECONDS:
        return True
    try:
        await client.rset(timeout=ASK_SECONDS)
    except (aiosmtplib.SMTPException, OSError):
        return False
    return True


async def _quit(client: _Client) -> None:
    if client.is_connected:
        with suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=QUIT_SECONDS)
    client.close()
