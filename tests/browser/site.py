"""A running system for a browser's tests: with people, complaints of some days, and a clock that stands still."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.faults.system import System

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHROMIUM = os.environ.get("REDRESS_CHROMIUM") or shutil.which("chromium") or ""
START_SECONDS = 180.0
"""A browser beside it leaves little of a small machine."""

PICTURES = Path(__file__).resolve().parent.parent.parent / "dist" / "screens"
WIDTHS = {"desktop": 1280, "phone": 390}
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
TUESDAY = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
HOSTILE = (
    """<script>alert(1)</script>"><img src=x onerror=alert(1)>'{{7*7}}</textarea></title>\u202ejs"""
)
INLINE = """[...document.querySelectorAll("script:not([src]), style, [style], [onclick], [onerror]")]
.map((one) => one.outerHTML.slice(0, 80))"""
TEXTS = {
    "fee": (25, "上个月电费多收了两百多块，打了两次电话都没人处理，要求退还。"),
    "attitude": (20, "营业厅窗口的工作人员态度很差，问三句才回一句，让我白跑一趟。"),
    "parcel": (
        17.5,
        "The parcel I ordered two weeks ago never arrived and nobody answers the phone.",
    ),
    "safety": (0.8, "燃气灶突然喷火，差点烧到孩子，太危险了，请马上派人来！"),
    "visit": (0.5, "说好周一上门安装空调，等了一整天没有人来，也没有电话。"),
    "vague": (0.2, "东西不行。"),
}
"""What customers wrote, and how many hours ago."""


@asynccontextmanager
async def open_browser() -> AsyncIterator[Any]:
    """A Chromium without windows; skips where there is none."""
    from playwright.async_api import async_playwright

    if not CHROMIUM:
        pytest.skip("no Chromium: apt-get install chromium, or set REDRESS_CHROMIUM")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        await chromium.close()


@asynccontextmanager
async def open_site(folder: Path, **environment: str) -> AsyncIterator[Site]:
    """A system in `folder`, filled, and a browser."""
    clock = folder / "clock"
    # The packs are in force from the first start on.
    clock.write_text(f"={(TUESDAY - timedelta(days=3)).timestamp()}")
    system = System(folder, REDRESS_TEST_CLOCK=str(clock), **environment)
    async with open_browser() as chromium:
        try:
            assert await system.start(within=START_SECONDS), (folder / "log.txt").read_text()
            opened = Site(system, chromium, clock)
            await opened.fill()
            yield opened
        finally:
            await system.stop(kill=True)


class Site:
    """A running system, and a browser that looks at it."""

    def __init__(self, system: System, chromium: Any, clock: Path) -> None:
        self.url = system.url
        self.numbers: dict[str, str] = {}
        self.codes: dict[str, str] = {}
        self._keys = json.loads((system.folder / "first-run.json").read_text())
        self._chromium = chromium
        self._clock = clock

    def set_clock(self, at: datetime) -> None:
        self._clock.write_text(f"={at.timestamp()}")

    async def open(self, role: str | None, *, width: str, language: str, **more: Any) -> Any:
        """A page of a browser of its own, where `role` has signed in."""
        context = await self._chromium.new_context(
            viewport={"width": WIDTHS[width], "height": 900}, locale=LOCALES[language], **more
        )
        context.set_default_timeout(60_000)
        page = await context.new_page()
        if role is not None:
            await page.goto(f"{self.url}/desk/login")
            await page.fill("[name=login]", role)
            await page.fill("[name=password]", self._keys["accounts"][role]["password"])
            await page.click("main button")
        return page

    async def look(self, page: Any, name: str, path: str | None = None) -> None:
        """Take a picture; axe finds nothing, nothing is wider than the window, and nothing is inline."""
        from axe_playwright_python.async_playwright import Axe

        if path is not None:
            await page.goto(self.url + path)
        await page.wait_for_load_state("load")
        # Before the picture and axe, which put styles and scripts of their own into the page.
        inline = await page.evaluate(INLINE)
        assert inline == [], f"{name} has scripts or styles inline: {inline}"
        width = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert width <= 0, f"{name} is {width} pixels wider than the window"
        PICTURES.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
        found = await Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        width = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert width <= 0, f"{name} is {width} pixels wider than the window"

    async def ask(
        self, method: str, path: str, body: object = None, *, key: str = "operator_key"
    ) -> Any:
        """The services, as an operator."""
        headers = {"Authorization": f"Bearer {self._keys[key]}", "If-Match": "*"}
        async with httpx.AsyncClient(base_url=self.url, timeout=30, trust_env=False) as client:
            answer = await client.request(method, path, json=body, headers=headers)
        assert answer.status_code < 400, f"{path}: {answer.text}"
        return answer.json() if answer.content else None

    async def command(self, number: str, name: str, body: object = None) -> Any:
        return await self.ask("POST", f"/followup/v1/cases/{number}/commands/{name}", body or {})

    async def until(self, path: str, is_so: Any) -> Any:
        """Ask again until the answer is so."""
        for _ in range(240):
            try:
                if is_so(found := await self.ask("GET", path)):
                    return found
            except AssertionError:
                pass
            await asyncio.sleep(0.25)
        raise AssertionError(f"{path} is not so after a minute")

    async def has_handler(self, number: str) -> None:
        await self.until(f"/followup/v1/cases/{number}", lambda case: case["owner"]["handler"])

    async def complain(self, name: str, text: str, **more: object) -> None:
        person = {"name": "王女士", "contacts": [{"type": "phone", "value": "13800138000"}]}
        body = {"text": text, "complainant": person} | more
        made = await self.ask("POST", "/intake/v1/complaints", body, key="adapter_key")
        self.numbers[name], self.codes[name] = made["number"], made["code"]

    async def fill(self) -> None:
        """Complaints of some days: one late, one that waits to be called back, for a supervisor, for triage."""
        for name, (hours, text) in TEXTS.items():
            self.set_clock(TUESDAY - timedelta(hours=hours))
            language = "en" if text.isascii() else "zh"
            await self.complain(
                name, text, language=language, channel="phone" if hours > 18 else "web"
            )
            if name not in ("safety", "vague"):
                await self.has_handler(self.numbers[name])
            if name == "attitude":
                await self._resolve(self.numbers[name])
        self.set_clock(TUESDAY)
        await self.command(self.numbers["fee"], "ask_supervisor", {"reason": "打了两次电话没人管"})
        clocks = (await self.ask("GET", f"/followup/v1/cases/{self.numbers['visit']}"))["clocks"]
        running = next(
            one
            for one in clocks
            if one["name"] in ("solution", "closure") and one["state"] == "running"
        )
        asked = {"clock": running["name"], "by": "2wd", "reason": "需等待厂家发配件"}
        await self.command(self.numbers["visit"], "ask_extension", asked)
        await self.until("/followup/v1/callbacks", lambda found: found["items"])
        await self.until("/routing/v1/decisions?state=triage", lambda found: found["items"])

    async def _resolve(self, number: str) -> None:
        await self.command(number, "accept")
        promised = {
            "what": "当天由值班经理回电致歉",
            "by": (TUESDAY - timedelta(hours=1)).isoformat(),
        }
        spoke = {"restated": True, "apologised": True, "promised": promised}
        await self.command(number, "contact", spoke)
        told = {
            "outcome": "upheld", "reason": "监控证实窗口接待不规范", "remedy": "致歉并培训当事人员",
            "told_at": (TUESDAY - timedelta(hours=20)).isoformat(),
        }  # fmt: skip
        await self.command(number, "resolve", told)
        at = (TUESDAY - timedelta(minutes=10)).isoformat()
        await self.command(number, "plan_callback", {"at": at})
