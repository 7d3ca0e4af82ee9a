"""Two units share a system and see nothing of each other: every list, query, event and stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi import Request

if TYPE_CHECKING:
    from tests.world import World

SCOPES = [
    "intake:write", "intake:read", "vault:read", "routing:read", "routing:write", "followup:read", "followup:write",
    "notify:read", "notify:write", "events:read", "administer",
]  # fmt: skip


@pytest.fixture
async def units(world: World) -> dict[str, dict[str, Any]]:
    """Units `east` and `west`, each with a key of every scope, a handler, and one complaint."""
    found: dict[str, dict[str, Any]] = {}
    names = ("east", "west")
    for name in names:
        await world.post("/desk/v1/units", {"id": name, "title_zh": name, "title_en": name})
    await world.settle()
    for unit in names:
        key = (
            await world.post("/desk/v1/keys", {"label": unit, "scopes": SCOPES, "unit": unit})
        ).json()
        account = {
            "login": unit,
            "display": unit,
            "role": "handler",
            "unit": unit,
            "password": "long enough password",
        }
        staff = (await world.post("/desk/v1/accounts", account)).json()
        found[unit] = {
            "headers": {"Authorization": f"Bearer {key['key']}"},
            "key": key["id"],
            "handler": staff["id"],
        }
    await world.settle()
    for mine in found.values():
        body = {
            "text": "客服态度差，我要投诉",
            "external_id": "A-1",
            "complainant": {"contacts": [{"type": "email", "value": "w@example.com"}]},
        }
        answer = await world.client.post(
            "/intake/v1/complaints", json=body, headers=mine["headers"]
        )
        assert answer.status_code == 202, answer.text
        mine.update(answer.json())
    await world.settle()
    for mine in found.values():
        incident = {"zh": "态度", "en": "Manners", "numbers": [mine["number"]]}
        answer = await world.client.post(
            "/followup/v1/incidents", json=incident, headers=mine["headers"]
        )
        mine["incident"] = answer.json()["id"]
    await world.settle()
    return found


async def test_each_complaint_goes_to_a_handler_of_its_own_unit(
    world: World, units: dict[str, Any]
) -> None:
    for unit in units.values():
        decision = await world.client.get(
            f"/routing/v1/decisions/{unit['number']}", headers=unit["headers"]
        )
        assert decision.json()["handler"] == unit["handler"]


LISTS = [
    "/intake/v1/complaints",
    "/intake/v1/complaints?channel=web&external_id=A-1",
    "/routing/v1/decisions",
    "/routing/v1/handlers",
    "/followup/v1/cases",
    "/followup/v1/incidents",
    "/notify/v1/messages",
    "/notify/v1/events?after=beginning",
    "/desk/v1/units",
    "/desk/v1/keys",
    "/desk/v1/accounts",
]
CORRECTION = {"kind": "complaint", "category": "GEN-SVC", "severity": "normal", "reason": "x"}
ONE_BY_ONE: list[tuple[str, str, object]] = [
    ("GET", "/intake/v1/complaints/{number}", None),
    ("POST", "/intake/v1/complaints/{number}/messages", {"text": "补充"}),
    ("GET", "/intake/v1/vault/complaints/{number}", None),
    ("GET", "/routing/v1/decisions/{number}", None),
    ("POST", "/routing/v1/decisions/{number}/corrections", CORRECTION),
    ("POST", "/routing/v1/decisions/{number}/assignments", {"handler": "{handler}", "reason": "x"}),
    ("PUT", "/routing/v1/handlers/{handler}/presence", {"present": True}),
    ("GET", "/followup/v1/cases/{number}", None),
    ("GET", "/followup/v1/cases/{number}/clocks?explain=1", None),
    ("GET", "/followup/v1/cases/{number}/timeline", None),
    ("GET", "/followup/v1/incidents/{incident}", None),
    ("GET", "/followup/v1/incidents/{incident}/members", None),
    ("POST", "/followup/v1/incidents/{incident}/commands/investigate", {}),
    ("POST", "/followup/v1/cases/{number}/commands/accept", {}),
    ("POST", "/desk/v1/keys/{key}/revoke", {}),
]


async def test_a_list_holds_only_one_s_own(world: World, units: dict[str, Any]) -> None:
    for path in LISTS:
        for mine, other in (("east", "west"), ("west", "east")):
            answer = await world.client.get(path, headers=units[mine]["headers"])
            assert answer.status_code == 200, (path, answer.text)
            assert answer.json()["items"], path
            for name in ("number", "id", "handler", "key"):
                assert units[other][name] not in answer.text, (path, name)


async def test_another_unit_s_is_not_there(world: World, units: dict[str, Any]) -> None:
    for method, path, body in ONE_BY_ONE:
        place = path.format(**units["west"])
        sent = (
            {"handler": units["west"]["handler"], "reason": "x"} if "assignments" in path else body
        )
        answers = [
            await world.client.request(
                method, place, headers=units[unit]["headers"] | {"If-Match": "*"}, json=sent
            )
            for unit in ("east", "west")
        ]
        assert answers[0].status_code == 404, (path, answers[0].text)
        assert answers[1].status_code < 400, (path, answers[1].text)


async def test_a_complaint_for_another_unit_is_refused(world: World, units: dict[str, Any]) -> None:
    answer = await world.client.post(
        "/intake/v1/complaints",
        json={"text": "x", "unit": "west"},
        headers=units["east"]["headers"],
    )
    assert answer.status_code in {404, 422}
    page = await world.client.get("/intake/v1/complaints", headers=units["west"]["headers"])
    assert len(page.json()["items"]) == 1


async def test_the_root_sees_both(world: World, units: dict[str, Any]) -> None:
    text = (await world.get("/followup/v1/cases")).text
    assert all(unit["number"] in text for unit in units.values())


async def test_the_stream_gives_only_one_s_own(world: World, units: dict[str, Any]) -> None:
    from services.notify.api.door import Door
    from services.notify.api.feed import _follow
    from services.notify.model import Wanted

    notify = world.service("notify").service
    scope = {
        "type": "http", "method": "GET", "path": "/notify/v1/events", "query_string": b"",
        "headers": [(b"authorization", units["east"]["headers"]["Authorization"].encode())],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        import asyncio

        await asyncio.Event().wait()
        raise AssertionError

    request = Request(scope, receive)
    vault = world.sender()._vault
    door = Door(world.environment, notify.database, notify.context, vault, {})
    stream = _follow(request, door, 0, None, Wanted())
    text = b""
    async for part in stream:
        if part.startswith(b":"):
            break
        text += part
    await stream.aclose()  # type: ignore[attr-defined]
    assert units["east"]["number"].encode() in text
    assert units["west"]["number"].encode() not in text
