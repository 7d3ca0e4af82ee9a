"""What stands around a sender: a mail provider that takes its time with each message, and a vault that does not."""

import argparse
import asyncio
from functools import partial

import orjson
import uvloop

from dev.process import LOOPBACK

_CONTACT = orjson.dumps(
    {
        "name": "王秀英",
        "contacts": [{"type": "email", "value": "customer@example.com"}],
        "code": "0000",
    }
)
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
    + str(len(_CONTACT)).encode() + b"\r\n\r\n" + _CONTACT
)  # fmt: skip


_NOBODY = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


async def mail(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, seconds: float
) -> None:
    """One SMTP conversation; the answer to the mail itself is what takes so long."""
    writer.write(b"220 slow\r\n")
    while line := (await reader.readline()).strip().upper():
        if line == b"DATA":
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
            await asyncio.sleep(seconds)
        writer.write(b"221 bye\r\n" if line == b"QUIT" else b"250 ok\r\n")
        if line == b"QUIT":
            break
    writer.close()


async def contact(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request on a connection: ready, and the vault's answer, look alike; of staff nothing is known."""
    while line := (await reader.readline()).strip():
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_NOBODY if b"/vault/staff/" in line else _ANSWER)
    writer.close()


async def serve(port: int, mail_port: int, seconds: float) -> None:
    provider = await asyncio.start_server(partial(mail, seconds=seconds), LOOPBACK, mail_port)
    vault = await asyncio.start_server(contact, LOOPBACK, port)
    async with provider, vault:
        await asyncio.gather(provider.serve_forever(), vault.serve_forever())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mail-port", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.mail_port, options.seconds))


if __name__ == "__main__":
    main()
