"""Which services a system has, and what their operators' routes tell."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from redress.failure import Failure, WrongUsage

if TYPE_CHECKING:
    from redress.client import Client


def readiness(client: "Client") -> Mapping[str, Mapping[str, str | None]]:
    """Each service's checks; the text says what is wrong. Raises NotReachable, or Failure when it is no Redress."""
    status, text = client.plain("/readyz")
    try:
        checks: Mapping[str, Mapping[str, str | None]] = json.loads(text)["checks"]
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(f"{client.url}/readyz answers {status}, but not like Redress.") from error
    return checks


def services_of(client: "Client", wanted: str | None) -> list[str]:
    """The services that answer there, or the one that is wanted. Raises WrongUsage for an unknown one."""
    known = list(readiness(client))
    if wanted is None:
        return known
    if wanted not in known:
        raise WrongUsage(f"{client.url} has no service {wanted}; it has {', '.join(known)}.")
    return [wanted]


def path_of(service: str, what: str) -> str:
    """Where a service's operators' route is."""
    return f"/{service}/v1/operations/{what}"
