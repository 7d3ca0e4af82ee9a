"""What a batch costs: statements do not grow with its events."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import event

from services.notify.usecases import sending
from shared.bus.port import Record
from shared.contracts.notify import MessageAccepted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.notify.model import Message
    from shared.store.database import Database
    from tests.world import World

FEW, MANY = 2, 12
BOUND = 25
"""Statements of a batch, whatever it holds; today's largest, followup's, has some twenty."""


@contextmanager
def counting(database: Database) -> Iterator[list[str]]:
    """The statements that a database's writer is given."""
    found: list[str] = []

    def note(*arguments: object) -> None:
        found.append(str(arguments[2]))

    engine = database._writer.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def take(world: World, service: str) -> list[Record]:
    """What a service's consumer is given next, once all relays have sent what there is."""
    for one in world.hosted:
        await world._relay(one)
    subscription = world.subscriptions[service]
    batch = await subscription.take(at_most=500, wait=timedelta(milliseconds=200))
    await subscription.commit({slot: records[-1].offset + 1 for slot, records in batch.items()})
    return [one for records in batch.values() for one in records]


async def cost(world: World, complaints: int) -> dict[str, tuple[int, int]]:
    """Events and statements of one batch in each service, for so many new complaints."""
    for at in range(complaints):
        await world.complain(f"空调坏了，没人来修，已经报修 {at + 1} 次")
    found = {}
    for service in ("routing", "followup", "notify"):
        records = await take(world, service)
        hosted = world.service(service)
        with counting(hosted.service.database) as statements:
            await hosted.consumer.apply(records)
        found[service] = len(records), len(statements)
    await world.settle()
    return found


async def test_the_statements_of_a_batch_do_not_grow_with_its_events(world: World) -> None:
    few, many = await cost(world, FEW), await cost(world, MANY)

    for service, (events, statements) in many.items():
        assert events >= 4 * few[service][0], service
        assert statements <= few[service][1] + 2, service
        assert statements <= BOUND, service


async def test_events_of_one_subject_in_one_batch_see_each_others_effects(world: World) -> None:
    made = await world.complain()
    for service in ("intake", "routing"):
        hosted = world.service(service)
        if service == "routing":
            await hosted.consumer.apply(await take(world, service))
    records = await take(world, "followup")
    assert len(records) >= 3
    await world.service("followup").consumer.apply(records)
    await world.settle()

    case = (await world.get(f"/followup/v1/cases/{made['number']}")).json()
    assert case["owner"]["handler"]
    assert case["category"]
    assert len(await world.said("followup")) == len(
        {(one.subject, one.sequence) for one in await world.said("followup")}
    )


async def test_two_senders_never_begin_the_same_message(world: World) -> None:
    for at in range(8):
        await world.complain(f"空调坏了，没人来修 {at}")
    database = world.service("notify").service.database
    world.sender()._channels = {}
    begun: list[Message] = []
    while not begun:
        for one in world.hosted:
            await world._relay(one)
        for one in world.hosted:
            await world._consume(one)
        begun = [
            begun_.message
            for messages in await asyncio.gather(
                *(database.run(lambda tx: sending.begin(tx, limit=3)) for _ in range(4))
            )
            for begun_ in messages
        ]

    # Four times three of them: customers' and handlers' messages.
    assert len({one.id for one in begun}) == len(begun) == 12
    assert all(one.attempts == 1 for one in begun)
    assert await world.said("notify", MessageAccepted) == []
