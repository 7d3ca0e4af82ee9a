"""What tests of the doors have in common: payloads brought to them, and what is stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from services.intake.store import COMPLAINTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from tests.world import World

PNG = b"\x89PNG\r\n\x1a\nrest"
BOUNDARY = "bound"


async def bring(
    world: World,
    channel: str,
    content: bytes | Mapping[str, Any],
    media_type: str = "application/json",
    *,
    query: str = "",
    **headers: str,
) -> httpx.Response:
    """Bring a payload to a channel's door with the first adapter's key."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    more = {"Content-Type": media_type} | headers
    return await world.client.post(
        f"/intake/v1/channels/{channel}{query}",
        content=raw,
        headers=world.headers("adapter_key", **more),
    )


def form(body: object, files: Sequence[tuple[str, str, bytes]] = ()) -> tuple[bytes, str]:
    """A complaint with files as multipart/form-data, and its media type."""
    parts = [
        b'Content-Disposition: form-data; name="complaint"\r\n\r\n' + json.dumps(body).encode()
    ]
    for name, media_type, content in files:
        head = f'Content-Disposition: form-data; name="files"; filename="{name}"\r\nContent-Type: {media_type}\r\n\r\n'
        parts.append(head.encode() + content)
    joined = b"".join(b"--%s\r\n%s\r\n" % (BOUNDARY.encode(), part) for part in parts)
    return joined + f"--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"


async def count(world: World, table: Any = COMPLAINTS) -> int:
    async with world.service("intake").service.database.reading() as connection:
        query = select(func.count()).select_from(table)
        found: int = (await connection.execute(query)).scalar_one()
    return found


async def shown(world: World, number: str) -> dict[str, Any]:
    answer = await world.get(f"/intake/v1/complaints/{number}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def original(world: World, number: str) -> dict[str, Any]:
    """The words as received, as the vault shows them."""
    answer = await world.get(f"/intake/v1/vault/complaints/{number}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def kept_files(world: World) -> int:
    return len(list((world.folder / "intake" / "attachments").glob("*")))
