"""The services' HTTP APIs, asked as the member of staff who looks, or as the desk itself for customers."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar

import httpx
import orjson

from services.desk.pages.provider import Provider
from shared import telemetry
from shared.contracts.desk import PolicyAccount
from shared.settings import Settings
from shared.web.credentials import Guard
from shared.web.trust import client

T = TypeVar("T")
SECONDS: Final = 5.0
TITLES: Final = ("intake", "routing", "followup", "notify")

log = telemetry.logger("pages")


class Away(Exception):
    """A service does not answer, or cannot work now."""

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.service = service


@dataclass
class Refused(Exception):
    """A service said no: its status, what it says in the reader's language, and the fields that it names."""

    status: int
    detail: str
    errors: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """A part of a page: what was answered, or the service that is away (`away`) or refused (`refused`)."""

    value: T | None = None
    away: str | None = None
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered: the JSON and the ETag."""

    json: Any
    etag: str | None


class Peers:
    """How the desk reaches the services of this system, and the company's identity provider, if there is one.

    Their `client`s are replaced by tests that host them in process.
    """

    def __init__(self, settings: Settings, guard: Guard, provider: Provider | None) -> None:
        self.provider = provider
        self.client = client(timeout=SECONDS)
        self._settings = settings
        self._guard = guard

    async def aclose(self) -> None:
        await self.client.aclose()
        if self.provider is not None:
            await self.provider.client.aclose()

    def staff(self, account: PolicyAccount, language: str) -> "Caller":
        """Asking as a member of staff: what they may not, they are refused."""
        return Caller(self, self._guard.staff_token(account), language)

    def ours(self, scopes: frozenset[str], language: str) -> "Caller":
        """Asking as the desk, for customers who have no account."""
        return Caller(self, self._guard.service_token("desk", scopes), language)

    def url(self, path: str) -> str:
        return self._settings.service_url(path.split("/", 2)[1]) + path


class Caller:
    """Calls with one credential, in one reader's language. Raises Away and Refused."""

    def __init__(self, peers: Peers, token: str, language: str) -> None:
        self._peers = peers
        self._headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}
        self.calls = 0

    async def get(self, path: str, **params: str | int | Sequence[str]) -> Answer:
        return await self._call("GET", path, {}, params=params)

    async def post(self, path: str, body: object, **headers: str) -> Answer:
        sent = {"Content-Type": "application/json"} | headers
        return await self._call("POST", path, sent, content=orjson.dumps(body))

    async def send(
        self, path: str, content: bytes, headers: Mapping[str, str], **params: str
    ) -> Answer:
        """Post bytes."""
        return await self._call("POST", path, headers, content=content, params=params)

    async def get_with(self, path: str, headers: Mapping[str, str]) -> Answer:
        return await self._call("GET", path, headers)

    async def fetch(self, path: str) -> httpx.Response:
        """A file, as it is answered."""
        return await self._ask("GET", path, {})

    async def _call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        **more: Any,  # noqa: ANN401 - httpx's
    ) -> Answer:
        answer = await self._ask(method, path, headers, **more)
        return Answer(answer.json() if answer.content else None, answer.headers.get("etag"))

    async def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        **more: Any,  # noqa: ANN401 - httpx's
    ) -> httpx.Response:
        service = path.split("/", 2)[1]
        self.calls += 1
        try:
            answer = await self._peers.client.request(
                method, self._peers.url(path), headers=self._headers | dict(headers), **more
            )
        except httpx.HTTPError as error:
            log.warning("a service is away", service=service, error=type(error).__name__)
            raise Away(service) from error
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Away(service)
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            said = answer.json() if answer.content else {}
            raise Refused(answer.status_code, said.get("detail", ""), said.get("errors", ()))
        return answer


async def part(asking: Awaitable[Answer]) -> Part[Any]:
    """What was answered, as a part of a page that does without it where a service is away."""
    try:
        return Part((await asking).json)
    except Away as error:
        return Part(away=error.service)
    except Refused as error:
        return Part(refused=error)


async def parts(*asking: Awaitable[Answer]) -> list[Part[Any]]:
    """Several parts at once."""
    return list(await asyncio.gather(*map(part, asking)))
