"""Keys of two administrators, for what one person may not do alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

    from tests.world import World

SCOPES = ["intake:write", "intake:read", "vault:read", "administer"]


async def another_key(world: World, *, unit: str | None = None) -> dict[str, str]:
    """Return the headers of a second key that may do everything here."""
    body = {"label": "second", "scopes": SCOPES} | ({"unit": unit} if unit else {})
    made = await world.post("/desk/v1/keys", body)
    assert made.status_code == 201, made.text
    await world.settle()
    return {"Authorization": f"Bearer {made.json()['key']}"}


async def put(world: World, path: str, body: object, **more: str) -> httpx.Response:
    return await world.client.put(path, json=body, headers=world.headers(**more))


async def complainant_of(world: World, number: str) -> str:
    shown = await world.get(f"/intake/v1/complaints/{number}")
    found: str = shown.json()["complainant_id"]
    return found


async def erase(world: World, *ids: str, second: dict[str, str]) -> dict[str, Any]:
    """Ask by one key, agree by another; returns the erasure."""
    asked = await world.post(
        "/intake/v1/vault/erasures", {"ids": list(ids), "reason": "asked by phone 13800138000"}
    )
    assert asked.status_code == 202, asked.text
    agreed = await world.client.post(
        f"/intake/v1/vault/erasures/{asked.json()['id']}/approve", headers=second
    )
    assert agreed.status_code == 200, agreed.text
    found: dict[str, Any] = agreed.json()
    return found
