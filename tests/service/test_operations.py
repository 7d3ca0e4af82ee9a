"""What operators do in a service: parked keys, republishing, lag and the pause."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import func, select, update

from shared.bus.port import Message
from shared.contracts.catalogue import TOPICS
from shared.contracts.intake import ComplaintReceived
from shared.store import holds
from tests.service.test_two_units import SCOPES

if TYPE_CHECKING:
    import httpx

    from shared.store.signal import Signal
    from shared.store.transaction import Tx
    from tests.world import World

PATH = "/routing/v1/operations"
RETRY = timedelta(seconds=31)


async def poison(world: World, subject: str, sequences: list[int], *, unit: str = "root") -> None:
    """Complaints of an adapter gone wrong: events whose body nobody can read."""
    events = [
        {
            "specversion": "1.0", "id": f"{subject}-{sequence}", "source": "/redress/intake",
            "type": f"redress.{ComplaintReceived.name}", "subject": subject, "sequence": sequence,
            "time": "2026-03-02T01:00:00Z", "unit": unit, "data": {"number": "1234-5678-903"},
        }
        for sequence in sequences
    ]  # fmt: skip
    await world.bus.publish(
        TOPICS["intake"], [Message(subject, orjson.dumps(event)) for event in events]
    )
    await world.settle()


async def parked(world: World, **query: str) -> list[dict[str, Any]]:
    answer = await world.client.get(f"{PATH}/parked", params=query, headers=world.headers())
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def act(world: World, name: str, id_: str) -> dict[str, Any]:
    answer = await world.post(f"{PATH}/parked/{id_}/{name}", {})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def of_unit(world: World, unit: str) -> dict[str, str]:
    """Headers of a key that administers one unit."""
    await world.post("/desk/v1/units", {"id": unit, "title_zh": unit, "title_en": unit})
    await world.settle()
    key = await world.post("/desk/v1/keys", {"label": unit, "scopes": SCOPES, "unit": unit})
    await world.settle()
    return {"Authorization": f"Bearer {key.json()['key']}"}


async def test_a_parked_key_is_listed_with_its_first_event_and_shown_with_all(
    world: World,
) -> None:
    await poison(world, "bad", [1, 2])

    [one] = await parked(world)
    shown = (await world.get(f"{PATH}/parked/{one['id']}")).json()

    assert (one["subject"], one["sequence"], one["events"]) == ("bad", 1, 2)
    assert (one["kind"], one["reason"], one["number"]) == ("event", "failed", "1234-5678-903")
    assert "Unreadable" in one["error"]
    assert [event["event"]["id"] for event in shown["contents"]] == ["bad-1", "bad-2"]


async def test_a_list_of_parked_keys_pages_without_a_gap(world: World) -> None:
    for subject in ("a", "b", "c", "d", "e"):
        await poison(world, subject, [1])

    subjects, after = [], ""
    while True:
        query = {"limit": "2"} | ({"after": after} if after else {})
        page = (
            await world.client.get(f"{PATH}/parked", params=query, headers=world.headers())
        ).json()
        subjects += [one["subject"] for one in page["items"]]
        after = page["next"]
        if not after:
            break

    assert subjects == ["a", "b", "c", "d", "e"]


async def test_dropping_an_event_lets_those_behind_it_go_on(world: World) -> None:
    made = await world.complain()
    await world.settle()
    [received] = await world.said("intake", ComplaintReceived)
    await poison(world, "late", [1])
    good = orjson.loads(orjson.dumps({
        "specversion": "1.0", "id": "late-2", "source": "/redress/intake", "type": f"redress.{ComplaintReceived.name}",
        "subject": "late", "sequence": 2, "time": "2026-03-02T01:00:00Z", "unit": "root",
        "data": received.body.model_dump(mode="json") | {"number": "0000-0000-001"},
    }))  # fmt: skip
    await world.bus.publish(TOPICS["intake"], [Message("late", orjson.dumps(good))])
    await world.settle()
    [one] = await parked(world)
    assert one["events"] == 2

    first = await act(world, "drop", one["id"])
    again = await act(world, "drop", one["id"])

    assert first == {"dropped": True, "left": 0}
    assert again == {"dropped": False, "left": 0}
    assert await parked(world) == []
    assert (await world.get("/routing/v1/decisions/0000-0000-001")).status_code == 200
    assert made["number"] != "0000-0000-001"


async def test_only_the_first_event_of_a_key_can_be_dropped(world: World) -> None:
    await poison(world, "bad", [1, 2])
    [one] = await parked(world)
    first = await act(world, "drop", one["id"])

    [next_] = await parked(world)
    again = await act(world, "drop", one["id"])

    assert first == {"dropped": True, "left": 1}
    assert again == {"dropped": False, "left": 1}, "the drop sent twice takes no other event"
    assert next_["sequence"] == 2


async def test_replaying_tries_at_once_and_again_is_harmless(world: World) -> None:
    await world.complain()
    await world.settle()
    [received] = await world.said("intake", ComplaintReceived)
    await poison(world, "bad", [1])
    for _ in range(4):
        await world.advance(RETRY)
    [one] = await parked(world)
    assert one["next_try_at"] is None, "it waits for a person"
    await _mend(world, "bad", received.body)

    assert await act(world, "replay", one["id"]) == {"applied": 1, "left": 0}
    assert await parked(world) == []
    answer = await world.post(f"{PATH}/parked/{one['id']}/replay", {})
    assert answer.status_code == 404


async def _mend(world: World, subject: str, body: ComplaintReceived) -> None:
    """Stand for a release that can read the event: put a readable one in its place."""
    database = world.service("routing").service.database
    table = database.frame.parked

    async def unit(tx: Tx) -> None:
        [row] = await tx.rows(select(table).where(table.c.subject == subject))
        event = orjson.loads(bytes(row.event))
        event["data"] = body.model_dump(mode="json") | {"number": "0000-0000-001"}
        await tx.execute(
            update(table).where(table.c.id == row.id).values(event=orjson.dumps(event))
        )

    await database.run(unit)


async def test_a_parked_timer_stands_in_the_same_list_and_is_replayed_or_dropped(
    world: World,
) -> None:
    await world.complain()
    await world.settle()
    database = world.service("followup").service.database
    table = database.frame.timers
    parking = update(table).where(table.c.state == "armed").values(state="parked", error="broke")
    await database.run(lambda tx: tx.execute(parking))
    path = "/followup/v1/operations/parked"

    [one] = (await world.get(path)).json()["items"]
    world.clock.advance(timedelta(days=30))
    replayed = (await world.post(f"{path}/{one['id']}/replay", {})).json()

    assert (one["kind"], one["error"], one["events"]) == ("timer", "broke", 1)
    assert replayed == {"applied": 1, "left": 0}
    assert (await world.get(path)).json()["items"] == []
    await database.run(lambda tx: tx.execute(update(table).values(state="parked", error="broke")))
    items = (await world.get(path)).json()["items"]
    for item in items:
        assert (await world.post(f"{path}/{item['id']}/drop", {})).json()["dropped"]
    assert (await world.get(path)).json()["items"] == []


async def test_an_operator_of_a_unit_sees_and_decides_only_about_its_own(world: World) -> None:
    east = await of_unit(world, "east")
    await poison(world, "ours", [1], unit="east")
    await poison(world, "theirs", [1])
    both = {one["subject"]: one["id"] for one in await parked(world)}

    mine = (await world.client.get(f"{PATH}/parked", headers=east)).json()["items"]

    async def post(what: str, body: object) -> httpx.Response:
        return await world.client.post(f"{PATH}/{what}", json=body, headers=east)

    assert [one["subject"] for one in mine] == ["ours"]
    assert sorted(both) == ["ours", "theirs"]
    for name in ("replay", "drop"):
        assert (await post(f"parked/{both['theirs']}/{name}", {})).status_code == 404
    answer = await world.client.get(f"{PATH}/parked/{both['theirs']}", headers=east)
    assert answer.status_code == 404
    assert (await post(f"parked/{both['ours']}/drop", {})).json()["dropped"]
    assert (await world.client.get(f"{PATH}/lag", headers=east)).status_code == 403
    for name in ("pause", "resume", "republish"):
        assert (await post(name, {"owner": "east", "all": True})).status_code == 403


async def test_a_key_without_the_scope_is_let_in_nowhere(world: World) -> None:
    for name in ("parked", "lag"):
        answer = await world.get(f"{PATH}/{name}", key="adapter_key")
        assert answer.status_code == 403
    for name in ("pause", "resume", "republish"):
        assert (await world.post(f"{PATH}/{name}", {}, key="adapter_key")).status_code == 403


async def test_lag_tells_what_waits(world: World) -> None:
    await world.complain()
    before = (await world.get("/intake/v1/operations/lag")).json()
    await world._relay(world.service("intake"))
    behind = (await world.get("/routing/v1/operations/lag")).json()
    await world.settle()
    after = (await world.get("/routing/v1/operations/lag")).json()

    assert before["outbox_waiting"] == 1
    assert behind["lag"][TOPICS["intake"]] == 1
    assert set(after["lag"].values()) == {0}
    assert (after["outbox_waiting"], after["parked"], after["timers_overdue"]) == (0, 0, 0)


async def test_republishing_sends_everything_again_in_order_and_changes_nothing(
    world: World,
) -> None:
    """INVARIANT: after republishing, the log has each subject's events again in their order, and no effect is doubled.

    Marking newer rows before older ones, or a relay that sends new rows between them, would break it.
    """
    numbers = [(await world.complain())["number"] for _ in range(3)]
    await world.settle()
    before = await world.said("followup")
    cases = [(await world.get(f"/followup/v1/cases/{number}")).json() for number in numbers]

    rows = await republish(world, "followup")
    await world.settle()

    after = await world.said("followup")
    assert rows == len(before)
    assert len(after) == 2 * len(before)
    for subject in {event.subject for event in before}:
        once = [event.sequence for event in before if event.subject == subject]
        assert [event.sequence for event in after if event.subject == subject] == once + once
    assert cases == [(await world.get(f"/followup/v1/cases/{number}")).json() for number in numbers]
    assert len(world.mails()) == 3


async def republish(world: World, service: str, **body: object) -> int:
    """All steps; between them the relay sends what was marked. Says how many rows were."""
    rows, owner = 0, {"owner": "test"}
    after: int | None = 0
    while after is not None:
        asked = owner | {"after": after} | (body or {"all": True})
        answer = await world.post(f"/{service}/v1/operations/republish", asked)
        assert answer.status_code == 200, answer.text
        rows, after = rows + answer.json()["rows"], answer.json()["after"]
        await world._relay(world.service(service))
    return rows


async def test_what_is_said_while_republishing_goes_behind_what_is_sent_again(
    world: World,
) -> None:
    await world.complain()
    await world.settle()
    path, body = "/intake/v1/operations/republish", {"owner": "a", "all": True}
    first = (await world.post(path, body)).json()
    await world.complain()
    await world._relay(world.service("intake"))

    assert first["rows"] == 1
    assert len(await world.said("intake")) == 2, "the new one waits"
    busy = await world.post(path, body | {"owner": "b"})
    assert busy.status_code == 409
    last = (await world.post(path, body | {"after": first["after"]})).json()
    assert last["after"] is None
    await world.settle()
    subjects = [event.subject for event in await world.said("intake")]
    assert len(subjects) == 3
    assert len(set(subjects)) == 2


async def test_since_leaves_older_events_alone(world: World) -> None:
    await world.complain()
    await world.settle()
    world.clock.advance(timedelta(hours=1))
    since = world.clock.now().isoformat()
    await world.complain()
    await world.settle()

    assert await republish(world, "intake", since=since) == 1
    assert await world.post("/intake/v1/operations/republish", {"owner": "a"}) is not None
    wrong = await world.post("/intake/v1/operations/republish", {"owner": "a"})
    assert wrong.status_code == 422


async def test_a_paused_service_takes_nothing_says_when_and_goes_on(world: World) -> None:
    for one in world.hosted:
        path = f"/{one.service.name}/v1/operations/pause"
        assert (await world.post(path, {"owner": "backup"})).status_code == 204
    answer = await world.post("/intake/v1/complaints", {"text": "x"}, key="adapter_key")
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/paused"
    assert int(answer.headers["Retry-After"]) > 0
    assert (await world.get("/intake/v1/channels")).status_code == 200
    assert (await world.client.get("/readyz")).status_code == 200
    other = await world.post("/intake/v1/operations/pause", {"owner": "another"})
    assert other.status_code == 409
    assert (await world.get("/intake/v1/operations/lag")).json()["is_paused"]

    for one in world.hosted:
        path = f"/{one.service.name}/v1/operations/resume"
        assert (await world.post(path, {"owner": "backup"})).status_code == 204
    await world.complain()
    await world.settle()
    assert len(world.mails()) == 1


async def test_a_pause_ends_by_itself_when_whoever_asked_is_gone(world: World) -> None:
    await world.post("/intake/v1/operations/pause", {"owner": "gone"})
    database = world.service("intake").service.database
    assert (await world.post("/intake/v1/complaints", {"text": "x"})).status_code == 503
    table = database.frame.leases
    expired = (
        update(table).where(table.c.name == holds.PAUSE).values(expires=table.c.expires - 60_000)
    )
    await database.run(lambda tx: tx.execute(expired))

    await holds.look(database)

    assert not database.is_paused
    await world.complain()


async def test_another_process_of_the_service_sees_the_pause(world: World) -> None:
    """INVARIANT: the pause is the database's, so a replica that was not asked holds too."""
    await world.post("/intake/v1/operations/pause", {"owner": "backup"})
    database = world.service("intake").service.database
    database.is_paused = False  # as in a process that has not looked yet

    await holds.look(database)

    assert database.is_paused


@pytest.mark.parametrize("service", ["desk", "intake", "routing", "followup", "notify"])
async def test_every_service_has_its_operators_routes(world: World, service: str) -> None:
    answer = await world.get(f"/{service}/v1/operations/lag")

    assert answer.status_code == 200, answer.text
    async with world.service(service).service.database.reading() as connection:
        outbox = world.service(service).service.database.frame.outbox
        query = select(func.count()).where(outbox.c.published_at.is_(None))
        assert answer.json()["outbox_waiting"] == (await connection.execute(query)).scalar_one()


async def wakes_in_vain(signal: Signal) -> None:
    """Wait until the loop behind a signal has heard it and waits again."""
    async with asyncio.timeout(10):
        for _ in range(2):
            signal.set()
            while signal.is_set:
                await asyncio.sleep(0)


async def test_sending_and_timers_stand_still_while_paused_and_then_go_on(world: World) -> None:
    notify, followup = world.service("notify"), world.service("followup")
    for one in (notify, followup):
        path = f"/{one.service.name}/v1/operations/pause"
        assert (await world.post(path, {"owner": "backup"})).status_code == 204
    await world.complain()
    for _ in range(4):
        for one in world.hosted:
            await world._relay(one)
            await world._consume(one)
    world.clock.advance(timedelta(days=10))
    planned, armed = world.sender()._notify.planned, followup.service.database.timer_armed
    loops = [asyncio.create_task(run()) for run in (world.sender().run, followup.timers.run)]
    try:
        await wakes_in_vain(planned)
        await wakes_in_vain(armed)
        overdue = (await world.get("/followup/v1/operations/lag")).json()["timers_overdue"]
        assert (world.mails(), overdue) == ([], 1)

        for one in (notify, followup):
            await world.post(f"/{one.service.name}/v1/operations/resume", {"owner": "backup"})
        async with asyncio.timeout(10):
            while not world.mails() or overdue:
                await asyncio.sleep(0.01)
                overdue = (await world.get("/followup/v1/operations/lag")).json()["timers_overdue"]
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
