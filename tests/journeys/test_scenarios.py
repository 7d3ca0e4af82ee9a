"""The 24 scenarios of six trades through the whole system, on one timeline, to their states, clocks and outcomes.

They come in by intake's API, each for its trade's unit; routing understands and assigns them; followup's commands do
the rest. Only the test's clock moves time, from one deadline or step to the next.
"""

from __future__ import annotations

import heapq
import shutil
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from services.followup.store import find
from shared.contracts.envelope import encode
from shared.contracts.followup import CaseBody, CaseClosed, CaseOpened
from shared.contracts.notify import MessageAccepted
from shared.contracts.remedies import RemedyPayoutRequested
from shared.packs.load import shipped_folder
from tests import engines
from tests.journeys.money import LATER, MONEY, with_money
from tests.journeys.scenarios import SCENARIOS as ROWS
from tests.journeys.scenarios import Scenario, Step
from tests.world import World, open_world

if TYPE_CHECKING:
    from pathlib import Path

    from shared.contracts.envelope import Event

IN_PART = ("visit_in", "due_in", "roles", "by_in", "days_ago")
CALLED = ("callback", "check_back")
SCENARIOS = tuple(with_money(one) for one in ROWS)
PASSWORD = "long enough password"
MOST_STEPS = 60
"""So many of the world's steps are enough for a complaint to be acknowledged."""


@dataclass
class Told:
    """What came of one scenario."""

    scenario: Scenario
    number: str = ""
    first: dict[str, Any] = field(default_factory=dict)
    """The case when its owner had it, before anybody did anything."""
    understood: dict[str, Any] = field(default_factory=dict)
    case: dict[str, Any] = field(default_factory=dict)
    said: list[CaseBody] = field(default_factory=list)


@dataclass
class Timeline:
    """All scenarios in one world."""

    world: World
    told: dict[str, Told] = field(default_factory=dict)
    staff: dict[str, str] = field(default_factory=dict)
    """Accounts by login."""
    waiting: list[tuple[datetime, int, int]] = field(default_factory=list)
    """When which scenario goes on with which of its steps."""

    async def begin(self) -> None:
        """Give each trade a unit with its pack in force and a handler, and all of them a supervisor."""
        packs = list(dict.fromkeys(one.pack for one in SCENARIOS))
        for pack in packs:
            unit = {"id": pack, "title_zh": pack, "title_en": pack}
            await self._put("post", "/desk/v1/units", unit)
            files = {
                one.name: one.read_text()
                for one in (shipped_folder() / pack).glob("*.yaml")
                if one.name != "examples.yaml"  # learning is not what this shows
            }
            await self._put("post", "/desk/v1/packs", {"folder": pack, "files": files})
        await self.world.settle()
        for pack in packs:
            in_force = {"pack": pack, "version": "1.0", "reason": "开业"}
            await self._put("put", f"/desk/v1/in-force/{pack}", in_force)
            self.staff[f"an-{pack}"] = await self._account(f"an-{pack}", "handler", pack)
        self.staff["su"] = await self._account("su", "supervisor", "root")
        await self.world.settle()
        self.world.reads_policy = False  # nothing is said about it any more
        for place, one in enumerate(SCENARIOS):
            heapq.heappush(self.waiting, (datetime.fromisoformat(one.at), place, -1))

    async def _put(self, method: str, path: str, body: object) -> Any:
        answer = await self.world.client.request(
            method, path, json=body, headers=self.world.headers()
        )
        assert answer.is_success, answer.text
        return answer.json()

    async def _account(self, login: str, role: str, unit: str) -> str:
        body = {"login": login, "display": login, "role": role, "unit": unit, "password": PASSWORD}
        made: str = (await self._put("post", "/desk/v1/accounts", body))["id"]
        return made

    def _as(self, login: str) -> dict[str, str]:
        account = self.world.policy.accounts[self.staff[login]]
        return {"Authorization": f"Bearer {self.world.environment.guard.staff_token(account)}"}

    async def play(self) -> None:
        """Do everything in its order of time. What is said meanwhile is heard by and by: nobody waits for it."""
        while self.waiting:
            at, place, step = heapq.heappop(self.waiting)
            await self._pass_time(at)
            scenario = SCENARIOS[place]
            if step < 0:
                await self._arrive(scenario)
            else:
                await self._take(self.told[scenario.id], scenario.steps[step])
            if step + 1 == len(scenario.steps):
                continue
            next_at = await self._next_at(self.told[scenario.id], scenario.steps[step + 1])
            heapq.heappush(self.waiting, (next_at, place, step + 1))
        await self.world.settle(rounds=200)
        for one in self.told.values():
            one.case = await self._case(one)
        for event in await self.world.said("followup"):
            if isinstance(event.body, CaseBody):
                number = event.body.number
                next(one for one in self.told.values() if one.number == number).said.append(
                    event.body
                )

    async def _pass_time(self, to: datetime) -> None:
        """Let the clock come to each of followup's deadlines on the way, as it would by itself."""
        followup = self.world.service("followup")
        table = followup.service.database.frame.timers
        first = select(func.min(table.c.due_at)).where(table.c.state == "armed")
        while True:
            async with followup.service.database.reading() as connection:
                due = (await connection.execute(first)).scalar_one()
            if due is None or due > to:
                break
            self._move(due)
            await followup.timers.fire_due()
        self._move(to)

    def _move(self, to: datetime) -> None:
        now = self.world.clock.now()
        if to > now:
            self.world.clock.advance(to - now)

    async def _arrive(self, one: Scenario) -> None:
        made = await self.world.complain(
            one.text, unit=one.pack, channel=one.channel, language=one.language
        )
        told = self.told[one.id] = Told(one, made["number"])
        for _ in range(MOST_STEPS):
            await self.world._step()
            told.first = await self._case(told)
            if told.first.get("owner", {}).get("handler") and _is_acknowledged(told.first):
                break
        path = f"/routing/v1/decisions/{told.number}"
        told.understood = (await self.world.get(path)).json()

    async def _case(self, told: Told) -> dict[str, Any]:
        answer = await self.world.get(f"/followup/v1/cases/{told.number}")
        found: dict[str, Any] = answer.json()
        return found

    async def _next_at(self, told: Told, step: Step) -> datetime:
        """When the next step is taken: a call when the customer is to be called."""
        after, name, _, _ = step
        now = self.world.clock.now()
        if name not in CALLED:
            return now + after
        database = self.world.service("followup").service.database
        async with database.reading() as connection:
            row = await find(connection, told.number)
        assert row is not None
        call_at: datetime | None = row.call_at
        return max(now, call_at) if call_at else now

    async def _take(self, told: Told, step: Step) -> None:
        _, name, body, who = step
        scenario, now = told.scenario, self.world.clock.now()
        staff = f"an-{scenario.pack}" if who == "an" else who
        headers = self._as(staff) if staff else self.world.headers()
        answer = await self.world.client.post(
            f"/followup/v1/cases/{told.number}/commands/{name}",
            json=body_of(now, name, body | _reference(body, told.number)), headers=headers | {"If-Match": "*"},
        )  # fmt: skip
        assert answer.status_code == 200, f"{scenario.id} {name}: {answer.text}"


def _reference(body: dict[str, Any], number: str) -> dict[str, str]:
    """The payment's reference, which has the case's number in it."""
    return (
        {"reference": body["reference"].format(number=number)} if "{" in body.get("reference", "") else {}
    )  # fmt: skip


def _is_acknowledged(case: dict[str, Any]) -> bool:
    return any(one["name"] == "acknowledge" and one["met_at"] for one in case["clocks"])


def body_of(now: datetime, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """A step's body with the times that it counts from now."""
    found = {key: value for key, value in body.items() if key not in IN_PART}
    soon = (now + timedelta(hours=12)).isoformat()
    match name:
        case "propose":
            actions = [{"what": one, "owner": "an", "due_at": soon} for one in body["actions"]]
            found["actions"] = actions
        case "resolve":
            found["told_at"] = now.isoformat()
        case "give_task":
            found["due_at"] = (now + timedelta(hours=body["due_in"])).isoformat()
        case "plan_visit":
            found["visit_at"] = (now + timedelta(minutes=body["visit_in"])).isoformat()
            going = zip(body["roles"], ("an", "bo"), strict=True)
            found["visitors"] = [{"role": role, "account": account} for role, account in going]
        case "mark" if "days_ago" in body:
            found["done_at"] = (now - timedelta(days=body["days_ago"])).isoformat()
        case "contact" if "promised" in body:
            promised = dict(body["promised"])
            by = now + timedelta(hours=promised.pop("by_in"))
            found["promised"] = promised | {"by": by.isoformat()}
    return found


@dataclass
class Played:
    """What came of all, and everything that the services said."""

    told: dict[str, Told] = field(default_factory=dict)
    events: list[Event[Any]] = field(default_factory=list)


async def play(folder: Path, database: str, into: Played) -> None:
    async with open_world(folder, database=database) as world:
        timeline = Timeline(world)
        await timeline.begin()
        await timeline.play()
        into.told = timeline.told
        for service in ("intake", "routing", "followup", "notify"):
            into.events += await world.said(service)


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """All scenarios, played once on either database."""
    found, folder = Played(), tmp_path_factory.mktemp("scenarios")
    if request.param == "sqlite":
        seeded, url = request.getfixturevalue("seeded_folder"), "sqlite"
    else:
        seeded, url, contents = request.getfixturevalue("seeded_postgres")
        engines.put_back(request.getfixturevalue("postgres_server"), contents)
    shutil.copytree(seeded, folder, dirs_exist_ok=True)
    engines.finish(play(folder, url, found))
    return found


@pytest.mark.req("R-062")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.id)
def test_a_scenario_comes_to_its_end(played: Played, scenario: Scenario) -> None:
    told = played.told[scenario.id]

    understood, first = told.understood, told.first
    assert (understood["kind"], understood["severity"], understood["unsure"]) == (
        scenario.kind, scenario.severity, False,
    )  # fmt: skip
    assert understood["categories"][0]["code"] == scenario.category
    assert (first["state"], first["unit"]) == ("assigned", scenario.pack)
    clocks = {one["name"]: one for one in first["clocks"]}
    assert clocks["acknowledge"]["state"] == "met"
    for name, due in scenario.due.items():
        assert datetime.fromisoformat(clocks[name]["due_at"]) == datetime.fromisoformat(due), name

    case = told.case
    assert (case["state"], case["outcome"], case["cycle"]) == (
        scenario.state, scenario.outcome, scenario.cycle,
    )  # fmt: skip
    assert (case["severity"], told.said[-1].language) == (scenario.severity, scenario.language)
    assert (case["finding"] or {}).get("code") == scenario.cause
    assert {one["name"] for one in case["clocks"] if one["breached_at"]} == scenario.breached
    assert {one["state"] for one in case["clocks"]} <= {"met", "breached", "cancelled"}
    assert case["escalation_level"] >= scenario.level


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.id)
def test_it_is_one_case_with_an_event_for_each_change(played: Played, scenario: Scenario) -> None:
    said = played.told[scenario.id].said

    assert [body.version for body in said] == list(range(1, len(said) + 1))
    assert len([body for body in said if isinstance(body, CaseOpened)]) == 1
    assert len([body for body in said if isinstance(body, CaseClosed)]) == 1


def test_no_personal_data_is_said_and_customers_are_written_to_in_their_language(
    played: Played,
) -> None:
    by_number = {one.number: one.scenario for one in played.told.values()}
    for event in played.events:
        text = encode(event).decode()
        assert "13700000000" not in text
        assert "王女士" not in text
        assert "customer@example.com" not in text
    sent = [one.body for one in played.events if isinstance(one.body, MessageAccepted)]
    acknowledged = {one.number for one in sent if one.recipient == "complainant"}
    assert acknowledged == by_number.keys()


def test_every_trade_has_its_four_scenarios_and_what_comes_later_is_named() -> None:
    assert len({one.id for one in SCENARIOS}) == 24
    by_pack: dict[str, int] = {}
    for one in SCENARIOS:
        by_pack[one.pack] = by_pack.get(one.pack, 0) + 1
        assert one.later or one.id in MONEY, one.id
        assert not any(each.startswith(LATER) for each in one.later) or one.id not in MONEY
    assert set(by_pack.values()) == {4}


@pytest.mark.req("R-069")
@pytest.mark.req("R-076")
@pytest.mark.parametrize("id_", MONEY)
def test_a_scenario_ends_with_what_its_pack_owes_paid_once_and_told_with_its_calculation(
    played: Played, id_: str
) -> None:
    made, told = MONEY[id_], played.told[id_]
    remedies = told.case["remedies"]

    paid = remedies[-1]
    assert [one["form"] for one in remedies[:-1]] == ([made.refused] if made.refused else [])
    assert (paid["code"], paid["state"]) == (made.code, "paid" if made.amount else "accepted")
    assert (paid["amount"] or {}).get("amount") == made.amount
    assert (paid["needs"] is not None) == made.approved
    assert paid["approved_by"] != paid["proposed_by"]
    mine = [one.body for one in played.events if getattr(one.body, "number", "") == told.number]
    asked = [one.remedy.reference for one in mine if isinstance(one, RemedyPayoutRequested)]
    assert asked == ([paid["reference"]] if made.amount else [])
    letters = [one.template for one in mine if isinstance(one, MessageAccepted)]
    offers = [f"remedy.{one['id']}" for one in remedies]
    wanted = [*offers, f"paid.{paid['id']}"] if made.amount else []
    assert sorted(one for one in letters if one.startswith(("remedy.", "paid."))) == sorted(wanted)
