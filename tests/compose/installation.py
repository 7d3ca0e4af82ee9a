"""An installation in containers, seen from the host: through its gateway, and through Docker."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Self

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from dev.compose import Stack

SERVICES = ("desk", "intake", "routing", "followup", "notify")
RUNNING = (*SERVICES, "gateway", "kafka", "postgres")


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run docker and take what it says."""
    return subprocess.run(
        ["docker", *arguments],  # noqa: S607 - whichever docker this machine has
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=check,
    )


def until(condition: Callable[[], bool], *, within: float, what: str) -> None:
    """Look again until it holds; fail after `within` seconds."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"not within {within:.0f} s: {what}"
        time.sleep(0.1)


@dataclass(frozen=True)
class Installation:
    """What the tests ask and do."""

    stack: Stack
    url: str

    def client(self, key: str = "operator_key") -> httpx.Client:
        first_run = json.loads((self.stack.secrets / "first-run.json").read_text())
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {first_run[key]}"},
            timeout=10,
            trust_env=False,
        )

    def containers(self, service: str) -> list[str]:
        """Ids of a service's containers, one a replica."""
        return self.stack.compose("ps", "--quiet", service).stdout.split()

    def inspect(self, service: str) -> dict[str, Any]:
        [container] = self.containers(service)
        [found] = json.loads(docker("inspect", container).stdout)
        assert isinstance(found, dict)
        return found

    def inside(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a service's container, as that container's user."""
        return docker("exec", self.containers(service)[0], *command, check=False)

    def take_on_handlers(self, count: int) -> None:
        """More people to give complaints to: one has room for a thousand, and the loads bring more."""
        with self.client() as client:
            for at in range(count):
                name = f"handler-{at}"
                body = {
                    "login": name,
                    "display": name,
                    "role": "handler",
                    "password": secrets.token_hex(8),
                }
                client.post("/desk/v1/accounts", json=body).raise_for_status()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`redress …` in a container of its own, as docs/deploy.md tells operators."""
        return self.stack.compose("run", "--rm", "-T", "redress", *arguments, check=False)

    def logs(self) -> str:
        return self.stack.compose("logs", "--no-color", "--tail", "25", check=False).stdout

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def events(self) -> list[dict[str, Any]]:
        """Everything in the feed."""
        found: list[dict[str, Any]] = []
        after = "beginning"
        with self.client() as client:
            while True:
                answer = client.get("/notify/v1/events", params={"after": after, "limit": 200})
                page = answer.raise_for_status().json()
                if not page["items"]:
                    return found
                found += page["items"]
                after = page["next"]

    def count(self, type_: str) -> dict[str, int]:
        """How often each complaint has an event of this type."""
        counts: dict[str, int] = {}
        for event in self.events():
            if event["type"] == f"redress.{type_}.v1":
                number = event["data"]["number"]
                counts[number] = counts.get(number, 0) + 1
        return counts

    def must_have_served(self, numbers: set[str], *, within: float = 90) -> None:
        """Assert that each has one case with an owner and one message, and that nothing is twice."""

        def is_served() -> bool:
            told = self.count("message.accepted")
            return all(number in told for number in numbers)

        until(is_served, within=within, what="every complaint has its message")
        for type_ in ("case.opened", "complaint.assigned", "message.accepted"):
            counts = self.count(type_)
            missing, twice = numbers - counts.keys(), {n for n in numbers if counts.get(n, 0) > 1}
            assert (missing, twice) == (set(), set()), f"{type_}: missing {missing}, twice {twice}"


def complaint(number: int) -> dict[str, Any]:
    return {
        "text": f"空调坏了，第 {number} 次没人来修",
        "complainant": {
            "name": "王女士",
            "contacts": [{"type": "email", "value": f"w{number}@example.com"}],
        },
    }


class Load:
    """Posts complaints one after another, each until it is taken, from the block's begin to its end."""

    def __init__(self, installation: Installation, *, name: str, pause: float = 0.1) -> None:
        self._installation = installation
        self._name = name
        self._pause = pause
        self._enough = Event()
        self._thread = Thread(target=self._run)
        self.taken: dict[str, str] = {}
        """Idempotency-Key → number."""
        self.surprises: list[str] = []
        """Answers that no adapter should have to understand."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._enough.set()
        self._thread.join(timeout=120)
        assert not self._thread.is_alive(), "the last complaint was never taken"

    @property
    def numbers(self) -> set[str]:
        return set(self.taken.values())

    def _run(self) -> None:
        with self._installation.client("adapter_key") as client:
            while not self._enough.is_set():
                self._post(client, len(self.taken))
                self._enough.wait(self._pause)

    def _post(self, client: httpx.Client, index: int) -> None:
        key = f"{self._name}-{index}"
        while True:
            try:
                answer = client.post(
                    "/intake/v1/complaints", json=complaint(index), headers={"Idempotency-Key": key}
                )
            except httpx.TransportError:
                time.sleep(0.2)  # the gateway itself starts again
                continue
            if answer.status_code == httpx.codes.ACCEPTED:
                self.taken[key] = answer.json()["number"]
                return
            self._note(answer)
            time.sleep(0.2)

    def _note(self, answer: httpx.Response) -> None:
        is_plain = answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and (
            answer.headers.get("Content-Type", "").startswith("application/problem+json")
            and "Retry-After" in answer.headers
        )
        if not is_plain and answer.status_code != httpx.codes.CONFLICT:
            self.surprises.append(f"{answer.status_code} {answer.text[:200]}")
