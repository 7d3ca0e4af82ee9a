"""A case page's time against the time of the API calls that it makes, and the time of commands, at steady rates."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from itertools import cycle
from secrets import token_hex
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import httpx

from bench import children
from bench.client import LoadFailed
from bench.model import Measure, percentile
from dev.process import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

    from bench.plan import Bench, Plan

GATE: Final = 2.5
P99_MS: Final = 300.0
RATE: Final = 10.0
"""Pages a second, as of some fifty people who work quickly."""
COMMANDS_RATE: Final = 50.0
COMMANDS_P99_MS: Final = 80.0
CASES: Final = 40
"""Commands go to so many cases in turn, as they do: a case with a thousand notes is nobody's."""
WITHIN_SECONDS: Final = 30.0
TEXT: Final = "上个月电费多收了两百多块，打了两次电话都没人处理，要求退还。"
CALLS: Final = (
    "/followup/v1/cases/{number}/whole",
    "/intake/v1/complaints/{number}",
    "/routing/v1/decisions/{number}",
)
"""What the page asks (services/desk/pages/case.py)."""
_MS: Final = 1000


def steps(plan: "Plan") -> int:
    return 2 * plan.rounds + 1


async def measure(bench: "Bench") -> list[Measure]:
    """The median of each round, page and calls in turn; and the slowest hundredth of all pages."""
    folder, plan = bench.folder / "desk", bench.plan
    pages: list[list[float]] = []
    calls: list[list[float]] = []
    async with (
        children.product(folder=folder) as child,
        httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{child.port}", trust_env=False) as client,
    ):
        numbers = [await _complain(client, folder) for _ in range(CASES)]
        for number in numbers:
            await _until_assigned(client, folder, number)
        token = await _sign_in(client, folder)

        async def page() -> None:
            await _get(client, f"/desk/cases/{number}", {})

        async def api() -> None:
            await asyncio.gather(*(_get(client, one.format(number=number), token) for one in CALLS))

        await _at_rate(page, plan.warm_up_seconds, RATE)
        for at in range(plan.rounds):
            bench.step(f"case page: round {at + 1}, its API calls")
            calls.append(await _at_rate(api, plan.load_seconds, RATE))
            bench.step(f"case page: round {at + 1}, the page")
            pages.append(await _at_rate(page, plan.load_seconds, RATE))
        bench.step("commands on cases")
        places = cycle(numbers)

        async def note() -> None:
            await _note(client, folder, next(places))

        await _at_rate(note, plan.warm_up_seconds, COMMANDS_RATE)
        commands = await _at_rate(note, 2 * plan.load_seconds, COMMANDS_RATE)
    return [
        Measure("case_page", f"A case page at {RATE:.0f}/s, against its API calls", "ms", "lower",
                tuple(median(one) for one in pages), tuple(median(one) for one in calls), target=GATE, gate=True),
        Measure("case_page_p99", "The slowest hundredth of case pages", "ms", "lower",
                (percentile([one for each in pages for one in each], 0.99),), target=P99_MS),
        Measure("command_p99", f"The slowest hundredth of commands at {COMMANDS_RATE:.0f}/s", "ms", "lower",
                (percentile(commands, 0.99),), target=COMMANDS_P99_MS),
    ]  # fmt: skip


async def _at_rate(do: Callable[[], Awaitable[None]], seconds: float, rate: float) -> list[float]:
    """Milliseconds of each, from when it was due."""
    taken: list[float] = []
    begun = time.perf_counter()

    async def one(due: float) -> None:
        await do()
        taken.append((time.perf_counter() - due) * _MS)

    async with asyncio.TaskGroup() as group:
        for at in range(max(1, round(seconds * rate))):
            due = begun + at / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(due))
    return taken


async def _get(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    answer = await client.get(path, headers=headers)
    if answer.status_code != HTTPStatus.OK:
        raise LoadFailed(f"{path}: {answer.status_code}")


async def _note(client: httpx.AsyncClient, folder: "Path", number: str) -> None:
    headers = {
        "Authorization": f"Bearer {_first_run(folder)['operator_key']}",
        "If-Match": "*",
        "Idempotency-Key": token_hex(8),
    }
    path = f"/followup/v1/cases/{number}/commands/note"
    answer = await client.post(path, json={"text": TEXT}, headers=headers)
    if answer.status_code != HTTPStatus.OK:
        raise LoadFailed(f"{path}: {answer.status_code}")


async def _complain(client: httpx.AsyncClient, folder: "Path") -> str:
    """A complaint's number."""
    headers = {"Authorization": f"Bearer {children.adapter_key(folder)}"}
    answer = await client.post("/intake/v1/complaints", json={"text": TEXT}, headers=headers)
    return str(answer.json()["number"])


async def _until_assigned(client: httpx.AsyncClient, folder: "Path", number: str) -> None:
    """Wait until a case has a handler. Raises LoadFailed."""
    headers = {"Authorization": f"Bearer {_first_run(folder)['operator_key']}"}
    end = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < end:
        answer = await client.get(f"/followup/v1/cases/{number}", headers=headers)
        if answer.status_code == HTTPStatus.OK and answer.json()["owner"]["handler"]:
            return
        await asyncio.sleep(0.1)
    raise LoadFailed(f"{number} has no handler in time")


async def _sign_in(client: httpx.AsyncClient, folder: "Path") -> dict[str, str]:
    """A handler's session in the client, and the same handler's token."""
    account = _first_run(folder)["accounts"]["handler"]
    entered = await client.post("/desk/login", data=account)
    made = await client.post("/desk/v1/tokens", json=account)
    if entered.status_code != HTTPStatus.SEE_OTHER or made.status_code != HTTPStatus.CREATED:
        raise LoadFailed("the handler of first-run.json cannot sign in")
    return {"Authorization": f"Bearer {made.json()['token']}"}


def _first_run(folder: "Path") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "first-run.json").read_text(encoding="utf-8"))
    return found
