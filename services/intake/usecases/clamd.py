"""Asks clamd about a file, by its INSTREAM command (clamd(8)): nothing touches a disk in clear."""

import asyncio
from typing import Final

from shared.errors import Transient

CHUNK: Final = 64 * 1024
ANSWER_SECONDS: Final = 60.0
LONGEST_ANSWER: Final = 4096


async def scan(address: str, content: bytes) -> str | None:
    """What clamd found in a file, or None. `address`: host:port, or a socket's path. Raises Transient."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await _ask(address, content)
    except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
        raise Transient(f"clamd at {address} does not answer: {type(error).__name__}") from error
    said = answer.rstrip("\0\r\n").removeprefix("stream: ")
    if said == "OK":
        return None
    if said.endswith(" FOUND"):
        return said.removesuffix(" FOUND")
    raise Transient(f"clamd at {address} says: {said[:100]}")


async def _ask(address: str, content: bytes) -> str:
    reader, writer = await _connect(address)
    try:
        writer.write(b"zINSTREAM\0")
        for at in range(0, len(content), CHUNK):
            part = content[at : at + CHUNK]
            writer.write(len(part).to_bytes(4, "big") + part)
            await writer.drain()
        writer.write(bytes(4))
        await writer.drain()
        return (await reader.read(LONGEST_ANSWER)).decode("utf-8", "replace")
    finally:
        writer.close()


async def _connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if "/" in address:
        return await asyncio.open_unix_connection(address)
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host.strip("[]"), int(port))
