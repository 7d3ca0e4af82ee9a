"""The steps of a case as people take them, short to write down."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.service.followup.bench import Bench

DAY = timedelta(days=1)


async def work_out(
    bench: Bench, number: str, *, outcome: str = "upheld", code: str = "process"
) -> None:
    """Accept, contact with an apology, find the cause, decide."""
    await bench.do(number, "accept")
    await bench.do(number, "contact", {"restated": True, "apologised": True})
    await bench.do(number, "find_cause", {"code": code, "text": "查明原因", "preliminary": False})
    await bench.do(
        number, "decide", {"outcome": outcome, "reason": "核实属实", "evidence": ["工单记录"]}
    )


async def propose(bench: Bench, number: str, *what: str) -> dict[str, Any]:
    """Offer actions, each due in a day."""
    due = (bench.clock.now() + DAY).isoformat()
    actions = [{"what": one, "owner": "an", "due_at": due} for one in what or ("上门维修",)]
    return await bench.do(number, "propose", {"actions": actions, "impact": "客户无法使用"})


async def execute(bench: Bench, number: str) -> None:
    """Do everything that was accepted."""
    for action in (await bench.case(number))["solutions"][-1]["actions"]:
        await bench.do(number, "execute", {"action": action["id"], "evidence": ["照片"]})


async def whole_way(bench: Bench, number: str) -> dict[str, Any]:
    """All steps to the resolution."""
    await work_out(bench, number)
    await propose(bench, number)
    await bench.do(number, "answer", {"accepted": True, "channel": "phone"})
    await execute(bench, number)
    told = {"outcome": "upheld", "reason": "核实属实", "remedy": "已维修"}
    return await bench.do(number, "resolve", told | {"told_at": bench.clock.now().isoformat()})
