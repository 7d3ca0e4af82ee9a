"""Where people can be reached, asked of intake at the moment of sending."""

from typing import Any, Final

import httpx

from services.notify.model import Contact, Message
from shared.errors import Gone, Transient
from shared.policy import Policy
from shared.web.credentials import Guard

SCOPES: Final = frozenset({"vault:read"})
STAFF: Final = "staff/"
GROUP: Final = "group/"


class Vault:
    """Asks the vault. Nothing that it says is kept."""

    def __init__(self, client: httpx.AsyncClient, guard: Guard, policy: Policy) -> None:
        self._client = client
        self._guard = guard
        self._policy = policy

    async def contact(self, message: Message) -> Contact | None:
        """Name and contact points; None when the vault has none. Raises Gone (erased) or Transient (away)."""
        if message.recipient.startswith(GROUP):
            return Contact(None, {"group": (message.recipient.removeprefix(GROUP),)})
        if message.recipient.startswith(STAFF):
            return await self._staff(message.recipient.removeprefix(STAFF))
        answer = await self._get(
            f"/intake/v1/vault/complainants/{message.complainant_id}", complaint=message.complaint
        )
        if answer.status_code == httpx.codes.GONE:
            raise Gone("The complainant was erased.")
        if answer.status_code != httpx.codes.OK:
            raise Transient(f"the vault answered {answer.status_code}")
        found = answer.json()
        consents = {
            name: bool(one.get("given")) for name, one in (found.get("consents") or {}).items()
        }
        return Contact(
            found.get("name"), _addresses(found), found.get("preferred_channel"), found.get("language"),
            found.get("code"), consents,
        )  # fmt: skip

    async def _staff(self, account: str) -> Contact | None:
        """A member of staff: always at the desk, and where else the vault knows."""
        known = self._policy.accounts.get(account)
        if known is None or not known.active:
            return None
        answer = await self._get(f"/intake/v1/vault/staff/{account}")
        if answer.status_code not in {httpx.codes.OK, httpx.codes.NOT_FOUND}:
            raise Transient(f"the vault answered {answer.status_code}")
        found = _addresses(answer.json()) if answer.status_code == httpx.codes.OK else {}
        return Contact(known.display, found | {"inbox": (account,)}, language=known.languages[0])

    async def _get(self, path: str, **params: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._guard.service_token('notify', SCOPES)}"}
        try:
            return await self._client.get(path, params=params, headers=headers)
        except httpx.HTTPError as error:
            raise Transient(f"the vault is away: {type(error).__name__}") from error


def _addresses(found: Any) -> dict[str, tuple[str, ...]]:  # noqa: ANN401 - JSON
    addresses: dict[str, tuple[str, ...]] = {}
    for one in found.get("contacts", ()):
        addresses[one["type"]] = (*addresses.get(one["type"], ()), one["value"])
    return addresses
