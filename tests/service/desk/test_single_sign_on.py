"""Staff sign in at the company's identity provider: code with PKCE, state, nonce, roles by the operator's rules."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.service.desk.browsing import Browser, Shown
from tests.service.desk.provider import CLIENT, ISSUER, SECRET, FakeProvider
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

pytestmark = pytest.mark.asyncio(loop_scope="module")
RULES = """
claim: groups
title: 公司账号
rules:
  - {value: cs-supervisors, role: supervisor, unit: root}
  - {value: cs-handlers, role: handler, unit: root}
  - {value: cs-nowhere, role: handler, unit: nowhere}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    tmp_path_factory: pytest.TempPathFactory, seeded_folder: Path
) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("sign-on")
    shutil.copytree(seeded_folder, folder, dirs_exist_ok=True)
    rules = folder / "roles.yaml"
    rules.write_text(RULES, encoding="utf-8")
    async with open_world(
        folder, oidc_issuer=ISSUER, oidc_client=CLIENT, oidc_secret=SECRET, oidc_roles=str(rules)
    ) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider(world: World) -> AsyncIterator[FakeProvider]:
    found = FakeProvider(world.clock)
    ours = world.service("desk").service.context.provider
    await ours.client.aclose()
    ours.client = found.client()
    yield found
    await ours.client.aclose()


async def begin(browser: Browser, to: str = "") -> str:
    """To the provider; the address where the browser is sent."""
    answer = await browser.client.get("/desk/oidc", params={"to": to})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def come_back(browser: Browser, query: str) -> httpx.Response:
    """Back with the provider's answer, while the world goes on."""
    asking = asyncio.create_task(browser.client.get(f"/desk/oidc/back?{query}"))
    while not asking.done():
        await browser.world.read_policy()
        await asyncio.sleep(0)
    return await asking


async def sign_in(
    browser: Browser, provider: FakeProvider, to: str = "", **claims: Any
) -> httpx.Response:
    query = provider.sign_in(await begin(browser, to), **claims)
    return await come_back(browser, query)


async def test_who_has_a_role_by_the_rules_gets_in_and_keeps_one_account_as_it_changes(
    world: World, provider: FakeProvider
) -> None:
    browser = Browser(world)
    door = Shown(await browser.client.get("/desk/login"))
    first = await sign_in(
        browser, provider, "/desk/queue?lang=zh", sub="li", name="小李", groups=["x", "cs-handlers"],
        preferred_username="li@corp",
    )  # fmt: skip
    page = await browser.get("/desk/queue")
    again = Browser(world)
    second = await sign_in(again, provider, sub="li", name="李主管", groups=["cs-supervisors"])

    assert door.one('a[href^="/desk/oidc"]').text() == "用公司账号登录"
    assert first.headers["location"] == "/desk/queue?lang=zh"
    assert "小李" in page.html
    assert second.headers["location"] == "/desk/board"
    mine = [one for one in world.policy.accounts.values() if one.login == "li@corp"]
    assert [(one.display, one.role, one.unit, one.active) for one in mine] == [
        ("李主管", "supervisor", "root", True)
    ]
    token = {"login": "li@corp", "password": ""}
    assert (await world.client.post("/desk/v1/tokens", json=token)).status_code == 401


async def test_who_has_no_role_any_more_is_kept_out_everywhere_at_once(
    world: World, provider: FakeProvider
) -> None:
    browser = Browser(world)
    await sign_in(browser, provider, sub="wang", name="小王", groups=["cs-handlers"])
    assert (await browser.client.get("/desk/queue")).status_code == 200

    refused = await sign_in(Browser(world), provider, sub="wang", name="小王", groups=["sales"])
    nowhere = await sign_in(Browser(world), provider, sub="zhao", groups="cs-nowhere")
    await world.settle()

    assert refused.status_code == nowhere.status_code == 403
    assert "管理员" in refused.text
    assert (await browser.client.get("/desk/queue")).status_code == 303


async def test_an_answer_counts_once_in_the_browser_that_asked_and_in_time(
    world: World, provider: FakeProvider
) -> None:
    mine, other = Browser(world), Browser(world)
    query = provider.sign_in(await begin(mine), sub="li", groups=["cs-handlers"])

    stolen = await other.client.get(f"/desk/oidc/back?{query}")
    right = await come_back(mine, query)
    replayed = await mine.client.get(f"/desk/oidc/back?{query}")
    late = provider.sign_in(await begin(other), sub="li", groups=["cs-handlers"])
    world.clock.advance(timedelta(minutes=11))
    too_late = await other.client.get(f"/desk/oidc/back?{late}")
    denied = await begin(other)
    state = denied.partition("state=")[2].partition("&")[0]
    no = await other.client.get(f"/desk/oidc/back?error=access_denied&state={state}")

    assert stolen.status_code == replayed.status_code == too_late.status_code == 400
    assert right.status_code == 303
    assert no.status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://evil.example.com"},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"exp": 0},
        {"iat": 0},
        {"nonce": "another"},
        {"sub": ""},
        {"alg": "HS256"},
        {"alg": "none"},
    ],
    ids=str,
)
async def test_a_token_that_does_not_answer_what_was_asked_lets_nobody_in(
    world: World, provider: FakeProvider, wrong: dict[str, Any]
) -> None:
    browser = Browser(world)
    provider.changed = wrong
    try:
        answer = await sign_in(browser, provider, groups=["cs-handlers"])
    finally:
        provider.changed = {}

    assert answer.status_code == 401
    assert "redress" not in browser.client.cookies


async def test_the_provider_changes_its_keys_and_a_forged_one_has_them_read_no_more_than_once_a_minute(
    world: World, provider: FakeProvider
) -> None:
    await sign_in(Browser(world), provider, sub="li", groups=["cs-handlers"])
    world.clock.advance(timedelta(minutes=2))
    provider.rotate()

    let_in = await sign_in(Browser(world), provider, sub="li", groups=["cs-handlers"])
    read = provider.key_reads
    shown, provider.keys = provider.keys, []
    provider.rotate()
    forged = [
        await sign_in(Browser(world), provider, sub="li", groups=["cs-handlers"]) for _ in "123"
    ]
    provider.keys = shown

    assert let_in.status_code == 303
    assert [one.status_code for one in forged] == [401, 401, 401]
    assert provider.key_reads == read


async def test_a_form_that_waits_behind_an_expired_session_comes_back_after_signing_in_in_a_new_window(
    world: World, provider: FakeProvider
) -> None:
    made = await world.complain()
    await world.settle()
    browser = Browser(world)
    await sign_in(browser, provider, sub="li", groups=["cs-handlers"])
    action = f"/desk/cases/{made['number']}/do/note"
    page = await browser.get(f"/desk/cases/{made['number']}")
    world.clock.advance(timedelta(minutes=16))

    door = await browser.send(page, action, text="写了很久的备注")
    await sign_in(browser, provider, "/desk", sub="li", groups=["cs-handlers"])
    back = await browser.send(door, action)

    assert door.status == 401
    assert back.fields(action)["text"] == "写了很久的备注"
