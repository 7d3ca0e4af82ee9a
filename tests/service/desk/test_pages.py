"""The screens over the real services in process."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from services.desk.policy.getting_in import PAGES
from tests.service.desk.browsing import Browser

if TYPE_CHECKING:
    from tests.world import World

HOSTILE = (
    """<script>alert(1)</script>"><img src=x onerror=alert(1)>'{{7*7}}</textarea></title>\u202ejs"""
)


async def test_staff_sign_in_and_come_to_the_page_that_they_wanted(world: World) -> None:
    browser = Browser(world)

    asked = await browser.client.get("/desk/queue?lang=en")
    answer = await browser.sign_in("handler", to="/desk/queue?lang=en")
    page = await browser.get("/desk/queue")

    assert asked.headers["location"] == "/desk/login?to=%2Fdesk%2Fqueue%3Flang%3Den"
    assert answer.headers["location"] == "/desk/queue?lang=en"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=lax" in answer.headers["set-cookie"]
    assert page.status == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    elsewhere = await Browser(world).sign_in("handler", to="//evil.example/")
    assert elsewhere.headers["location"] == "/desk/queue"


async def test_wrong_passwords_in_a_row_make_the_next_try_wait_even_with_the_right_one(
    world: World,
) -> None:
    browser = Browser(world)
    wrong = {"login": "handler", "password": "no", "to": ""}
    statuses = [(await browser.client.post("/desk/login", data=wrong)).status_code for _ in "12345"]

    blocked = await browser.sign_in("handler")
    world.clock.advance(timedelta(seconds=31))
    let_in = await browser.sign_in("handler")

    assert statuses == [401] * 5
    assert blocked.status_code == 429
    assert let_in.status_code == 303


async def test_each_role_opens_its_own_pages_and_no_others(world: World) -> None:
    made = await world.complain()
    await world.settle()
    menu = [page for page in PAGES if page != "people"]
    paths = {page: f"/desk/{page}" for page in menu} | {"case": f"/desk/cases/{made['number']}"}
    roles = list(world.first_run["accounts"])

    found = {}
    for role in roles:
        browser = Browser(world)
        await browser.sign_in(role)
        for page, path in paths.items():
            found[role, page] = (await browser.client.get(path)).status_code

    wanted = {(role, page): 200 if role in PAGES[page] else 403 for role in roles for page in menu}
    assert found == wanted


@pytest.mark.req("R-027")
async def test_a_case_shows_words_promises_deadlines_questions_and_one_next_action_in_three_calls(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await world.complain("空调坏了，没人来修", remedy_sought="今天修好")
    await world.settle()
    browser = Browser(world)
    await browser.sign_in("handler")
    queue = await browser.get("/desk/queue")
    asked: list[str] = []
    peers = world.service("desk").service.context
    ask = peers.client.request

    async def counted(method: str, url: str, **more: object) -> httpx.Response:
        asked.append(url)
        answer: httpx.Response = await ask(method, url, **more)
        return answer

    monkeypatch.setattr(peers.client, "request", counted)
    page = await browser.get(f"/desk/cases/{made['number']}")

    assert made["number"] in queue.text
    assert len(asked) <= 3
    assert page.one(".words .said").text() == "空调坏了，没人来修"
    assert len(page.all(".next .lead")) == 1
    assert page.all(".clock.calm .shape.calm")
    assert page.all(".questions li")
    accepted = await browser.send(page, f"/desk/cases/{made['number']}/do/accept")
    assert accepted.status == 200
    assert "受理" in accepted.one(".done").text()
    assert any("尚未" in one.text() for one in accepted.all(".lacking summary small"))


async def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_is_kept(
    world: World,
) -> None:
    made = await world.complain()
    await world.settle()
    browser = Browser(world)
    await browser.sign_in("handler")
    page = await browser.get(f"/desk/cases/{made['number']}")
    action = f"/desk/cases/{made['number']}/do/contact"

    refused = await browser.send(
        page, action, **{"promised.what": "明天上门", "promised.by": "2020-01-01T10:00"}
    )

    assert refused.status == 422
    assert refused.fields(action)["promised.what"] == "明天上门"
    field = refused.one(f'form[action="{action}"] [name="promised.by"]')
    assert field.attributes["aria-invalid"] == "true"
    assert "晚于现在" in refused.one(f"[id='{field.attributes['aria-describedby']}']").text()


async def test_a_form_sent_after_the_session_was_over_comes_back_with_its_content(
    world: World,
) -> None:
    made = await world.complain()
    await world.settle()
    browser = Browser(world)
    await browser.sign_in("handler")
    page = await browser.get(f"/desk/cases/{made['number']}")
    action = f"/desk/cases/{made['number']}/do/note"
    await world.advance(timedelta(minutes=16))

    door = await browser.send(page, action, text=HOSTILE)
    password = world.first_run["accounts"]["handler"]["password"]
    back = await browser.send(door, "/desk/login", login="handler", password=password)

    assert door.status == 401
    assert back.status == 200
    assert back.fields(action)["text"] == HOSTILE
    assert (await browser.send(back, action)).status == 200


async def test_a_form_without_its_sessions_token_or_from_another_site_does_nothing(
    world: World,
) -> None:
    made = await world.complain()
    await world.settle()
    browser = Browser(world)
    await browser.sign_in("handler")
    page = await browser.get(f"/desk/cases/{made['number']}")
    action = f"/desk/cases/{made['number']}/do/accept"

    forged = await browser.send(page, action, _csrf="x")
    foreign = await browser.client.post(
        action, data=page.fields(action), headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert not forged.all(".done")
    assert foreign.status_code == 403
    case = (await world.get(f"/followup/v1/cases/{made['number']}")).json()
    assert case["state"] == "assigned"


async def test_hostile_text_is_text_on_every_page(world: World) -> None:
    contacts = [{"type": "email", "value": "a@example.com"}]
    made = await world.complain(
        HOSTILE, subject=HOSTILE, remedy_sought=HOSTILE, product=HOSTILE,
        complainant={"name": HOSTILE, "contacts": contacts},
    )  # fmt: skip
    await world.settle()
    browser, number = Browser(world), made["number"]
    await browser.sign_in("supervisor")
    case = await browser.get(f"/desk/cases/{number}")
    await browser.send(case, f"/desk/cases/{number}/do/note", text=HOSTILE)
    pages = [await browser.get(f"/desk/cases/{number}{part}") for part in ("", "/more")]
    pages.append(await browser.send(case, f"/desk/cases/{number}/people"))
    pages += [await browser.get(path) for path in ("/desk/board", f"/desk/new?phone={HOSTILE}")]
    pages.append(await browser.get(f"/desk/login?to={HOSTILE}"))
    pages.append(await browser.get(f"/portal/follow?number={HOSTILE}"))
    portal = await browser.get("/portal/complain")
    pages.append(await browser.send(portal, "/portal/complain", text="", contact=HOSTILE))

    for page in pages:
        assert page.status in (200, 422)
        assert [one.attributes.get("src") for one in page.all("script")][1:] == []
        assert page.all("img") == []
        assert page.all("[onerror], [style], style") == []
    assert HOSTILE.partition("\u202e")[0] in pages[0].one(".words .said").text()


async def test_the_case_of_another_unit_does_not_exist(world: World) -> None:
    body = {"id": "north", "title_zh": "北区"}
    assert (await world.post("/desk/v1/units", body)).status_code == 201
    await world.settle()
    account = {"login": "li", "display": "小李", "role": "handler", "unit": "north", "password": "long-enough-password"}  # fmt: skip
    assert (await world.post("/desk/v1/accounts", account)).status_code == 201
    made = await world.complain()
    await world.settle()
    browser = Browser(world)
    await browser.client.post("/desk/login", data={"login": "li", "password": "long-enough-password", "to": ""})  # fmt: skip

    page = await browser.get(f"/desk/cases/{made['number']}")
    never = await browser.get("/desk/cases/0000-0000-000")

    assert page.status == never.status == 404
    assert made["number"] not in page.text.replace(made["number"], "", 1)


async def test_a_service_that_is_away_leaves_its_part_out_and_the_rest_works(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await world.complain()
    await world.settle()
    browser = Browser(world)
    await browser.sign_in("handler")
    peers = world.service("desk").service.context
    ask = peers.client.request

    async def without_routing(method: str, url: str, **more: object) -> httpx.Response:
        if "/routing/" in url:
            raise httpx.ConnectError("refused")
        answer: httpx.Response = await ask(method, url, **more)
        return answer

    monkeypatch.setattr(peers.client, "request", without_routing)
    page = await browser.get(f"/desk/cases/{made['number']}")

    assert page.status == 200
    assert "派单服务暂时无法使用" in page.text
    assert page.all(".words .said")


@pytest.mark.req("R-004")
async def test_a_caller_is_taken_in_with_two_fields_and_known_the_next_time(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("handler")
    form = await browser.get("/desk/new?phone=13800138000&call_id=call-1")

    done = await browser.send(form, "/desk/new", text="电表坏了，一直没人来修")
    await world.settle()
    known = await browser.get("/desk/new?phone=13800138000")
    number = done.one(".big.number").text()

    assert done.status == 200
    assert len(done.all("section[aria-labelledby=ask] li")) > 2
    assert number in known.one("#caller").text()
    assert (await browser.get(f"/desk/cases/{number}")).status == 200


@pytest.mark.req("R-063")
@pytest.mark.req("R-098")
async def test_a_customer_complains_with_two_fields_follows_in_four_steps_and_adds(
    world: World,
) -> None:
    browser = Browser(world)
    form = await browser.get("/portal/complain")
    done = await browser.send(form, "/portal/complain", text="快递丢了", contact="a@example.com")
    await world.settle()
    again = await browser.send(form, "/portal/complain", text="快递丢了", contact="a@example.com")

    status = await browser.send(done, "/portal/follow")
    added = await browser.send(status, "/portal/do/add", text="还是没有找到")
    await world.settle()
    wrong = await browser.send(
        await browser.get("/portal/follow"), "/portal/follow",
        number=done.one(".big.number").text(), code="AAAA-AAAA-AAAA-AAAA",
    )  # fmt: skip

    assert again.one(".big.number").text() == done.one(".big.number").text()
    assert len(status.all(".steps li")) == 4
    assert added.one(".done").text() == "已收到，谢谢。"
    assert wrong.status == 404
    assert wrong.all("[role=alert]")


@pytest.mark.req("R-010")
async def test_the_portal_tells_ways_hours_and_promised_times_in_both_languages(
    world: World,
) -> None:
    zh = await Browser(world).get("/portal")
    en = await Browser(world, "en").get("/portal")

    assert "我们的承诺" in zh.text
    assert "What we promise" in en.text
    assert len(zh.all("tbody tr")) == len(en.all("tbody tr")) > 5


async def test_a_supervisor_sees_the_board_and_gives_cases_to_others(world: World) -> None:
    made = await world.complain()
    account = {
        "login": "li",
        "display": "小李",
        "role": "handler",
        "password": "long-enough-password",
    }
    other = (await world.post("/desk/v1/accounts", account)).json()["id"]
    await world.settle()
    browser = Browser(world)
    await browser.sign_in("supervisor")
    board = await browser.get("/desk/board")

    nothing = await browser.send(board, "/desk/board/move", reason="")
    moved = await browser.send(
        board,
        "/desk/board/move",
        handler=other,
        reason="换人处理",
        **{f"number.{made['number']}": "1"},
    )
    decision = (await world.get(f"/routing/v1/decisions/{made['number']}")).json()

    assert made["number"] in board.text
    assert nothing.status == 422
    assert moved.status == 200, moved.text
    assert decision["handler"] == other
    assert "已改派 1 件" in moved.one(".done").text()


async def test_a_first_view_weighs_under_100_kb_and_files_are_kept_for_ever(world: World) -> None:
    made = await world.complain()
    await world.settle()
    browser = Browser(world)
    await browser.sign_in("handler")
    page = await browser.get(f"/desk/cases/{made['number']}")
    links = [one.attributes["href"] for one in page.all("link")] + [
        page.one("script").attributes["src"]
    ]

    answers = [await browser.client.get(str(link)) for link in links]

    assert page.size + sum(len(one.content) for one in answers) < 100_000
    assert {one.headers["cache-control"] for one in answers} == {
        "public, max-age=31536000, immutable"
    }
