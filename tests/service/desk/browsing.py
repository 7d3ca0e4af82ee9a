"""A browser without a screen: keeps cookies, reads pages, fills forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
from selectolax.lexbor import LexborHTMLParser, LexborNode

if TYPE_CHECKING:
    from tests.world import World


class Shown:
    """A page that was answered."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.headers = answer.headers
        self.html = answer.text
        self.size = len(answer.content)
        self.tree = LexborHTMLParser(answer.text)

    def one(self, selector: str) -> LexborNode:
        found = self.tree.css_first(selector)
        assert found is not None, f"no {selector} on the page"
        return found

    def all(self, selector: str) -> list[LexborNode]:
        return list(self.tree.css(selector))

    @property
    def text(self) -> str:
        return " ".join(self.one("main").text(separator=" ").split())

    def fields(self, action: str) -> dict[str, str]:
        """What a form holds as it is."""
        form = self.one(f'form[action="{action}"]')
        found = {}
        for each in form.css("input, textarea, select"):
            attributes = each.attributes
            name = attributes.get("name")
            if name is None or (
                attributes.get("type") == "checkbox" and "checked" not in attributes
            ):
                continue
            if each.tag == "select":
                chosen = each.css_first("option[selected]") or each.css_first("option")
                found[name] = (chosen.attributes.get("value") or "") if chosen else ""
            elif each.tag == "textarea":
                found[name] = each.text().removeprefix("\n")
            else:
                found[name] = attributes.get("value") or ""
        return found


class Browser:
    """Visits the pages of a world."""

    def __init__(self, world: World, language: str = "zh") -> None:
        self.world = world
        self.client = httpx.AsyncClient(
            transport=world.client._transport,
            base_url="http://redress.test",
            headers={"Accept-Language": language},
        )

    async def sign_in(self, role: str, to: str = "") -> httpx.Response:
        password = self.world.first_run["accounts"][role]["password"]
        form = {"login": role, "password": password, "to": to}
        return await self.client.post("/desk/login", data=form)

    async def get(self, path: str) -> Shown:
        return Shown(await self.client.get(path, follow_redirects=True))

    async def send(self, page: Shown, action: str, **typed: Any) -> Shown:
        """Fill a form of a page and send it."""
        form = page.fields(action) | typed
        return Shown(await self.client.post(action, data=form, follow_redirects=True))
