"""Who may command what, when, and that each command is done once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.followup.policy.lifecycle import COMMANDS
from shared.contracts.followup import CaseChanged, CaseResolved
from tests.service.followup.bench import open_bench, resolution

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.followup.bench import Bench

PATHS = ("", "/timeline", "/clocks?explain=1")


def fields(answer: Any) -> list[str]:
    return [one["field"] for one in answer.json()["errors"]]


async def test_checks_come_in_the_order_version_role_facts(bench: Bench) -> None:
    _, number = await bench.assigned()
    path = f"/followup/v1/cases/{number}/commands/resolve"
    body = resolution(bench.clock.now())
    caller = bench.as_staff("cai")  # may not resolve, and nothing is ready for it either

    without = await bench.client.post(path, json=body, headers=caller)
    assert (without.status_code, without.json()["type"]) == (428, "/problems/precondition-required")
    stale = await bench.client.post(path, json=body, headers=caller | {"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/stale")
    version = (await bench.case(number))["version"]
    current = {"If-Match": f'"{version}"'}
    role = await bench.client.post(path, json=body, headers=caller | current)
    assert (role.status_code, role.json()["type"]) == (403, "/problems/forbidden")
    facts = await bench.client.post(path, json=body, headers=bench.as_staff("an") | current)
    assert (facts.status_code, facts.json()["type"]) == (409, "/problems/conflict")
    assert fields(facts) == ["accepted", "contacted"]
    assert (await bench.case(number))["version"] == version


async def test_without_the_right_to_write_it_is_403_also_for_keys(bench: Bench) -> None:
    _, number = await bench.assigned()

    for who in (bench.as_key("reader"), bench.as_staff("au"), bench.as_key("stranger")):
        assert (await bench.command(number, "accept", **who)).status_code == 403
    unknown = await bench.command(number, "accept", Authorization="Bearer rk_nobody_nothing")
    assert unknown.status_code == 401
    assert (await bench.case(number))["state"] == "assigned"


async def test_the_actor_is_the_credentials_and_a_handler_accepts_only_what_is_theirs(
    bench: Bench,
) -> None:
    subject, number = await bench.assigned()

    assert (await bench.command(number, "accept", **bench.as_staff("bo"))).status_code == 403
    case = await bench.do(number, "accept", {"by": "account/bo"}, **bench.as_staff("an"))

    assert case["state"] == "accepted"
    [accepted] = [one for one in await bench.said(subject, CaseChanged) if one.what == "accept"]
    assert accepted.by == "account/an"


async def test_the_handler_does_not_make_their_own_callback(bench: Bench) -> None:
    _, number = await bench.assigned()
    await bench.resolved(number)

    own = await bench.command(number, "callback", {"result": "satisfied"}, **bench.as_staff("an"))
    assert own.status_code == 403
    case = await bench.do(number, "callback", {"result": "satisfied"}, **bench.as_staff("cai"))
    assert case["callback_result"] == "satisfied"


async def test_a_callback_is_settled_once_but_an_unreached_one_may_be_tried_again(
    bench: Bench,
) -> None:
    _, number = await bench.assigned()
    await bench.resolved(number)

    await bench.do(number, "callback", {"result": "unreached"})
    await bench.do(number, "callback", {"result": "neutral"})
    refused = await bench.command(number, "callback", {"result": "satisfied"})

    assert refused.status_code == 409
    assert fields(refused) == ["callback_open"]
    assert (await bench.do(number, "close"))["callback_result"] == "neutral"


async def test_a_command_out_of_its_state_names_the_state(bench: Bench) -> None:
    _, number = await bench.assigned()
    await bench.do(number, "accept")

    for name, body in (("accept", {}), ("reopen", {"reason": "again"})):
        refused = await bench.command(number, name, body)
        assert (refused.status_code, fields(refused)) == (409, ["state"])


async def test_refusals_are_told_in_the_callers_language(bench: Bench) -> None:
    _, number = await bench.receive()

    refused = await bench.command(number, "accept", **{"Accept-Language": "zh-CN"})

    assert refused.json()["errors"] == [
        {"field": "assigned", "code": "missing", "message": "尚未派单"}
    ]


async def test_the_same_idempotency_key_does_a_command_once(bench: Bench) -> None:
    subject, number = await bench.assigned()
    version = (await bench.case(number))["version"]
    headers = {"If-Match": f'"{version}"', "Idempotency-Key": "once"}

    first = await bench.command(number, "accept", **headers)
    again = await bench.command(number, "accept", **headers)
    other = await bench.command(number, "contact", **headers)

    assert (first.status_code, again.status_code) == (200, 200)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert other.status_code == 422
    accepted = [one for one in await bench.said(subject, CaseChanged) if one.what == "accept"]
    assert len(accepted) == 1


async def test_a_refused_command_leaves_its_idempotency_key_free(bench: Bench) -> None:
    _, number = await bench.assigned()
    headers = {"Idempotency-Key": "later"}
    body = resolution(bench.clock.now())

    assert (await bench.command(number, "resolve", body, **headers)).status_code == 409
    await bench.do(number, "accept")
    await bench.do(number, "contact")
    assert (await bench.command(number, "resolve", body, **headers)).status_code == 200


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("resolve", {}, "outcome"),
        ("resolve", {"outcome": "maybe"}, "outcome"),
        ("resolve", {"told_at": "2026-03-02T09:00:00"}, "told_at"),
        ("resolve", {"told_at": "2026-03-02T09:30:00+08:00", "outcome": "upheld", "reason": "x"}, "told_at"),
        ("resolve", {"reason": "  "}, "reason"),
        ("resolve", {"reason": "x" * 2_001}, "reason"),
        ("contact", {"heard": "yes"}, "heard"),
        ("contact", {"promised": {"what": "call", "by": "2026-03-02T08:59:00+08:00"}}, "promised.by"),
        ("callback", {"result": "happy"}, "result"),
        ("callback", {"result": "skipped"}, "note"),
        ("reopen", {}, "reason"),
    ],
)  # fmt: skip
async def test_bad_input_names_the_field_and_changes_nothing(
    bench: Bench, name: str, body: dict[str, object], field: str
) -> None:
    _, number = await bench.assigned()
    before = await bench.case(number)

    refused = await bench.command(number, name, body)

    assert refused.status_code == 422
    assert field in fields(refused)
    assert await bench.case(number) == before


async def test_another_unit_has_no_such_case_anywhere(bench: Bench) -> None:
    _, number = await bench.assigned(unit="north")
    south, north = bench.as_key("south"), bench.as_key("north")

    for path in PATHS:
        assert (await bench.get(f"/cases/{number}{path}", **south)).status_code == 404
        assert (await bench.get(f"/cases/{number}{path}", **north)).status_code == 200
    assert (await bench.get("/cases", **south)).json() == {"items": [], "next": None}
    for query in ("state=assigned", "handler=an", "team=service"):
        assert (await bench.get(f"/cases?{query}", **south)).json()["items"] == []
        assert len((await bench.get(f"/cases?{query}", **north)).json()["items"]) == 1
    for name, body in (
        ("accept", {}),
        ("contact", {}),
        ("resolve", resolution(bench.clock.now())),
        ("callback", {"result": "satisfied"}),
        ("close", {}),
        ("reopen", {"reason": "x"}),
    ):
        assert (await bench.command(number, name, body, **south)).status_code == 404
    assert (await bench.case(number))["state"] == "assigned"


async def test_what_is_said_carries_the_units_name(bench: Bench) -> None:
    from sqlalchemy import select

    from services.followup.store import CLOCK_FACTS, FACTS, FRAME

    await bench.assigned(unit="north")

    async with bench.service.database.reading() as connection:
        said = (await connection.execute(select(FRAME.outbox.c.event))).scalars().all()
        kept = [
            set((await connection.execute(select(table.c.unit))).scalars())
            for table in (FACTS, CLOCK_FACTS)
        ]
    assert all('"unit":"north"' in event for event in said)
    assert kept == [{"north"}, {"north"}]


async def test_the_list_pages_by_key_and_filters(bench: Bench) -> None:
    numbers = [(await bench.assigned())[1] for _ in range(5)]
    await bench.do(numbers[0], "accept")

    seen, after = [], ""
    while True:
        page = (await bench.get(f"/cases?limit=2{after}")).json()
        seen += [one["number"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert sorted(seen) == sorted(numbers)
    accepted = (await bench.get("/cases?state=accepted")).json()["items"]
    assert [one["number"] for one in accepted] == [numbers[0]]
    assert (await bench.get("/cases?handler=bo")).json()["items"] == []
    for wrong in ("state=gone", "limit=0", "limit=201", "after=x"):
        assert (await bench.get(f"/cases?{wrong}")).status_code == 422


async def test_the_lifecycle_is_served_as_data(bench: Bench) -> None:
    shown = (await bench.get("/lifecycle")).json()

    commands = {one["name"]: one for one in shown["commands"]}
    assert list(commands) == list(COMMANDS)
    assert commands["confirm_decision"]["who"] == "second_person"
    assert "reason" in commands["reopen"]["body"]["properties"]
    assert {"name", "zh", "en"} <= set(shown["states"][0])


async def test_commands_at_once_are_done_one_after_the_other(bench: Bench) -> None:
    subject, number = await bench.assigned()
    await bench.do(number, "accept")
    await bench.do(number, "contact")
    version = (await bench.case(number))["version"]
    body = resolution(bench.clock.now())

    answers = await asyncio.gather(
        *(bench.command(number, "resolve", body, **{"If-Match": f'"{version}"'}) for _ in range(8))
    )

    assert sorted(one.status_code for one in answers) == [200, *[412] * 7]
    assert len(await bench.said(subject, CaseResolved)) == 1


@pytest.mark.postgres
async def test_of_two_replicas_with_the_same_command_at_once_one_wins(
    own_database: str, tmp_path: Path
) -> None:
    async with (
        open_bench(tmp_path, database=own_database) as one,
        open_bench(tmp_path, database=own_database) as two,
    ):
        for _ in range(5):
            subject, number = await one.assigned()
            version = (await one.case(number))["version"]
            sure = {"If-Match": f'"{version}"'}

            answers = await asyncio.gather(
                *(each.command(number, "accept", **sure) for each in (one, two, one, two))
            )
            assert sorted(each.status_code for each in answers) == [200, 412, 412, 412]

            answers = await asyncio.gather(
                *(each.command(number, "accept") for each in (one, two))
            )  # any version: the state forbids it
            assert [each.status_code for each in answers] == [409, 409]
            said = [body for body in await one.said(subject, CaseChanged) if body.what == "accept"]
            assert len(said) == 1


@pytest.mark.postgres
async def test_of_two_replicas_one_notices_a_missed_clock(
    own_database: str, tmp_path: Path
) -> None:
    async with (
        open_bench(tmp_path, database=own_database) as one,
        open_bench(tmp_path, database=own_database) as two,
    ):
        _, number = await one.assigned(severity="high")
        for each in (one, two):
            each.clock.advance(timedelta(hours=3))

        await asyncio.gather(one.timers.fire_due(), two.timers.fire_due())

        assert (await two.case(number))[
            "escalation_level"
        ] == 3  # the pack: what was missed goes there at once
