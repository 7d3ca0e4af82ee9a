"""A bulletin reaches every member once, in their language, behind every single message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import select, update

from services.notify.model import Traits
from services.notify.sender import AT_ONCE
from services.notify.store import MESSAGES
from services.notify.usecases import bulletins
from shared.contracts.envelope import PREFIX, Event, source_name
from shared.contracts.incidents import IncidentBulletin
from shared.ids import new_id
from tests.service.notify.test_ways import Provider
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.notify.sender import Spreader

pytestmark = pytest.mark.asyncio(loop_scope="module")
MEMBERS = 1_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One world for all: each bulletin has an incident of its own."""
    async with open_world(tmp_path_factory.mktemp("bulletins")) as opened:
        yield opened


class Members(httpx.AsyncBaseTransport):
    """Followup's route of an incident's members, page by page, as its contract says; away where it is told."""

    def __init__(self, members: list[dict[str, Any]]) -> None:
        self.members = members
        self.away = 0
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.away:
            self.away -= 1
            raise httpx.ConnectError("refused")
        start = int(request.url.params.get("after", "0"))
        end = start + int(request.url.params["limit"])
        more = str(end) if end < len(self.members) else None
        return httpx.Response(200, json={"items": self.members[start:end], "next": more})


def member(world: World, at: int) -> dict[str, Any]:
    pack, version = world.policy.in_force(world.policy.root, world.clock.now())
    return {
        "complaint": new_id(), "number": f"{at:04}-0000-000", "unit": world.policy.root, "cycle": 1,
        "complainant_id": new_id(), "language": "zh" if at % 2 else "en", "pack": pack, "pack_version": version,
    }  # fmt: skip


def spreader(world: World, members: Members) -> Spreader:
    found = world.spreader()
    found._client = httpx.AsyncClient(transport=members, base_url="http://followup")
    return found


async def bulletin(world: World) -> str:
    """A bulletin is said."""
    id_, now = new_id(), world.clock.now()
    body = IncidentBulletin(
        incident_id=new_id(), bulletin_id=id_, zh="9号楼电梯已停用检修", en="The lift is being repaired",
        said_at=now,
    )  # fmt: skip
    event = Event(
        id=new_id(), source=source_name("followup"), type=PREFIX + body.name, subject=body.incident_id, sequence=1,
        unit=world.policy.root, time=now, body=body,
    )  # fmt: skip
    notify = world.service("notify").service
    await notify.database.run(lambda tx: bulletins.on_bulletin(event, tx, notify.context))
    return id_


async def copies(world: World, id_: str) -> list[Any]:
    query = select(MESSAGES).where(MESSAGES.c.purpose == f"bulletin.{id_}")
    async with world.service("notify").service.database.reading() as connection:
        return list((await connection.execute(query)).all())


@pytest.mark.req("R-100")
async def test_a_thousand_members_are_planned_for_once_whatever_is_away_or_repeated(
    world: World,
) -> None:
    members = Members([member(world, at) for at in range(MEMBERS)])
    members.away = 2
    found = spreader(world, members)
    id_ = await bulletin(world)
    await bulletins_are_spread(world, found)

    planned = await copies(world, id_)
    assert {one.complaint for one in planned} == {one["complaint"] for one in members.members}
    assert len(planned) == MEMBERS
    assert {one.lane for one in planned} == {2}
    assert {one.language for one in planned} == {"zh", "en"}
    assert members.asked[-1].headers["authorization"].startswith("Bearer ")
    # Who joined the incident twice, or a page that is fetched again, brings nobody a second copy.
    notify = world.service("notify").service
    row = type("Row", (), {
        "id": id_, "after": None, "letter": "bulletin", "variables": {}, "is_danger": 0,
    })()  # fmt: skip
    again = await notify.database.run(
        lambda tx: bulletins.plan_page(tx, notify.context, row, members.members[:9], after=None)
    )
    assert again == 0
    assert len(await copies(world, id_)) == MEMBERS


async def bulletins_are_spread(world: World, found: Spreader) -> None:
    from datetime import timedelta

    for _ in range(20):
        world.clock.advance(timedelta(seconds=6))
        await found.spread_due()


async def test_an_acknowledgement_goes_before_a_bulletin_that_was_there_first(world: World) -> None:
    mail = Provider("email", Traits("email", form="mail", rings=False), "accepted")
    world.sender()._channels = {"email": mail}
    notify = world.service("notify").service.database
    await notify.run(
        lambda tx: tx.execute(update(MESSAGES).values(state="cancelled", next_at=None))
    )
    made = [await world.complain("客服态度差，我要投诉") for _ in range(9)]
    await world.settle()
    mail.got.clear()
    # The nine are members too: the vault knows where they are reached.
    shown = [(await world.get(f"/intake/v1/complaints/{one['number']}")).json() for one in made]
    people = [
        member(world, at)
        | {"complaint": one["id"], "number": one["number"], "complainant_id": of["complainant_id"]}
        for at, (one, of) in enumerate(zip(made, shown, strict=True))
    ]
    found = spreader(world, Members(people))
    await bulletin(world)
    await found.spread_due()
    late = await world.complain("客服态度差，我要投诉")
    for _ in range(4):
        for one in world.hosted:
            await world._relay(one)
            await world._consume(one)
    await world.sender().send_due()

    numbers = [one.number for one in mail.got if one.to == "customer@example.com"]
    # So many are in work at once; by the order of planning it would be the last.
    assert numbers.index(late["number"]) < AT_ONCE < len(people)
    assert len(numbers) == 1 + len(people)
