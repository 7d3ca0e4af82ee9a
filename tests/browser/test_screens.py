"""The screens in a real browser, on the embedded system: each role's day, two languages, two widths, and axe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.browser.site import HOSTILE, WIDTHS, Site, open_site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
BOTH = [(language, width) for language in ("zh", "en") for width in WIDTHS]
FIRST_VIEW = 100_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with open_site(tmp_path_factory.mktemp("site")) as opened:
        yield opened


@pytest.mark.parametrize(("language", "width"), BOTH)
async def test_staff_walk_their_day_and_axe_finds_nothing(
    site: Site, language: str, width: str
) -> None:
    end = f"{language}-{width}"

    page = await site.open("handler", width=width, language=language)
    await site.look(page, f"queue-{end}", "/desk/queue")
    await page.click(f"a[href$='{site.numbers['fee']}']")
    await page.click("[data-part] button")
    await page.wait_for_selector(".people dl")
    await site.look(page, f"case-{end}")
    await page.goto(f"{site.url}/desk/new?phone=13800138000")
    await page.fill("#text", "电表坏了，一直没有人来修")
    await page.wait_for_selector("#asked li")
    await site.look(page, f"new-{end}")
    await page.click("button.main")
    await site.look(page, f"taken-{end}")

    page = await site.open("supervisor", width=width, language=language)
    await site.look(page, f"board-{end}", "/desk/board")
    page = await site.open("caller", width=width, language=language)
    await site.look(page, f"callbacks-{end}", "/desk/callbacks")
    page = await site.open("administrator", width=width, language=language)
    await site.look(page, f"office-{end}", "/desk/office")
    page = await site.open("auditor", width=width, language=language)
    await site.look(page, f"case-auditor-{end}", f"/desk/cases/{site.numbers['attitude']}")
    assert await page.query_selector("[data-part]") is None
    page = await site.open("watch", width=width, language=language)
    await site.look(page, f"board-watch-{end}", "/desk/board")


@pytest.mark.parametrize(("language", "width"), BOTH)
async def test_a_customer_goes_all_the_way_without_javascript_and_axe_finds_nothing(
    site: Site, language: str, width: str
) -> None:
    plain = await site.open(None, width=width, language=language, java_script_enabled=False)
    await plain.goto(f"{site.url}/portal")
    await plain.click("main a.button.main")
    await plain.fill("#text", "快递丢了，客服一直不处理，要求赔偿")
    # Somebody else each time: who complains of the same again is told that it was added to the first.
    await plain.fill("#contact", f"1390013900{BOTH.index((language, width))}")
    await plain.click("main button.main")
    number, code = [await one.inner_text() for one in await plain.query_selector_all(".big")]
    asked = await plain.query_selector_all("main ul li")
    await site.has_handler(number)
    await plain.click("form[action='/portal/follow'] button")
    await plain.fill("form[action='/portal/do/add'] textarea", "还是没有找到")
    await plain.click("form[action='/portal/do/add'] button")
    added = await plain.inner_text(".done")

    assert asked
    assert len(await plain.query_selector_all(".steps li")) == 4
    assert added in ("已收到，谢谢。", "Received, thank you.")
    page = await site.open(None, width=width, language=language)
    end = f"{language}-{width}"
    for path in (
        "/portal",
        "/portal/follow",
        "/portal/lost",
        "/portal/privacy",
    ):
        await site.look(page, f"{path[1:].replace('/', '-')}-{end}", path)
    await page.goto(f"{site.url}/portal/complain")
    await page.fill("#text", "上周在网上买的电饭煲一直没有送到，客服说查不到。")
    await page.wait_for_selector("#asked li")
    await site.look(page, f"portal-complain-{end}")
    await site.look(page, f"login-{end}", "/desk/login")
    await page.goto(f"{site.url}/portal/follow")
    await page.fill("[name=number]", number)
    await page.fill("[name=code]", code)
    await page.click("main button.main")
    await site.look(page, f"portal-status-{end}")


async def test_a_handler_does_it_all_by_keyboard(site: Site) -> None:
    page = await site.open("handler", width="desktop", language="zh")
    await page.goto(f"{site.url}/desk/queue")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    for _ in range(30):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.closest('[data-rows]') !== null"):
            break
    first = await page.evaluate("document.activeElement.href")
    await page.keyboard.press("ArrowDown")
    second = await page.evaluate("document.activeElement.href")
    await page.goto(f"{site.url}/desk/cases/{site.numbers['visit']}")
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.matches('.next button.main')"):
            break
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".done")

    assert first != second
    assert "受理" in await page.inner_text(".done")


async def test_a_supervisor_decides_on_the_board_and_hurries_by_one_key(site: Site) -> None:
    page = await site.open("supervisor", width="desktop", language="zh")
    done = []
    for button in (
        f"button[value='take/{site.numbers['fee']}']",
        f"button[value='grant/{site.numbers['visit']}']",
        f"button[name=is][value^='{site.numbers['vague']}/']",
    ):
        await page.goto(f"{site.url}/desk/board")
        await page.click(button)
        done.append(await page.inner_text(".done"))
    await page.focus(f"[data-rows] a[href$='{site.numbers['parcel']}']")
    await page.keyboard.press("u")
    await page.wait_for_url("**/desk/board?did=urge")

    assert done == ["已确认升级。", "已同意延期。", "已定性，系统会从中学习。"]
    case = await site.ask("GET", f"/followup/v1/cases/{site.numbers['parcel']}")
    assert case["urged"] == 1


async def test_what_one_person_does_shows_on_the_screen_of_another_without_reload(
    site: Site,
) -> None:
    number = site.numbers["parcel"]
    watching = await site.open("supervisor", width="desktop", language="zh")
    await watching.goto(f"{site.url}/desk/cases/{number}")
    page = await site.open("handler", width="desktop", language="zh")
    await page.goto(f"{site.url}/desk/cases/{number}")

    await watching.wait_for_selector("#people-here:not(:empty)")
    await site.command(number, "accept")
    await watching.wait_for_selector(".tag.state:text-is('已受理')")

    assert "客服小安" in await watching.inner_text("#people-here")
    assert "客服主管" in await page.inner_text("#people-here")


async def test_a_caller_records_the_outcome_in_one_click(site: Site) -> None:
    page = await site.open("caller", width="desktop", language="zh")
    await page.goto(f"{site.url}/desk/callbacks")
    await page.click("button[value$='/satisfied']")

    assert await page.inner_text(".done") == "已记录：满意。"


async def test_hostile_text_is_text_on_every_screen(site: Site) -> None:
    person = {"name": HOSTILE, "contacts": [{"type": "email", "value": "a@example.com"}]}
    more = {
        "subject": HOSTILE,
        "remedy_sought": HOSTILE,
        "product": HOSTILE,
        "shop": HOSTILE,
        "complainant": person,
    }
    await site.complain("hostile", HOSTILE, **more)
    number, code = site.numbers["hostile"], site.codes["hostile"]
    await site.until(f"/followup/v1/cases/{number}", lambda case: case["number"])
    await site.command(number, "note", {"text": HOSTILE})
    page = await site.open("supervisor", width="desktop", language="zh")
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on(
        "console", lambda message: said.append(message.text) if message.type == "error" else None
    )

    for path in (f"cases/{number}", f"cases/{number}/more", "board", "queue"):
        await page.goto(f"{site.url}/desk/{path}")
        assert await page.query_selector("main img, main script") is None
    await page.goto(f"{site.url}/desk/cases/{number}")
    await page.click("[data-part] button")
    await page.wait_for_selector(".people dl")
    await page.goto(f"{site.url}/portal/follow")
    await page.fill("[name=number]", number)
    await page.fill("[name=code]", code)
    await page.click("main button.main")
    assert await page.query_selector("main img, main script") is None

    assert said == []


async def test_a_first_view_weighs_under_100_kb(site: Site) -> None:
    page = await site.open(None, width="phone", language="zh")
    await page.goto(f"{site.url}/portal/complain")
    await page.wait_for_load_state("networkidle")
    weights = await page.evaluate(
        "performance.getEntries().filter((one) => 'transferSize' in one).map((one) => one.transferSize)"
    )

    assert len(weights) >= 3
    assert sum(weights) < FIRST_VIEW
