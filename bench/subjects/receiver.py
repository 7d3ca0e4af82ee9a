"""A receiver of webhooks that takes everything, and keeps its connections."""

import argparse
import asyncio

import uvloop

from dev.process import LOOPBACK

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
_READY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_LENGTH = b"content-length: "


async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request on a connection."""
    while not reader.at_eof():
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            break
        _, found, rest = head.lower().partition(_LENGTH)
        if found:
            await reader.readexactly(int(rest.split(b"\r\n", 1)[0]))
        writer.write(_ANSWER if found else _READY)
    writer.close()


async def serve(port: int) -> None:
    server = await asyncio.start_server(take, LOOPBACK, port)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
