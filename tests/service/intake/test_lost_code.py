"""A lost code is sent again to the contact that is known, and nobody learns whether there is a complaint."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.contracts.intake import ComplaintCodeRequested
from shared.ids import new_number
from tests.world import World, open_world

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

PATH = "/intake/v1/public/codes"
UNKNOWN = new_number()
MAIL = {"type": "email", "value": "Li@example.com"}


async def posted(world: World) -> dict[str, Any]:
    body = {"text": "空调坏了", "complainant": {"contacts": [MAIL]}}
    found: dict[str, Any] = (await world.post("/intake/v1/complaints", body)).json()
    return found


async def ask(world: World, number: str, contact: dict[str, str] = MAIL) -> httpx.Response:
    answer = await world.client.post(PATH, json={"number": number, "contact": contact})
    # What was asked for is recorded after the answer: whoever writes next comes after it.
    await world.post("/intake/v1/complaints", {"text": "next"})
    await world.settle()
    return answer


async def requests(world: World) -> list[ComplaintCodeRequested]:
    return [one.body for one in await world.said("intake", ComplaintCodeRequested)]


async def test_the_answer_is_the_same_whether_or_not_number_and_contact_belong_together(
    world: World,
) -> None:
    number = (await posted(world))["number"]
    other = {"type": "email", "value": "other@example.com"}

    right = await ask(world, number, {"type": "email", "value": "Li@EXAMPLE.com"})
    wrong = [await ask(world, number, other), await ask(world, UNKNOWN)]

    assert {(one.status_code, one.text) for one in [right, *wrong]} == {(202, right.text)}
    [said] = await requests(world)
    assert said.number == number


async def test_it_is_said_once_an_hour_and_again_later(world: World) -> None:
    number = (await posted(world))["number"]
    for _ in range(3):
        await ask(world, number)
    assert len(await requests(world)) == 1

    world.clock.advance(timedelta(hours=1))
    await ask(world, number)

    assert len(await requests(world)) == 2


async def test_whoever_asks_too_often_waits_known_number_or_not(world: World) -> None:
    known = (await posted(world))["number"]
    for number in (known, UNKNOWN):
        other = {"type": "email", "value": f"{number}@example.com"}
        answers = [await ask(world, number, other) for _ in range(6)]
        assert [one.status_code for one in answers] == [202] * 5 + [429]
        assert int(answers[-1].headers["Retry-After"]) == 60


async def test_a_contact_that_is_none_is_named(world: World) -> None:
    wrong = await ask(world, UNKNOWN, {"type": "email", "value": "nobody"})

    assert wrong.status_code == 422
    assert [one["field"] for one in wrong.json()["errors"]] == ["contact.value"]


async def test_the_code_comes_by_mail_and_is_in_no_event(tmp_path: Path) -> None:
    async with open_world(tmp_path, acknowledge_after="0") as world:
        made = await posted(world)
        await world.settle()
        before = set(world.mails())

        await ask(world, made["number"])

        [mail] = [one for one in world.mails() if one not in before]
        assert made["code"] in mail.read_text()
        events = [one.model_dump_json() for one in await requests(world)]
        assert made["code"] not in "".join(events)
