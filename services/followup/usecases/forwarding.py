"""What a customer adds goes to intake: the words of a person are at home in its vault, and nowhere else."""

from datetime import datetime
from typing import Any, Final

import httpx

from shared.errors import Invalid, NotFound, RedressError, Transient
from shared.web.credentials import Guard
from shared.web.trust import client

SECONDS: Final = 5.0
SCOPES: Final = frozenset({"intake:write"})


class Intake:
    """Intake's door for messages, asked with a token of followup's own. `transport`: the network when None."""

    def __init__(
        self, url: str, guard: Guard, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.transport = transport
        self._url = url
        self._guard = guard

    async def add(self, number: str, text: str, *, channel: str, key: str) -> datetime:
        """Add a message to a complaint, once per Idempotency-Key; gives when. Raises Invalid, NotFound or Transient."""
        token = self._guard.service_token("followup", SCOPES)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        try:
            async with client(
                base_url=self._url, timeout=SECONDS, transport=self.transport
            ) as intake:
                answer = await intake.post(
                    f"/intake/v1/complaints/{number}/messages",
                    json={"text": text, "channel": channel},
                    headers=headers,
                )
        except httpx.HTTPError as error:
            raise Transient(f"intake is away: {type(error).__name__}") from error
        if answer.status_code != httpx.codes.ACCEPTED:
            raise _refusal(answer.status_code)
        found: dict[str, Any] = answer.json()
        return datetime.fromisoformat(found["added_at"])


def _refusal(status: int) -> RedressError:
    if status == httpx.codes.UNPROCESSABLE_ENTITY:
        return Invalid(
            "This cannot be added: another text was sent under this Idempotency-Key, or it is too long.",
            zh="无法补充：该 Idempotency-Key 已用于其他内容，或内容过长。",
        )
    if status in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
        return NotFound("Nothing can be added to this complaint any more.", zh="该投诉已不能补充。")
    return Transient(f"intake answered {status}")
