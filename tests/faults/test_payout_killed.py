"""Kill -9 around approval and payout: one payout an approval, none without, and the ledger balances."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.faults.system import System

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

FAULTS = {
    "before": [f"followup.before_commit:kill@{at}" for at in range(1, 6)],
    "after": [f"followup.after_commit:kill@{at}" for at in range(1, 6)],
    "read": [f"relay.after_read:kill@{at}" for at in range(1, 6)],
    "told": [f"relay.after_ack:kill@{at}" for at in range(1, 6)],
}
"""Twenty kills, five to a system, each while one case is offered, approved, answered, paid and confirmed."""
REACHED_WITHIN, REST_WITHIN = 20.0, 60.0
OFFER = {
    "remedy": "goodwill", "reason": "等待过久", "calculation": "按等待时长酌定",
    "amount": {"amount": "120.00", "currency": "CNY"},
}  # fmt: skip
REMEDY = {"remedy": "r1.1"}
STEPS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("offer_remedy", "handler", OFFER),
    ("decide_remedy", "supervisor", REMEDY | {"approved": True}),
    ("answer_remedy", "handler", REMEDY | {"accepted": True, "channel": "phone"}),
    ("pay_remedy", "handler", REMEDY),
    ("confirm_payout", "handler", {"reference": "{number}-r1.1-1", "receipt": "B-{number}"}),
)


async def as_staff(system: System, role: str) -> dict[str, str]:
    account = system.keys["accounts"][role]
    body = {"login": account["login"], "password": account["password"]}
    async with system.client() as client:
        made = (await client.post("/desk/v1/tokens", json=body)).json()
    return {"Authorization": f"Bearer {made['token']}"}


async def command(
    system: System, number: str, name: str, body: dict[str, Any], headers: dict[str, str]
) -> httpx.Response:
    filled = {
        key: value.format(number=number) if isinstance(value, str) else value
        for key, value in body.items()
    }
    async with system.client() as client:
        return await client.post(
            f"/followup/v1/cases/{number}/commands/{name}",
            json=filled,
            headers={"If-Match": "*"} | headers,
        )


async def accepted(system: System, key: str) -> str:
    """A complaint that its handler has taken on; gives its number."""
    made = await system.complain(key)
    assert made is not None
    number: str = made["number"]
    path = f"/followup/v1/cases/{number}"
    async with asyncio.timeout(REST_WITHIN), system.client() as client:
        while True:
            answer = await client.get(path)
            if answer.is_success and answer.json()["owner"]["handler"]:
                break
            await asyncio.sleep(0.1)
    done = await command(system, number, "accept", {}, await as_staff(system, "handler"))
    assert done.is_success, done.text
    return number


async def settle(system: System, number: str) -> bool:
    """Go through all steps, some of which may be done already; False where the system is gone."""
    try:
        headers = {role: await as_staff(system, role) for role in ("handler", "supervisor")}
        for name, role, body in STEPS:
            key = {"Idempotency-Key": f"{number}-{name}"}
            await command(system, number, name, body, headers[role] | key)
    except httpx.HTTPError:
        return False
    return True


async def until_told(system: System, numbers: list[str]) -> list[dict[str, Any]]:
    """The feed, once it says of all that they are paid."""
    async with asyncio.timeout(REST_WITHIN):
        while True:
            events = await system.events()
            if set(of_type(events, "paid")) >= set(numbers):
                return events
            await asyncio.sleep(0.2)


def of_type(events: list[dict[str, Any]], name: str) -> Counter[str]:
    type_ = f"redress.remedy.{name}.v1"
    return Counter(one["data"]["number"] for one in events if one["type"] == type_)


@pytest.mark.parametrize("step", FAULTS)
async def test_a_kill_at_any_step_makes_neither_two_payouts_nor_one_without_approval(
    step: str, seeded_folder: Path, tmp_path: Path
) -> None:
    """INVARIANT: one approval makes one payout, whatever dies when.

    Saying the payout outside the transaction that records it, or posting to the ledger after it, would break this.
    """
    folder = tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    system = System(folder)
    assert await system.start()
    numbers = [await accepted(system, f"k{at}") for at in range(len(FAULTS[step]))]
    assert await system.stop() == 0
    for number, fault in zip(numbers, FAULTS[step], strict=True):
        if await system.start(fault=fault):
            await settle(system, number)
            assert await system.ended(REACHED_WITHIN), f"{fault} was never reached"
        await system.stop(kill=True)

    assert await system.start()
    for number in numbers:
        assert await settle(system, number)
    events = await until_told(system, numbers)
    async with system.client() as client:
        balance = (await client.get("/followup/v1/ledger/balance")).json()
        cases = [(await client.get(f"/followup/v1/cases/{one}")).json() for one in numbers]
    assert await system.stop() == 0

    for name in ("proposed", "approved", "payout_requested", "paid"):
        assert of_type(events, name) == Counter(numbers), name
    for case in cases:
        [remedy] = case["remedies"]
        assert (remedy["state"], remedy["attempts"]) == ("paid", 1)
        assert remedy["approved_by"] not in {None, remedy["proposed_by"]}
    assert balance["balanced"]
    paid = f"{120 * len(numbers)}.00"
    assert balance["accounts"]["CNY"] == {
        "budget": f"-{paid}", "committed": "0.00", "requested": "0.00", "paid": paid,
    }  # fmt: skip
