"""Automatic answers come to an end, and who was erased is forgotten."""

from __future__ import annotations

import asyncio
import email
import email.policy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from services.notify.store.tables import ANSWERS, ATTEMPTS, KNOWN, MESSAGES, PREFERENCES
from shared.contracts.notify import MessageFailed
from tests.service.intake.people import another_key, complainant_of, erase
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Table

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One world for all: each test has addresses of its own."""
    async with open_world(tmp_path_factory.mktemp("answers")) as opened:
        yield opened


async def write_from(world: World, address: str, *, channel: str = "email") -> dict[str, Any]:
    contacts = [{"type": "email", "value": address}]
    body = {
        "text": "客服态度差，我要投诉", "channel": channel,
        "complainant": {"name": "王女士", "contacts": contacts},
    }  # fmt: skip
    answer = await world.post("/intake/v1/complaints", body)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def letters_to(world: World, address: str) -> int:
    """How many acknowledgements went to an address."""
    await world.settle()
    mails: list[Any] = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in world.mails()
    ]
    return sum(one["To"] == address and "已收到" in one["Subject"] for one in mails)


async def capped(world: World) -> list[str]:
    failed = await world.said("notify", MessageFailed)
    return [one.body.number for one in failed if one.body.reason == "capped"]


async def test_one_address_gets_three_answers_a_day_to_its_mails_also_where_many_come_at_once(
    world: World,
) -> None:
    robot = "robot@machine.example"
    made = await asyncio.gather(*(write_from(world, robot) for _ in range(6)))
    assert await letters_to(world, robot) == 3
    another = await write_from(world, robot.upper())
    assert await letters_to(world, robot) == 3
    assert {*await capped(world)} < {one["number"] for one in [*made, another]}
    assert len(await capped(world)) == 4

    person = "person@home.example"
    for _ in range(4):
        await write_from(world, person, channel="web")
    assert await letters_to(world, person) == 4
    world.clock.advance(timedelta(days=1, minutes=1))
    await write_from(world, robot)
    assert await letters_to(world, robot) == 4


async def test_of_who_was_erased_nothing_is_kept_that_was_written_or_can_lead_to_them(
    world: World,
) -> None:
    contacts = [{"type": "email", "value": "gone@home.example"}]
    made = await world.complain(
        "客服态度差，我要投诉", product="P-77", complainant={"name": "王", "contacts": contacts}
    )
    other = await write_from(world, "stays@home.example")
    await world.settle()
    notify = world.service("notify").service.database
    person = await complainant_of(world, made["number"])
    answer = await world.client.put(
        f"/notify/v1/preferences/{person}", json={"language": "en"}, headers=world.headers()
    )
    assert answer.status_code < 300, answer.text

    await erase(world, person, second=await another_key(world))
    await world.settle()

    async def rows(table: Table) -> list[Any]:
        async with notify.reading() as connection:
            return list((await connection.execute(select(table))).all())

    messages = [one for one in await rows(MESSAGES) if one.number == made["number"]]
    to_them = [one for one in messages if one.recipient == "complainant"]
    ids = {one.id for one in to_them}
    assert [one.variables for one in to_them] == [{}] * len(to_them)
    assert to_them
    sent = [one for one in await rows(ATTEMPTS) if one.message in ids]
    assert {(one.provider_id, one.code) for one in sent} == {(None, None)}
    assert [one for one in await rows(ANSWERS) if one.message in ids] == []
    assert [one for one in await rows(PREFERENCES) if one.person == person] == []
    [known] = [one for one in await rows(KNOWN) if one.complaint == made["id"]]
    assert set(known.facts) <= {"about", "category", "severity", "cue"}
    kept = [one for one in await rows(MESSAGES) if one.number == other["number"]]
    assert all(one.variables for one in kept)
