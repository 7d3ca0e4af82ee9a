"""Staff sign in at a certified OpenID provider, through its own pages, and come back as who they are."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dev.process import LOOPBACK, free_ports
from tests.browser.site import START_SECONDS, open_browser
from tests.faults.system import System

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.browser
PROVIDER = Path(__file__).parent / "provider"
ROLES = """
claim: groups
title: 公司账号
rules:
  - {value: cs-supervisors, role: supervisor, unit: root}
  - {value: cs-handlers, role: handler, unit: root}
"""


@asynccontextmanager
async def provider(*, port: int, back: str, secret: str) -> AsyncIterator[None]:
    """The provider in a process of its own."""
    node = shutil.which("node")
    if node is None or not (PROVIDER / "node_modules").is_dir():
        pytest.skip("no provider: install Node.js and npm, then `make browser`")
    process = subprocess.Popen(
        [node, "provider.js", str(port), back, secret], cwd=PROVIDER, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), START_SECONDS)
        assert line == b"ready\n"
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@asynccontextmanager
async def open_desk(folder: Path) -> AsyncIterator[tuple[str, Any]]:
    """A system that knows the provider, and a browser."""
    roles, secret, [ours, theirs] = folder / "roles.yaml", secrets.token_urlsafe(), free_ports(2)
    roles.write_text(ROLES, encoding="utf-8")
    system = System(
        folder,
        REDRESS_PORT=str(ours),
        REDRESS_OIDC_ISSUER=f"http://{LOOPBACK}:{theirs}",
        REDRESS_OIDC_SECRET=secret,
        REDRESS_OIDC_ROLES=str(roles),
    )
    back = f"http://{LOOPBACK}:{ours}/desk/oidc/back"
    async with open_browser() as chromium, provider(port=theirs, back=back, secret=secret):
        try:
            assert await system.start(within=START_SECONDS), (folder / "log.txt").read_text()
            yield f"http://{LOOPBACK}:{ours}", chromium
        finally:
            await system.stop(kill=True)


async def signed_in(desk: str, chromium: Any, name: str) -> Any:
    """A page after somebody went to the desk, chose the company's sign-in, and said there who they are."""
    page = await (await chromium.new_context(locale="zh-CN")).new_page()
    await page.goto(f"{desk}/desk/login")
    await page.click("a[href^='/desk/oidc'], form[action^='/desk/oidc'] button")
    await page.fill("[name=login]", name)
    await page.fill("[name=password]", "whatever")
    await page.click("button[type=submit]")
    await page.click("button[type=submit]")  # consents
    await page.wait_for_url(f"{desk}/**")
    return page


async def test_staff_come_back_from_the_company_s_provider_with_the_role_of_their_group(
    tmp_path: Path,
) -> None:
    async with open_desk(tmp_path) as (desk, chromium):
        handler = await signed_in(desk, chromium, "li")
        supervisor = await signed_in(desk, chromium, "zhao")
        stranger = await signed_in(desk, chromium, "nobody")
        await handler.goto(f"{desk}/desk/board")

        assert "li by the company" in await handler.inner_text("header")
        assert await handler.query_selector("[data-rows]") is None  # the board is a supervisor's
        assert supervisor.url == f"{desk}/desk/board"
        assert (
            await stranger.inner_text("[role=alert]") == "您的账号没有本系统的角色，请联系管理员。"
        )
        assert await stranger.query_selector("[name=password]") is not None
