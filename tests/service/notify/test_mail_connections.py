"""SMTP connections are kept between mails, and no mail is lost, doubled or in doubt because a server closed one."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from services.notify.channels.connections import Bounds
from services.notify.channels.email import SmtpChannel
from tests.service.notify.test_email import KEY, MESSAGE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.notify.model import Sent

WITHIN = 5.0


@dataclass(slots=True)
class Talk:
    """One connection as the server saw it."""

    commands: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    mails: int = 0
    is_over: bool = False


class Peer:
    """A mail server that journals each connection, and ends one as it is told."""

    def __init__(self) -> None:
        self.talks: list[Talk] = []
        self.mails: list[bytes] = []
        self.most: int | None = None
        """Mails that it takes by one connection; what it answers to the next one's MAIL is `full`."""
        self.full = "421 too many messages"
        self.dies_at: str | None = None
        """The command that a connection by which a mail came is closed at, without a word."""
        self.swallows = False
        """Whether it closes after it was given a mail, without an answer."""
        self.port = 0
        self._open: dict[int, asyncio.StreamWriter] = {}

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = Talk()
        self.talks.append(talk)
        self._open[id(talk)] = writer
        try:
            await self._answer(talk, reader, writer)
        except ConnectionError:
            pass
        finally:
            talk.is_over = True
            del self._open[id(talk)]
            writer.close()

    async def _answer(
        self, talk: Talk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line.partition(" ")[0].upper()
            talk.commands.append(verb)
            if talk.mails and verb == self.dies_at:
                return
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                talk.mails += 1
                if self.swallows:
                    return
            writer.write(f"{self._reply(talk, verb, line)}\r\n".encode())
            if verb == "QUIT":
                return

    def _reply(self, talk: Talk, verb: str, line: str) -> str:
        if verb == "EHLO":
            return "250-here\r\n250 AUTH PLAIN"
        if verb == "AUTH":
            talk.logins.append(base64.b64decode(line.rpartition(" ")[2]).decode())
            return "235 welcome"
        if verb == "QUIT":
            return "221 bye"
        if verb == "MAIL" and self.most is not None and talk.mails >= self.most:
            return self.full
        return "250 ok"

    def hang_up(self, *, word: str = "") -> None:
        """Close every connection, as a server does with idle ones."""
        for writer in self._open.values():
            writer.write(word.encode())
            writer.close()

    async def until_over(self, count: int) -> None:
        """Wait until so many connections have ended."""
        async with asyncio.timeout(WITHIN):
            while sum(one.is_over for one in self.talks) < count:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def listening() -> AsyncIterator[Peer]:
    peer = Peer()
    server = await asyncio.start_server(peer.talk, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    async with server:
        yield peer
    await peer.until_over(len(peer.talks))


@asynccontextmanager
async def sending(
    peer: Peer, *, login: str = "", bounds: Bounds | None = None
) -> AsyncIterator[SmtpChannel]:
    channel = SmtpChannel(f"smtp://{login}127.0.0.1:{peer.port}/?tls=no", key=KEY, bounds=bounds)
    try:
        yield channel
    finally:
        await channel.stop()


async def several(channel: SmtpChannel, count: int) -> list[Sent]:
    """Send one after another."""
    return [await channel.send(MESSAGE) for _ in range(count)]


async def test_mails_share_a_connection_and_an_orderly_stop_leaves_it_with_quit() -> None:
    async with listening() as peer:
        async with sending(peer) as channel:
            sent = await several(channel, 3)

        assert [one.result for one in sent] == ["accepted"] * 3
        [talk] = peer.talks
        assert (talk.mails, talk.commands[-1]) == (3, "QUIT")
        assert talk.commands.count("EHLO") == 1


@pytest.mark.parametrize("word", ["", "421 4.4.2 idle for too long\r\n"])
async def test_the_next_mail_leaves_once_after_the_server_closed_an_idle_connection(
    word: str,
) -> None:
    async with listening() as peer, sending(peer) as channel:
        await channel.send(MESSAGE)
        peer.hang_up(word=word)
        await peer.until_over(1)
        sent = await channel.send(replace(MESSAGE, id="second"))

        assert sent.result == "accepted"
        assert [one.mails for one in peer.talks] == [1, 1]
        assert len(peer.mails) == 2


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
async def test_a_kept_connection_that_is_lost_before_the_mail_was_given_costs_no_attempt(
    verb: str,
) -> None:
    async with listening() as peer, sending(peer) as channel:
        await channel.send(MESSAGE)
        peer.dies_at = verb
        sent = await channel.send(replace(MESSAGE, id="second"))

        assert sent.result == "accepted"
        assert [one.mails for one in peer.talks] == [1, 1]


async def test_a_connection_that_was_idle_is_asked_first_whether_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.notify.channels.connections.TRUSTED_SECONDS", -1.0)
    async with listening() as peer, sending(peer) as channel:
        await several(channel, 2)
        assert peer.talks[0].commands.count("RSET") == 1
        peer.dies_at = "RSET"
        sent = await channel.send(MESSAGE)

        assert sent.result == "accepted"
        assert [one.mails for one in peer.talks] == [2, 1]


async def test_a_mail_that_was_given_and_not_answered_is_unknown_and_not_sent_again_by_itself() -> (
    None
):
    async with listening() as peer, sending(peer) as channel:
        await channel.send(MESSAGE)
        peer.swallows = True
        sent = await channel.send(replace(MESSAGE, id="second"))

        assert sent.result == "unknown"
        assert len(peer.mails) == 2


async def test_a_server_that_closes_a_new_connection_before_the_mail_was_not_given_it() -> None:
    async def rude(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        channel = SmtpChannel(f"smtp://127.0.0.1:{port}", key=KEY)
        sent = await channel.send(MESSAGE)
        await channel.stop()

    assert sent.result == "retry"


@pytest.mark.parametrize("full", ["421 too many messages", "452 too many messages"])
async def test_a_server_s_limit_of_mails_a_connection_is_survived(full: str) -> None:
    async with listening() as peer, sending(peer) as channel:
        peer.most, peer.full = 3, full
        sent = await several(channel, 8)

        assert [one.result for one in sent] == ["accepted"] * 8
        assert [one.mails for one in peer.talks] == [3, 3, 2]


async def test_a_server_that_takes_nothing_at_all_is_asked_by_one_connection_an_attempt() -> None:
    async with listening() as peer, sending(peer) as channel:
        peer.most = 0
        sent = await several(channel, 2)

        assert [one.result for one in sent] == ["retry"] * 2
        assert len(peer.talks) == 2


async def test_a_connection_serves_so_many_mails_so_long_and_unused_for_so_long_only() -> None:
    async with listening() as peer:
        async with sending(peer, bounds=Bounds(mails=2)) as channel:
            await several(channel, 5)
        assert [one.mails for one in peer.talks] == [2, 2, 1]

        async with sending(peer, bounds=Bounds(age=0.0)) as channel:
            await several(channel, 2)
        assert [one.mails for one in peer.talks[3:]] == [1, 1]

        async with sending(peer, bounds=Bounds(idle=0.001)) as channel:
            await channel.send(MESSAGE)
            await peer.until_over(6)
            assert peer.talks[5].commands[-1] == "QUIT"


async def test_no_more_connections_are_kept_than_may_be() -> None:
    async with listening() as peer, sending(peer, bounds=Bounds(most=1)) as channel:
        sent = await asyncio.gather(*(channel.send(MESSAGE) for _ in range(4)))
        await peer.until_over(3)

        assert [one.result for one in sent] == ["accepted"] * 4
        assert sum(one.is_over for one in peer.talks) == 3


async def test_a_connection_never_carries_two_accounts_secrets() -> None:
    async with (
        listening() as peer,
        sending(peer, login="one:secret-1@") as first,
        sending(peer, login="two:secret-2@") as second,
    ):
        for _ in range(3):
            await first.send(MESSAGE)
            await second.send(MESSAGE)

        assert [one.logins for one in peer.talks] == [
            ["\0one\0secret-1"],
            ["\0two\0secret-2"],
        ]
        assert [one.mails for one in peer.talks] == [3, 3]


async def test_nothing_is_kept_once_the_channel_has_stopped() -> None:
    async with listening() as peer, sending(peer) as channel:
        await channel.stop()
        sent = await channel.send(MESSAGE)
        await peer.until_over(1)

        assert sent.result == "accepted"
