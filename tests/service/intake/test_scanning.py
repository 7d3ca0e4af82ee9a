"""Files stay in quarantine until a scanner, which speaks clamd's protocol, has found nothing in them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from services.intake.api.attachments import path_of
from services.intake.policy.seal import Vault
from services.intake.usecases.clamd import scan
from services.intake.usecases.scanning import Scanner
from shared.errors import Transient
from tests.service.intake.people import another_key, complainant_of, erase
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BAD = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SERVICES = ("desk", "intake")


@asynccontextmanager
async def clamd(*, limit: int = 1_000_000) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
        content = b""
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            content += await reader.readexactly(size)
        answer = b"stream: Eicar-Test-Signature FOUND\0" if BAD in content else b"stream: OK\0"
        writer.write(b"INSTREAM size limit exceeded. ERROR\0" if len(content) > limit else answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def scanner(world: World, address: str) -> Scanner:
    environment = world.environment
    return Scanner(
        world.service("intake").service.database, Vault(environment.secrets.vault), address=address,
        path_of=partial(path_of, environment.settings.data),
    )  # fmt: skip


async def attached(world: World, content: bytes) -> tuple[str, str]:
    """A complaint with a file; returns the file's id and the complaint's number."""
    headers = world.headers("adapter_key", **{"Content-Type": "text/plain"})
    file = await world.client.post("/intake/v1/attachments", content=content, headers=headers)
    id_ = file.json()["id"]
    made = await world.complain(attachments=[{"id": id_}])
    return id_, made["number"]


async def status(world: World, id_: str) -> int:
    return (await world.get(f"/intake/v1/vault/attachments/{id_}")).status_code


async def test_a_clean_file_is_given_out_after_its_scan_and_an_infected_one_never(
    tmp_path: Path,
) -> None:
    async with clamd() as address, open_world(tmp_path, services=SERVICES, clamd=address) as world:
        (clean, _), (bad, _) = await attached(world, b"a photo"), await attached(world, BAD)
        assert (await status(world, clean), await status(world, bad)) == (409, 409)

        assert await scanner(world, address).scan_waiting() == 2

        assert (await status(world, clean), await status(world, bad)) == (200, 409)
        assert await scanner(world, address).scan_waiting() == 0


async def test_while_the_scanner_is_away_files_wait_and_complaints_are_taken(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path, services=SERVICES, clamd="127.0.0.1:1") as world:
        id_, _ = await attached(world, b"a photo")

        with pytest.raises(Transient, match="does not answer"):
            await scanner(world, "127.0.0.1:1").scan_waiting()

        assert await status(world, id_) == 409


async def test_a_file_that_no_complaint_took_is_scanned_and_an_erased_one_is_left_alone(
    tmp_path: Path,
) -> None:
    async with clamd() as address, open_world(tmp_path, services=SERVICES, clamd=address) as world:
        headers = world.headers("adapter_key", **{"Content-Type": "text/plain"})
        await world.client.post("/intake/v1/attachments", content=b"a", headers=headers)
        _, number = await attached(world, b"b")
        await erase(world, await complainant_of(world, number), second=await another_key(world))

        assert await scanner(world, address).scan_waiting() == 1


async def test_what_is_too_large_for_the_scanner_is_not_called_clean() -> None:
    async with clamd(limit=10) as address:
        assert await scan(address, b"a") is None
        assert await scan(address, BAD[:5]) is None
        with pytest.raises(Transient, match="size limit exceeded"):
            await scan(address, b"a" * 200_000)


async def test_where_no_scanner_is_set_files_are_given_out(world: World) -> None:
    id_, _ = await attached(world, b"a photo")

    assert await status(world, id_) == 200
