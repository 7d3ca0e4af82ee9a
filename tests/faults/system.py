"""A whole system in a process of its own, to be killed and started again on the same data."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

START_SECONDS = 30.0
ROOT = Path(__file__).parents[2]


class System:
    """`start` it, `post` to it, kill it by a fault, start it again."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    async def start(
        self, *, fault: str = "", services: tuple[str, ...] = (), within: float = START_SECONDS
    ) -> bool:
        """Start and wait until ready; False when a fault ended it before."""
        environment = os.environ | {
            "REDRESS_DATA": str(self.folder),
            "REDRESS_PORT": "0",
            "FAULT": fault,
            **self._environment,
        }
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "chaos.child", *services],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(self._process.stdout.readline), within)
        self.url = line.decode().removeprefix("ready ").strip()
        return bool(line)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def ended(self, seconds: float) -> bool:
        """Wait until a fault has ended it, at most so long."""
        assert self._process is not None
        try:
            await asyncio.to_thread(self._process.wait, seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    async def stop(self, *, kill: bool = False) -> int:
        """End it and say how it ended."""
        assert self._process is not None
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        code = await asyncio.to_thread(self._process.wait, 20)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code

    @property
    def keys(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "first-run.json").read_text())
        return found

    def client(self, key: str = "operator_key") -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.keys[key]}"},
            timeout=5,
            trust_env=False,
        )

    async def complain(self, key: str, text: str = "空调坏了，没人来修") -> dict[str, Any] | None:
        """One try of a POST that is safe to repeat; None when nothing is known of it."""
        body = {
            "text": text,
            "complainant": {
                "name": "王女士",
                "contacts": [{"type": "email", "value": "w@example.com"}],
            },
        }
        try:
            async with self.client("adapter_key") as client:
                answer = await client.post(
                    "/intake/v1/complaints", json=body, headers={"Idempotency-Key": key}
                )
        except httpx.HTTPError:
            return None
        if answer.status_code != httpx.codes.ACCEPTED:
            return None
        found: dict[str, Any] = answer.json()
        return found

    async def events(self) -> list[dict[str, Any]]:
        """Everything in the feed."""
        found: list[dict[str, Any]] = []
        after = "beginning"
        async with self.client() as client:
            while True:
                page = (
                    await client.get("/notify/v1/events", params={"after": after, "limit": 200})
                ).json()
                if not page["items"]:
                    return found
                found += page["items"]
                after = page["next"]

    async def until_told(self, number: str, *, seconds: float = 20) -> None:
        """Wait until the customer was told about a complaint."""
        async with asyncio.timeout(seconds):
            while not any(
                event["type"] == "redress.message.accepted.v1" and event["data"]["number"] == number
                for event in await self.events()
            ):
                await asyncio.sleep(0.05)
