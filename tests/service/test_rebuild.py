"""Read models made anew: whole, in order, silent, and with nobody's cursor left behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from services.followup.store.finding import clear_texts
from services.followup.usecases.indexing import Indexing
from shared.contracts.followup import CallbackDue
from shared.errors import Transient
from shared.rebuild import ReadModel, Rebuilder, SaysSomething
from tests.service.test_operations import poison

if TYPE_CHECKING:
    from shared.contracts.envelope import Event
    from shared.store.transaction import Tx
    from tests.world import World

PATH = "/notify/v1/operations/rebuild"


async def feed(world: World, after: str = "beginning") -> tuple[list[dict[str, Any]], str]:
    """All events beyond a cursor, and the cursor behind them."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await world.client.get(
            "/notify/v1/events", params={"after": after, "limit": "200"}, headers=world.headers()
        )
        items, after = answer.json()["items"], answer.json()["next"]
        if not items:
            return found, after
        found += items


def in_order(events: list[dict[str, Any]]) -> bool:
    last: dict[tuple[str, str], int] = {}
    for event in events:
        key = (event["source"], event["subject"])
        if event["sequence"] != last.get(key, 0) + 1:
            return False
        last[key] = event["sequence"]
    return True


async def busy_world(world: World) -> None:
    for _ in range(3):
        await world.complain()
    await world.settle()


async def test_the_feed_is_made_anew_whole_in_order_and_silently(world: World) -> None:
    """INVARIANT: after a rebuild the feed has each event once, in the order of its subject, and no reader misses any.

    Giving out old positions again, or clearing the oldest first, would break it.
    """
    await busy_world(world)
    before, end = await feed(world)
    said = {name: len(await world.said(name)) for name in ("intake", "followup", "notify")}

    answer = await world.post(PATH, {})
    await world.service("notify").rebuilder.rebuild()
    progress = (await world.get(PATH)).json()
    after, _ = await feed(world)
    again, _ = await feed(world, end)
    await world.settle()

    assert answer.status_code == 202
    assert answer.json()["is_rebuilding"]
    assert not progress["is_rebuilding"]
    assert {event["id"] for event in after} == {event["id"] for event in before}
    assert len(after) == len(before)
    assert in_order(after)
    assert again == after, "a reader with a cursor meets everything again and misses nothing"
    assert said == {name: len(await world.said(name)) for name in said}
    assert len(world.mails()) == 3


async def test_consumers_stand_still_meanwhile_and_go_on_afterwards(world: World) -> None:
    await busy_world(world)
    await world.post(PATH, {})
    world.service(
        "notify"
    ).service.database.is_rebuilding = False  # a replica that has not looked yet
    await world.complain()
    await world._relay(world.service("intake"))

    with pytest.raises(Transient, match="rebuilt"):
        await world._consume(world.service("notify"))

    await world.service("notify").rebuilder.rebuild()
    await world.post("/intake/v1/operations/republish", {"owner": "t", "all": True})
    await world.settle()
    events, _ = await feed(world)
    assert in_order(events)
    assert len({event["subject"] for event in events}) == 4
    assert len(world.mails()) == 4


async def test_a_rebuild_that_broke_off_begins_again_and_ends_whole(world: World) -> None:
    await busy_world(world)
    before, _ = await feed(world)
    await world.post(PATH, {})
    hosted = world.service("notify")
    [model] = hosted.service.read_models
    left = 10

    def breaking(handler: Any) -> Any:
        async def handle(event: Event[Any], tx: Tx, context: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Transient("the disk is away")
            await handler(event, tx, context)

        return handle

    broken = replace(
        model, subscriptions={body: breaking(each) for body, each in model.subscriptions.items()}
    )
    rebuilder = Rebuilder(
        database=hosted.service.database, bus=world.bus, models=[broken],
        context=hosted.service.context,
    )  # fmt: skip
    with pytest.raises(Transient):
        await rebuilder.rebuild()
    assert (await world.get(PATH)).json()["is_rebuilding"], "it stays held until it is whole"
    left = 1_000_000
    await rebuilder.rebuild()

    after, _ = await feed(world)
    assert {event["id"] for event in after} == {event["id"] for event in before}
    assert in_order(after)


async def test_what_is_parked_stays_the_consumers(world: World) -> None:
    await busy_world(world)
    await poison(world, "bad", [1, 2])
    await world.post(PATH, {})
    await world.service("notify").rebuilder.rebuild()

    events, _ = await feed(world)
    parked = (await world.get("/notify/v1/operations/parked")).json()["items"]

    assert "bad" not in {event["subject"] for event in events}
    assert [one["events"] for one in parked] == [2]


async def test_cases_from_before_there_was_a_search_are_found_after_a_rebuild(world: World) -> None:
    old = (await world.complain("电表走得快"))["number"]
    await world.settle()  # partitions have no order between them
    new = (await world.complain("快递不见了"))["number"]
    await world.settle()
    followup = world.service("followup")
    indexing = Indexing(followup.service.database)
    await indexing.index_some()
    await followup.service.database.run(lambda tx: clear_texts(tx, 1))  # the newest goes
    assert [await cases_with(world, one) for one in ("电表", "快递")] == [[old], []]
    said = len(await world.said("followup"))

    assert (await world.post("/followup/v1/operations/rebuild", {})).status_code == 202
    await followup.rebuilder.rebuild()
    await indexing.index_some()
    await world.settle()

    assert [await cases_with(world, one) for one in ("电表", "快递")] == [[old], [new]]
    assert len(await world.said("followup")) == said


async def cases_with(world: World, words: str) -> list[str]:
    found = (await world.get(f"/followup/v1/cases?q={words}")).json()["items"]
    return [one["number"] for one in found]


async def test_a_service_without_a_read_model_refuses_in_a_sentence(world: World) -> None:
    answer = await world.post("/routing/v1/operations/rebuild", {})

    assert answer.status_code == 409
    assert "backup" in answer.json()["detail"]


async def test_a_read_model_that_says_something_is_found_out(world: World) -> None:
    await busy_world(world)
    hosted = world.service("followup")

    async def handle(event: Event[Any], tx: Tx, _: object) -> None:
        said = CallbackDue(number="0000-0000-001", cycle=1, due_at=tx.now)
        tx.say(said, subject=event.subject, unit=event.unit)

    async def clear(_: Tx, __: int) -> int:
        return 0

    model = ReadModel(
        "loud", clear=clear, subscriptions=dict.fromkeys(hosted.service.subscriptions, handle)
    )
    rebuilder = Rebuilder(
        database=hosted.service.database, bus=world.bus, models=[model], context=None
    )

    with pytest.raises(SaysSomething):
        await rebuilder.rebuild()
