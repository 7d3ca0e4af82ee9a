"""Messages to an address that a person, mostly a firm, gave as their contact point: signed as Standard Webhooks ask."""

import orjson

from services.notify.channels.guarded import Poster
from services.notify.channels.signature import headers, secret_of
from services.notify.model import Outgoing, Sent, Traits


class WebhookChannel:
    """Posts each message as JSON. A repeat has the same `webhook-id`."""

    def __init__(self, name: str, traits: Traits, *, key: bytes, poster: Poster) -> None:
        self.name = name
        self.traits = traits
        self._secret = secret_of(key, f"channel/{name}", 1)
        self._poster = poster

    async def send(self, message: Outgoing) -> Sent:
        body = orjson.dumps(
            {
                "type": "redress.message",
                "number": message.number,
                "language": message.language,
                "subject": message.subject,
                "body": message.body,
            }
        )
        signed = headers([self._secret], id_=message.id, at=message.at, body=body)
        outcome = await self._poster.post(message.to, body=body, headers=signed)
        if outcome.is_taken:
            return Sent("accepted", provider_id=message.id, code=outcome.code)
        if outcome.is_ours or (
            outcome.status is not None
            and outcome.status // 100 in {3, 4}
            and outcome.status not in {408, 425, 429}
        ):
            return Sent("refused", code=outcome.code)
        return Sent("retry", code=outcome.code, retry_after=outcome.retry_after)
