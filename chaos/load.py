"""Clients under whose load a system is broken: adapters that post and repeat until answered, and staff at work."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from chaos.fleet import Fleet
    from chaos.journal import Journal

TEXTS = (
    "空调坏了，没人来修，已经三天了",
    "电费多了一倍，要求校表",
    "外卖送来是凉的，还少了一份汤",
    "I was charged twice, please refund",
    "The parcel arrived broken and nobody answers the phone",
    "买的水泥结块了，要求退货",
    "嗯",
)
AGAIN = {httpx.codes.CONFLICT, httpx.codes.TOO_MANY_REQUESTS}
TRY_SECONDS = 5.0
PAUSES = (0.25, 0.5, 1.0, 2.0)
AT_ONCE = 64
"""Complaints on their way at once: what cannot be answered must not grow without end."""
GIVE_UP_SECONDS = 90.0
STAFF_PAUSE_SECONDS = 0.2
STAFF_TRIES = 5
STAFF = 3


@dataclass(slots=True)
class Told:
    """How the load went."""

    posted: int = 0
    accepted: int = 0
    refused: int = 0
    unanswered: int = 0
    """Keys that got no answer to the end."""
    handled: int = 0
    numbers: list[str] = field(default_factory=list)


class Load:
    """Posts `rate` complaints a second while it runs; every one is repeated with its key until it is answered."""

    def __init__(self, fleet: Fleet, journal: Journal, *, rate: float, seed: int) -> None:
        self.told = Told()
        self._fleet = fleet
        self._journal = journal
        self._rate = rate
        self._random = random.Random(seed)
        self._http = httpx.AsyncClient(timeout=TRY_SECONDS, trust_env=False)
        self._posting: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._seed = seed
        self._count = itertools.count(1)

    def start(self) -> None:
        staff = [asyncio.create_task(self._work_steadily(at)) for at in range(STAFF)]
        self._loops = [asyncio.create_task(self._post_steadily()), *staff]

    async def pause(self) -> None:
        """Post no more until started again; wait until everything posted is answered, or nobody will."""
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await asyncio.gather(*self._posting)

    async def stop(self) -> None:
        """Post no more, for good."""
        await self.pause()
        await self._http.aclose()

    async def post(self, count: int) -> list[str]:
        """Post some at once; their numbers."""
        before = len(self.told.numbers)
        await asyncio.gather(*(self._complain() for _ in range(count)))
        return self.told.numbers[before:]

    async def until_cases(self, numbers: list[str]) -> None:
        """Wait until each has a case with an owner or in triage."""
        for number in numbers:
            while not await self._case(number):
                await asyncio.sleep(0.02)

    async def _post_steadily(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if len(self._posting) >= AT_ONCE:
                await asyncio.wait(self._posting, return_when=asyncio.FIRST_COMPLETED)
                due = loop.time()
            task = asyncio.create_task(self._complain())
            self._posting.add(task)
            task.add_done_callback(self._posting.discard)
            due += 1 / self._rate
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _complain(self) -> None:
        key = f"{self._seed}-{next(self._count)}"
        chance = self._random.random()
        body: dict[str, Any] = {
            "text": f"{self._random.choice(TEXTS)} ({key})",
            "complainant": {"contacts": [{"type": "email", "value": f"c{key}@example.com"}]},
        }
        if chance < 0.05:  # noqa: PLR2004 - some cannot be written to
            body["complainant"] = {"anonymous": True}
        self.told.posted += 1
        end = asyncio.get_running_loop().time() + GIVE_UP_SECONDS
        for pause in itertools.chain(PAUSES, itertools.repeat(PAUSES[-1])):
            await self._fleet.any_ready()
            if chance > 0.9 and not body.get("attachments"):  # noqa: PLR2004 - some have a file
                body["attachments"] = await self._attach()
            # Never without the file: under the same key the same complaint must come again.
            if body.get("attachments") != [] and await self._try(key, body):
                return
            if asyncio.get_running_loop().time() > end:
                break
            await asyncio.sleep(pause * self._random.uniform(0.5, 1))
        self.told.unanswered += 1

    async def _try(self, key: str, body: dict[str, Any]) -> bool:
        self._journal.write("invoke", key=key)
        answer = await self._send("/intake/v1/complaints", json=body, key=key)
        if answer is None or answer.status_code in AGAIN or answer.is_server_error:
            self._journal.write("unknown", key=key, what=str(answer and answer.status_code))
            return False
        if answer.status_code != httpx.codes.ACCEPTED:
            self._journal.write("refused", key=key, what=answer.text[:500])
            self.told.refused += 1
            return True
        number = answer.json()["number"]
        self._journal.write("ok", key=key, number=number)
        self.told.accepted += 1
        self.told.numbers.append(number)
        return True

    async def _attach(self) -> list[dict[str, str]]:
        answer = await self._send("/intake/v1/attachments", content=b"a bill of 12.50")
        if answer is None or answer.status_code != httpx.codes.CREATED:
            return []
        return [{"id": answer.json()["id"]}]

    async def _send(self, path: str, *, key: str = "", **content: Any) -> httpx.Response | None:
        ready = [member for member in self._fleet.members if member.is_ready]
        member = self._random.choice(ready or self._fleet.members)
        headers = {"Authorization": f"Bearer {self._fleet.keys['adapter_key']}"}
        if "content" in content:
            headers["Content-Type"] = "text/plain"
        if key:
            headers["Idempotency-Key"] = key
        try:
            return await self._http.post(f"{member.url}{path}", headers=headers, **content)
        except httpx.HTTPError:
            return None

    async def _work_steadily(self, first: int) -> None:
        """A handler who takes some of the cases to their end, one after the other."""
        for at in itertools.count(first, 4 * STAFF):
            while at >= len(self.told.numbers):
                await asyncio.sleep(STAFF_PAUSE_SECONDS)
            self.told.handled += await self._handle(self.told.numbers[at])

    async def _handle(self, number: str) -> bool:
        told_at = datetime.now(UTC).isoformat()
        story: tuple[tuple[str, dict[str, Any]], ...] = (
            ("accept", {}),
            ("contact", {"heard": True, "restated": True, "apologised": True}),
            ("resolve", {"outcome": "upheld", "reason": "checked", "remedy": "done", "told_at": told_at}),
            ("callback", {"result": "satisfied"}),
            ("close", {}),
        )  # fmt: skip
        for name, body in story:
            if not await self._do(number, name, body):
                return False
        return True

    async def _do(self, number: str, name: str, body: dict[str, Any]) -> bool:
        """Issue a command, a few times if need be: the case moves, and processes go."""
        for _ in range(STAFF_TRIES):
            case = await self._case(number)
            if case is not None and await self._command(number, name, body, case["version"]):
                return True
            await asyncio.sleep(STAFF_PAUSE_SECONDS)
        return False

    async def _case(self, number: str) -> dict[str, Any] | None:
        answer = await self._as_operator("GET", f"/followup/v1/cases/{number}")
        if answer is None or answer.status_code != httpx.codes.OK:
            return None
        found: dict[str, Any] = answer.json()
        return found

    async def _command(self, number: str, name: str, body: dict[str, Any], version: int) -> bool:
        path = f"/followup/v1/cases/{number}/commands/{name}"
        answer = await self._as_operator("POST", path, body=body, version=version)
        return answer is not None and answer.is_success

    async def _as_operator(
        self, method: str, path: str, *, body: dict[str, Any] | None = None, version: int = 0
    ) -> httpx.Response | None:
        ready = [member for member in self._fleet.members if member.is_ready]
        member = self._random.choice(ready or self._fleet.members)
        headers = {
            "Authorization": f"Bearer {self._fleet.keys['operator_key']}",
            "If-Match": f'"{version}"',
        }
        try:
            return await self._http.request(
                method, f"{member.url}{path}", headers=headers, json=body
            )
        except httpx.HTTPError:
            return None
