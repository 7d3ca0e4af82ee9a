"""The readiness of services that other processes host: the desk's `/readyz` speaks for all."""

from collections.abc import Iterable, Mapping
from functools import partial

import httpx

from shared.settings import Settings
from shared.web.app import Readiness
from shared.web.trust import client

TIMEOUT_SECONDS = 2.0


def elsewhere(settings: Settings, names: Iterable[str]) -> dict[str, Readiness]:
    """How to ask each of these services; one that does not answer is not ready."""
    return {name: partial(_ask, settings.service_url(name), name) for name in sorted(names)}


async def _ask(url: str, name: str) -> Mapping[str, str | None]:
    try:
        async with client(timeout=TIMEOUT_SECONDS) as peer:
            answer = await peer.get(f"{url}/{name}/readyz")
        checks: Mapping[str, str | None] = answer.json()["checks"][name]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        return {"reach": f"{url} does not answer: {type(error).__name__}"}
    is_stopping = answer.json().get("status") == "stopping"
    return {**checks, "reach": "it is stopping" if is_stopping else None}
