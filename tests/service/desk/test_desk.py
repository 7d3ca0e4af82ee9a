from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.contracts.desk import ROLES
from shared.contracts.intake import ComplaintReceived
from shared.policy import Policy

if TYPE_CHECKING:
    from tests.world import World


async def test_an_empty_system_is_born_with_a_unit_six_accounts_two_keys_and_a_pack(
    world: World,
) -> None:
    assert list(world.policy.units) == ["root"]
    assert {account.role for account in world.policy.accounts.values()} == set(ROLES)
    assert len(world.policy.keys) == 2
    assert world.policy.in_force("root", world.clock.now())[0] == "generic"
    file = world.folder / "first-run.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert set(json.loads(file.read_text())) == {"url", "adapter_key", "operator_key", "accounts"}


async def test_no_secret_and_no_password_is_ever_said(world: World) -> None:
    said = b"".join(str(event).encode() for event in await world.said("desk"))
    for secret in (
        world.first_run["adapter_key"].split("_", 2)[2],
        world.first_run["accounts"]["handler"]["password"],
    ):
        assert secret.encode() not in said


async def test_a_new_key_works_and_a_revoked_one_does_not(world: World) -> None:
    made = (
        await world.post("/desk/v1/keys", {"label": "宝钢热线", "scopes": ["intake:write"]})
    ).json()
    await world.settle()
    headers = {"Authorization": f"Bearer {made['key']}"}
    first = await world.client.post(
        "/intake/v1/complaints", json={"text": "电表坏了"}, headers=headers
    )
    assert first.status_code == 202

    assert (await world.post(f"/desk/v1/keys/{made['id']}/revoke", {})).status_code == 200
    await world.settle()
    second = await world.client.post(
        "/intake/v1/complaints", json={"text": "电表又坏了"}, headers=headers
    )

    assert second.status_code == 401
    assert len(await world.said("intake", ComplaintReceived)) == 1


async def test_a_key_that_expired_is_refused(world: World) -> None:
    until = (world.clock.now() + timedelta(hours=1)).isoformat()
    body = {"label": "short", "scopes": ["intake:write"], "expires_at": until}
    made = (await world.post("/desk/v1/keys", body)).json()
    await world.advance(timedelta(hours=2))
    answer = await world.client.post(
        "/intake/v1/complaints",
        json={"text": "x"},
        headers={"Authorization": f"Bearer {made['key']}"},
    )
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"label": "k", "scopes": ["intake:fly"]}, "scopes.0"),
        ({"label": "k", "scopes": []}, "scopes"),
        ({"label": " ", "scopes": ["intake:write"]}, "label"),
        ({"label": "k", "scopes": ["intake:write"], "channel": "pigeon"}, "channel"),
        (
            {"label": "k", "scopes": ["intake:write"], "expires_at": "2030-01-01T00:00:00"},
            "expires_at",
        ),
        ({"scopes": ["intake:write"]}, "label"),
    ],
)
async def test_a_bad_key_request_names_the_field(
    world: World, body: dict[str, object], field: str
) -> None:
    before = len(world.policy.keys)
    answer = await world.post("/desk/v1/keys", body)
    await world.settle()

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert len(world.policy.keys) == before


async def test_problems_speak_the_caller_s_language(world: World) -> None:
    answer = await world.post(
        "/desk/v1/keys", {"scopes": ["intake:write"]}, **{"Accept-Language": "zh-CN"}
    )
    problem = answer.json()
    assert problem["title"] == "输入不符合约定"
    assert problem["errors"][0]["message"] == "缺少必填字段"
    assert problem["trace_id"]


async def test_a_unit_is_added_below_another_and_only_once(world: World) -> None:
    body = {"id": "harbin", "title_zh": "哈尔滨供电", "title_en": "Harbin Power"}
    assert (await world.post("/desk/v1/units", body)).status_code == 201
    assert (await world.post("/desk/v1/units", body)).status_code == 409
    assert (
        await world.post("/desk/v1/units", body | {"id": "x", "parent": "nowhere"})
    ).status_code == 404
    assert (await world.post("/desk/v1/units", body | {"id": "Bad Id"})).status_code == 422
    await world.settle()

    assert list(world.policy.upwards("harbin")) == ["harbin", "root"]


async def test_staff_sign_in_for_a_short_token_and_a_wrong_password_gets_none(world: World) -> None:
    login = world.first_run["accounts"]["supervisor"]
    wrong = await world.client.post("/desk/v1/tokens", json=login | {"password": "wrong"})
    assert wrong.status_code == 401
    token = (await world.client.post("/desk/v1/tokens", json=login)).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await world.client.get("/followup/v1/cases", headers=headers)).status_code == 200
    assert (await world.client.get("/desk/v1/keys", headers=headers)).status_code == 403

    world.clock.advance(timedelta(minutes=17))
    assert (await world.client.get("/followup/v1/cases", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    "credential",
    ["", "Bearer", "Bearer rk_", "Bearer rk_x_y", "Bearer abc", "Basic YTpi", "Bearer a.b.c"],
)
async def test_a_credential_that_is_none_is_401_everywhere(world: World, credential: str) -> None:
    headers = {"Authorization": credential} if credential else {}
    for path in ("/desk/v1/keys", "/intake/v1/complaints", "/routing/v1/decisions", "/followup/v1/cases",
                 "/notify/v1/messages", "/notify/v1/events"):  # fmt: skip
        answer = await world.client.get(path, headers=headers)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_signed_with_none_or_another_key_is_refused(world: World) -> None:
    from joserfc import jwt
    from joserfc.jwk import OctKey

    account = next(iter(world.policy.accounts))
    claims = {"sub": account, "kind": "staff", "exp": int(world.clock.now().timestamp()) + 600}
    forged = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(b"x" * 32))
    none = "eyJhbGciOiJub25lIn0." + forged.split(".")[1] + "."
    for token in (forged, none):
        answer = await world.client.get(
            "/followup/v1/cases", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 401


async def test_health_and_readiness_need_no_key(world: World) -> None:
    assert (await world.client.get("/intake/healthz")).json() == {"status": "ok"}
    ready = await world.client.get("/readyz")
    assert ready.status_code == 200
    assert set(ready.json()["checks"]) == {"desk", "intake", "routing", "followup", "notify"}
    assert "redress_http_requests" in (await world.client.get("/desk/metrics")).text
    for service in ("desk", "intake", "routing", "followup", "notify"):
        assert (
            (await world.client.get(f"/{service}/openapi.json")).json()["openapi"].startswith("3.1")
        )
    assert (await world.client.get("/nowhere/v1/x")).status_code == 404
    assert (await world.client.get("/problems/stale")).json()["status"] == 412


async def test_the_packs_in_force_are_read_before_the_first_complaint(world: World) -> None:
    """A pack takes half a second to read: nobody's request may wait for it once a process says that it is ready."""
    policy = Policy()
    for event in await world.said("desk"):
        policy.apply(event)
    assert not policy._packs._read

    policy.caught_up(world.clock.now())

    assert policy.is_ready
    ref = "@".join(policy.in_force(policy.root, world.clock.now()))
    assert ref in policy._packs._read
