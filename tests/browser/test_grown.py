"""The same screens on Kafka and PostgreSQL: a customer, a handler, a supervisor who watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.site import open_site

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.browser


async def test_a_complaint_goes_from_the_portal_to_a_handler_and_shows_at_the_supervisors(
    tmp_path: Path, kafka_broker: str, postgres_databases: str
) -> None:
    engines = {"REDRESS_BUS": f"kafka://{kafka_broker}", "REDRESS_DATABASE": postgres_databases}
    async with open_site(tmp_path, **engines) as site:
        customer = await site.open(None, width="phone", language="en", java_script_enabled=False)
        await customer.goto(f"{site.url}/portal/complain")
        await customer.fill("#text", "The parcel never arrived")
        await customer.click("main button.main")
        number, code = [await one.inner_text() for one in await customer.query_selector_all(".big")]
        await site.has_handler(number)
        watching = await site.open("supervisor", width="desktop", language="en")
        await site.look(watching, "board-grown", "/desk/board")
        await watching.goto(f"{site.url}/desk/cases/{number}")
        handler = await site.open("handler", width="desktop", language="en")
        await site.look(handler, "case-grown", f"/desk/cases/{number}")

        await watching.wait_for_selector("#people-here:not(:empty)")
        await handler.click(".next button.main")
        await handler.wait_for_selector(".done")
        await watching.wait_for_selector(".tag.state:text-is('Accepted')")
        await customer.goto(f"{site.url}/portal/follow")
        await customer.fill("[name=number]", number)
        await customer.fill("[name=code]", code)
        await customer.click("main button.main")

        assert len(await customer.query_selector_all(".steps li")) == 4
