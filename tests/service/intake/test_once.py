"""One complaint, whatever is retried, and 503 where nothing can be promised."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import func, select

from services.intake.service import build
from services.intake.store import COMPLAINTS, FRAME
from shared.contracts.intake import ComplaintMessageAdded, ComplaintReceived
from shared.ids import is_number, new_number
from shared.web.app import Gateway
from tests import engines
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from dev.postgres import Postgres

PATH = "/intake/v1/complaints"
BODY = {"text": "空调坏了", "complainant": {"name": "王小明"}}


async def count(world: World, table: Any = COMPLAINTS) -> int:
    async with world.service("intake").service.database.reading() as connection:
        found: int = (
            await connection.execute(select(func.count()).select_from(table))
        ).scalar_one()
    return found


@asynccontextmanager
async def replica_of(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A second intake over the same database, with batches of its own."""
    service = build(world.environment)
    gateway = Gateway([service], metrics=world.environment.metrics, readiness={})
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(gateway), base_url="http://redress.test"
    ) as client:
        yield client
    await service.database.close()


async def post(
    world: World, body: Mapping[str, object] = BODY, *, idempotency: str | None = None
) -> httpx.Response:
    more = {"Idempotency-Key": idempotency} if idempotency else {}
    return await world.post(PATH, body, key="adapter_key", **more)


@pytest.mark.req("R-012")
async def test_the_receipt_tells_number_and_code_at_once(world: World) -> None:
    answer = await post(world)

    assert answer.status_code == 202
    receipt = answer.json()
    assert is_number(receipt["number"])
    assert answer.headers["location"] == f"{PATH}/{receipt['number']}"
    assert receipt.keys() == {"id", "number", "code", "status_url", "received_at"}


@pytest.mark.parametrize(
    "text", ["营业员的态度太差了", "The compressor is broken", "😡" * 3, "عربي"]
)
async def test_any_words_are_accepted(world: World, text: str) -> None:
    answer = await world.complain(text)

    await world.settle()
    [said] = await world.said("intake", ComplaintReceived)
    assert (said.subject, said.body.number, said.body.text) == (
        answer["id"],
        answer["number"],
        text,
    )
    assert (said.body.pack, said.unit) == ("generic", "root")


@pytest.mark.req("R-015")
async def test_fifty_equal_posts_at_once_are_one_complaint(either_world: World) -> None:
    answers = await asyncio.gather(*(post(either_world, idempotency="k") for _ in range(50)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 49
    assert await count(either_world) == 1
    assert await count(either_world, FRAME.outbox) == 1


@pytest.mark.postgres
@pytest.mark.req("R-015")
async def test_two_replicas_racing_make_one_complaint(
    postgres_databases: str, tmp_path: Path
) -> None:
    """INVARIANT: what makes a complaint unique is decided by the database, not by a process's memory."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(
            open_world(tmp_path / "one", services=("desk", "intake"), database=postgres_databases)
        )
        replica = await stack.enter_async_context(replica_of(one))
        headers = one.headers("adapter_key")
        calls = [
            client.post(PATH, json=BODY | {"external_id": f"m{at % 5}"}, headers=headers)
            for at in range(50)
            for client in (one.client, replica)
        ]

        answers = await asyncio.gather(*calls)

        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["number"] for answer in answers}) == 5
        assert await count(one) == 5


@pytest.mark.postgres
@pytest.mark.req("R-015")
async def test_two_replicas_with_one_request_never_refuse_it_for_its_own_file(
    postgres_databases: str, tmp_path: Path
) -> None:
    """The one that waits for the file reads what is claimed only then: else it takes the file for somebody else's."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(
            open_world(tmp_path, services=("desk", "intake"), database=postgres_databases)
        )
        replica = await stack.enter_async_context(replica_of(one))
        headers = one.headers("adapter_key")
        for at in range(10):
            file = await one.client.post(
                "/intake/v1/attachments",
                content=f"file {at}".encode(),
                headers=headers | {"Content-Type": "text/plain"},
            )
            body = BODY | {"attachments": [{"id": file.json()["id"]}]}
            more = headers | {"Idempotency-Key": f"k{at}"}

            answers = await asyncio.gather(
                *(client.post(PATH, json=body, headers=more) for client in (one.client, replica))
            )

            assert [answer.status_code for answer in answers] == [202, 202], answers[-1].text
            assert answers[0].json() == answers[1].json()
        assert await count(one) == 10


async def test_a_replay_gives_the_same_answer_for_as_long_as_the_complaint(
    either_world: World,
) -> None:
    first = await post(either_world, idempotency="k")

    again = await post(either_world, idempotency="k")

    assert again.status_code == 202
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers


async def test_another_body_under_the_same_key_is_refused(either_world: World) -> None:
    await post(either_world, idempotency="k")

    other = await post(either_world, {"text": "别的"}, idempotency="k")

    assert other.status_code == 422
    assert other.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await count(either_world) == 1


async def test_a_key_of_somebody_else_is_another_key(world: World) -> None:
    first = await world.post(PATH, BODY, key="adapter_key", **{"Idempotency-Key": "k"})
    second = await world.post(PATH, BODY, key="operator_key", **{"Idempotency-Key": "k"})

    assert first.json()["number"] != second.json()["number"]


async def test_the_same_external_id_is_the_same_complaint_whoever_posts(
    either_world: World,
) -> None:
    body = BODY | {"external_id": "<m1@mail>", "channel": "email"}
    first = await either_world.post(PATH, body, key="adapter_key")

    again = await either_world.post(PATH, body, key="operator_key")
    elsewhere = await either_world.post(PATH, body | {"channel": "wechat"})
    other = await either_world.post(PATH, body | {"text": "别的"})

    assert again.json() == first.json()
    assert elsewhere.json()["number"] != first.json()["number"]
    assert other.status_code == 202
    number = first.json()["number"]
    assert other.json()["number"] == number
    assert other.json()["message_id"], "what was edited is added"
    found = await either_world.get(f"{PATH}?channel=email&external_id=<m1@mail>")
    assert [one["number"] for one in found.json()["items"]] == [number]


async def test_equal_items_of_a_batch_and_of_its_repetition_are_one(world: World) -> None:
    items = [BODY | {"external_id": "a"}, BODY | {"external_id": "a"}, BODY]
    headers = {"Idempotency-Key": "batch-1"}

    first = await world.post(f"{PATH}:batch", {"items": items}, **headers)
    again = await world.post(f"{PATH}:batch", {"items": items}, **headers)

    numbers = [one["complaint"]["number"] for one in first.json()["items"]]
    assert numbers[0] == numbers[1] != numbers[2]
    assert [one["complaint"]["number"] for one in again.json()["items"]] == numbers
    assert await count(world) == 2


async def test_a_number_that_is_taken_is_drawn_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = (await post(world)).json()["number"]
    drawn = iter([taken, taken, new_number()])
    monkeypatch.setattr("services.intake.usecases.receive.new_number", lambda: next(drawn))

    answer = await post(world)

    assert answer.status_code == 202
    assert answer.json()["number"] != taken


@pytest.mark.req("R-032")
async def test_messages_are_added_at_any_time_each_once(either_world: World) -> None:
    number = (await post(either_world)).json()["number"]
    path = f"{PATH}/{number}/messages"
    long = "气死我了" * 2_500  # 10,000 characters

    first = await either_world.post(path, {"text": long}, **{"Idempotency-Key": "m"})
    again = await either_world.post(path, {"text": long}, **{"Idempotency-Key": "m"})
    angrier = await either_world.post(path, {"text": long})
    other = await either_world.post(path, {"text": "别的"}, **{"Idempotency-Key": "m"})

    assert [one.status_code for one in (first, again, angrier, other)] == [202, 202, 202, 422]
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    listed = (await either_world.get(path)).json()["items"]
    assert [one["text"] for one in listed] == [long, long]
    await either_world.settle()
    said = await either_world.said("intake", ComplaintMessageAdded)
    assert [(one.sequence, one.body.by) for one in said] == [(2, "complainant"), (3, "complainant")]


async def test_what_was_answered_waits_in_the_outbox_until_the_log_takes_it(world: World) -> None:
    receipt = await world.complain()
    assert await count(world) == await count(world, FRAME.outbox) == 1

    await world.settle()

    assert [one.subject for one in await world.said("intake", ComplaintReceived)] == [receipt["id"]]


async def test_too_long_an_outbox_answers_503(tmp_path: Path) -> None:
    async with open_world(tmp_path, services=("desk", "intake"), outbox_cap="1") as world:
        async with asyncio.timeout(5):
            while (answer := await post(world)).status_code == 202:
                await asyncio.sleep(0.05)

        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert answer.json()["type"] == "/problems/unavailable"


@pytest.mark.postgres
@pytest.mark.slow
async def test_with_the_database_gone_it_answers_503_and_goes_on_afterwards(
    own_postgres: Postgres, tmp_path: Path
) -> None:
    engines.create_databases(own_postgres.url, [f"x_{name}" for name in ("desk", "intake")])
    database = f"{own_postgres.url}/x_{{service}}"
    async with open_world(tmp_path, services=("desk", "intake"), database=database) as world:
        own_postgres.stop()
        away = await post(world, idempotency="k")
        own_postgres.start()
        back = await post(world, idempotency="k")

        assert away.status_code == 503
        assert away.headers["retry-after"]
        assert back.status_code == 202
        assert await count(world) == 1


async def test_with_the_database_file_not_writable_it_answers_503(world: World) -> None:
    database = world.service("intake").service.database
    # The disk is full: no page can be added to the file.
    async with database._writer.connect() as connection:
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
        await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    answers = [await post(world, {"text": "长" * 20_000}) for _ in range(3)]

    assert answers[-1].status_code == 503
    assert answers[-1].headers["retry-after"]
    assert await count(world) == sum(answer.status_code == 202 for answer in answers)
    assert await count(world, FRAME.outbox) == await count(world)
    async with database._writer.connect() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert (await post(world)).status_code == 202
