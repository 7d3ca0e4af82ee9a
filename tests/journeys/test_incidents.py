"""An incident through followup and notify: each member hears each bulletin once, and the result by itself."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from services.notify.store import MESSAGES
from shared.bus.port import Message
from shared.contracts.catalogue import TOPICS
from shared.contracts.envelope import PREFIX, Event, encode, source_name
from shared.contracts.insight import WarningRaised
from shared.ids import new_id
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import httpx

TITLE = {"zh": "台区停电", "en": "An outage of one transformer"}
PEOPLE = 6
Act = tuple[str, int]


async def ask(world: World, incident: str, name: str, body: object = None) -> httpx.Response:
    path = f"/followup/v1/incidents/{incident}/commands/{name}"
    return await world.post(path, body or {}, **{"If-Match": "*"})


async def done(world: World, incident: str, name: str, body: object = None) -> dict[str, Any]:
    answer = await ask(world, incident, name, body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def copies(world: World) -> Counter[tuple[str, str]]:
    """How many messages there are by bulletin and number."""
    query = select(MESSAGES.c.purpose, MESSAGES.c.number).where(
        MESSAGES.c.purpose.startswith("bulletin.")
    )
    async with world.service("notify").service.database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return Counter((row.purpose.removeprefix("bulletin."), row.number) for row in rows)


async def warn(world: World, *complaints: str) -> None:
    """What insight will say, put into its topic."""
    pack, version = world.policy.in_force(world.policy.root, world.clock.now())
    body = WarningRaised(
        warning_id=new_id(), rule="EW-1", measure="count", shared={"area": "330106"}, complaints=complaints,
        count=len(complaints), rule_zh=TITLE["zh"], rule_en=TITLE["en"], pack=pack, pack_version=version,
        raised_at=world.clock.now(),
    )  # fmt: skip
    event = Event(
        id=new_id(), source=source_name("insight"), type=PREFIX + body.name, subject=body.warning_id, sequence=1,
        unit=world.policy.root, time=world.clock.now(), body=body,
    )  # fmt: skip
    await world.bus.publish(TOPICS["insight"], [Message(event.subject, encode(event))])


async def settled(world: World) -> None:
    """Let all be said and planned; the spreader looks again a little later."""
    for _ in range(2):
        await world.settle(rounds=200)
        world.clock.advance(timedelta(seconds=6))


@pytest.mark.req("R-100", "R-127")
async def test_an_outage_from_its_warning_to_its_report(world: World) -> None:
    text = "整栋楼没电一个多小时了，打了报修没人来修"
    area = {"location": {"area": "330106"}}
    made = [await world.complain(f"{text}（{at}）", **area) for at in range(5)]
    made.append(await world.complain("No power in the whole building.", language="en", **area))
    await world.settle(rounds=200)
    await warn(world, *(one["id"] for one in made[:5]))
    await settled(world)
    [found] = (await world.get("/followup/v1/incidents?open=true")).json()["items"]
    id_ = found["id"]
    assert found["members"] == 5
    await done(world, id_, "attach", {"numbers": [made[5]["number"]]})
    await done(world, id_, "tell", {"zh": "线路故障，正在抢修", "en": "The line is being repaired"})
    await settled(world)
    late = await world.complain(f"{text}（又一位）", **area)
    await settled(world)

    numbers = [one["number"] for one in (*made, late)]
    assert sorted(number for _, number in await copies(world)) == sorted(numbers)
    assert set((await copies(world)).values()) == {1}
    query = select(MESSAGES.c.number, MESSAGES.c.language).where(MESSAGES.c.letter == "bulletin")
    async with world.service("notify").service.database.reading() as connection:
        languages = {row.number: row.language for row in await connection.execute(query)}
    assert languages[made[5]["number"]] == "en"
    assert languages[late["number"]] == "zh"
    [account] = [one.id for one in world.policy.accounts.values() if one.role == "supervisor"]
    await done(world, id_, "form_team", {"lead": account})
    told = {"outcome": "upheld", "reason": "大风刮断线路", "remedy": "已恢复供电"}
    await done(world, id_, "solve", told | {"told_at": world.clock.now().isoformat()})
    await settled(world)
    await done(
        world, id_, "find_cause", {"code": "equipment", "text": "线路", "preliminary": False}
    )
    await done(world, id_, "close", {"summary": "大风刮断线路"})
    await settled(world)

    for number in numbers:
        case = (await world.get(f"/followup/v1/cases/{number}")).json()
        assert (case["state"], case["outcome"]) == ("resolved", "upheld"), number
        assert case["incident"]["state"] == "closed"
    query = select(MESSAGES.c.number).where(MESSAGES.c.purpose == "resolved")
    async with world.service("notify").service.database.reading() as connection:
        results = [row.number for row in await connection.execute(query)]
    assert sorted(results) == sorted(numbers)


class Town:
    """People who complained, and an incident that they join and leave, one after another in one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.numbers: list[str] = []

    async def begin(self) -> None:
        made = [await self.world.complain(f"第{at}户停电") for at in range(PEOPLE)]
        await self.world.settle(rounds=200)
        self.numbers = [one["number"] for one in made]
        accounts = self.world.policy.accounts.values()
        [self.lead] = [one.id for one in accounts if one.role == "supervisor"]

    async def play(self, acts: Sequence[Act]) -> None:
        """Do it all, and hold what people were told against who was a member when."""
        self.incident = (await self.world.post("/followup/v1/incidents", TITLE)).json()["id"]
        await self._ask("form_team", {"lead": self.lead})
        self.inside: set[str] = set()
        self.ever: set[str] = set()
        self.due: dict[str, set[str]] = {}
        """By bulletin: who was in when it was said, or came while it was the last."""
        for name, at in acts:
            await getattr(self, name)(self.numbers[at])
        await settled(self.world)
        await self._check()
        await self._ask("detach", {"numbers": self.numbers, "reason": "下一个"})

    async def join(self, number: str) -> None:
        if await self._ask("attach", {"numbers": [number]}):
            self.inside.add(number)
            self.ever.add(number)
            for people in list(self.due.values())[-1:]:
                people.add(number)

    async def leave(self, number: str) -> None:
        if await self._ask("detach", {"numbers": [number], "reason": "另一原因"}):
            self.inside.discard(number)

    async def tell(self, _: str) -> None:
        if await self._ask("tell", {"zh": "抢修中", "en": "Under repair"}):
            page = await self.world.get(f"/followup/v1/incidents/{self.incident}/bulletins")
            self.due[page.json()["items"][0]["id"]] = set(self.inside)

    async def settle(self, _: str) -> None:
        await settled(self.world)

    async def solve(self, _: str) -> None:
        told = {"outcome": "upheld", "reason": "线路故障", "remedy": "已恢复"}
        await self._ask("solve", told | {"told_at": self.world.clock.now().isoformat()})

    async def close(self, _: str) -> None:
        cause = {"code": "equipment", "text": "线路", "preliminary": False}
        await self._ask("find_cause", cause)
        await self._ask("close", {"summary": "线路故障"})

    async def _ask(self, name: str, body: object) -> bool:
        """Whether it could be done: when it is closed, nothing can."""
        answer = await ask(self.world, self.incident, name, body)
        assert answer.status_code in (200, 409), answer.text
        return answer.is_success

    async def _check(self) -> None:
        found = await copies(self.world)
        for bulletin, people in self.due.items():
            told = {number: found[bulletin, number] for number in self.numbers}
            assert set(told.values()) <= {0, 1}
            assert {number for number in people & self.inside if not told[number]} == set()
            assert {number for number in set(self.numbers) - self.ever if told[number]} == set()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["join", "join", "leave", "tell", "tell", "settle", "solve", "close"]),
            st.integers(0, PEOPLE - 1),
        ),
        max_size=14,
    )
)
@settings(
    max_examples=12, deadline=None, database=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_whoever_joins_leaves_and_is_told_in_whatever_order_hears_each_bulletin_once(
    town: tuple[asyncio.Runner, Town], acts: list[Act]
) -> None:
    runner, people = town
    runner.run(people.play(acts))


@pytest.fixture(scope="module")
def town(
    seeded_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[asyncio.Runner, Town]]:
    """One world for all examples: each has an incident of its own."""
    folder = tmp_path_factory.mktemp("town")
    shutil.copytree(seeded_folder, folder, dirs_exist_ok=True)
    with asyncio.Runner() as runner:
        opened = open_world(folder)
        world = runner.run(opened.__aenter__())
        world.reads_policy = False
        people = Town(world)
        runner.run(people.begin())
        yield runner, people
        runner.run(opened.__aexit__(None, None, None))
