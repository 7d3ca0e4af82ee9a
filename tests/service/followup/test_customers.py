"""What the customer can do with number and code."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.contracts.followup import CaseClosed, CaseEscalated
from tests.service.followup.bench import CODE
from tests.service.followup.steps import propose, work_out

if TYPE_CHECKING:
    from tests.service.followup.bench import Bench
    from tests.world import World


async def ask(bench: Bench, number: str, name: str, body: object = None, **headers: str) -> Any:
    path = f"/followup/v1/public/cases/{number}/commands/{name}"
    sent = {"Redress-Code": CODE} | headers
    return await bench.client.post(path, json=body if body is not None else {}, headers=sent)


async def look(bench: Bench, number: str) -> Any:
    path = f"/followup/v1/public/cases/{number}"
    return (await bench.client.get(path, headers={"Redress-Code": CODE})).json()


async def test_the_customer_says_yes_or_no_to_what_is_proposed(bench: Bench) -> None:
    _, number = await bench.assigned()
    assert (await ask(bench, number, "answer", {"accepted": True})).status_code == 409
    await work_out(bench, number)
    await propose(bench, number, "上门维修")
    shown = await look(bench, number)
    assert [one["what"] for one in shown["offer"]["actions"]] == ["上门维修"]
    assert "owner" not in str(shown["offer"])
    assert shown["may"] == ["answer", "add", "withdraw", "ask_supervisor"]

    key = {"Idempotency-Key": "once"}
    no = {"accepted": False, "reason": "太慢"}
    answer = await ask(bench, number, "answer", no, **key)
    again = await ask(bench, number, "answer", no, **key)

    assert (answer.status_code, answer.json()["offer"]) == (200, None)
    assert again.headers["Idempotent-Replayed"] == "true"
    solution = (await bench.case(number))["solutions"][0]
    assert (solution["answer"], solution["channel"]) == ("refused", "web")
    story = (await bench.get(f"/cases/{number}/timeline")).json()["items"]
    assert [one["by"] for one in story if one["fact"] == "answered"] == ["complainant"]


@pytest.mark.parametrize(("accepted", "cycle"), [(True, 1), (False, 2)])
async def test_once_resolved_the_customer_says_whether_it_is_solved(
    bench: Bench, accepted: bool, cycle: int
) -> None:
    _, number = await bench.assigned()
    await bench.resolved(number)
    shown = await look(bench, number)
    assert (shown["result"]["outcome"], shown["may"][0]) == ("upheld", "answer")

    await ask(bench, number, "answer", {"accepted": accepted})

    assert (await bench.case(number))["cycle"] == cycle


async def test_the_customer_withdraws_or_asks_for_a_supervisor(bench: Bench) -> None:
    subject, number = await bench.assigned()

    await ask(bench, number, "ask_supervisor", {"reason": "没人理"})
    [escalated] = await bench.said(subject, CaseEscalated)
    assert (escalated.what, escalated.escalation_level) == ("customer_asks", 2)
    answer = await ask(bench, number, "withdraw")

    assert answer.json()["closed"] is True
    assert answer.json()["may"] == ["add"]
    assert len(await bench.said(subject, CaseClosed)) == 1
    assert (await ask(bench, number, "withdraw")).status_code == 409


async def test_without_the_code_nothing_can_be_done_and_it_is_throttled(bench: Bench) -> None:
    _, number = await bench.assigned()
    wrong = {"Redress-Code": "AAAA-BBBB-CCCC-DDDE"}

    for name in ("answer", "withdraw", "ask_supervisor", "add"):
        assert (await ask(bench, number, name, {"text": "x"}, **wrong)).status_code == 404
    tries = [(await ask(bench, number, "withdraw", **wrong)).status_code for _ in range(20)]

    assert 429 in tries
    bench.clock.advance(timedelta(minutes=5))
    assert (await bench.case(number))["state"] == "assigned"
    for name in ("accept", "close", "resolve"):
        assert (await ask(bench, number, name)).status_code in (404, 405)


async def test_what_the_customer_adds_goes_to_the_vault_and_awaits_review(world: World) -> None:
    made = await world.complain()
    await world.settle()
    path = f"/followup/v1/public/cases/{made['number']}/commands/add"
    headers = {"Redress-Code": made["code"], "Idempotency-Key": "k"}

    first = await world.client.post(path, json={"text": "我叫王小明，又坏了"}, headers=headers)
    again = await world.client.post(path, json={"text": "我叫王小明，又坏了"}, headers=headers)
    await world.settle()

    assert (first.status_code, again.status_code) == (202, 202)
    case = (await world.get(f"/followup/v1/cases/{made['number']}")).json()
    assert len(case["awaiting_review"]) == 1
    kept = (await world.get(f"/intake/v1/complaints/{made['number']}/messages")).json()["items"]
    assert len(kept) == 1
    story = await world.get(f"/followup/v1/cases/{made['number']}/timeline")
    assert "王小明" not in story.text
