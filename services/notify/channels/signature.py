"""Standard Webhooks: the signature of a delivery, by each live secret."""

import base64
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

PREFIX: Final = "whsec_"
OLD_FOR: Final = timedelta(hours=24)
"""After a rotation both secrets sign for so long."""
BYTES: Final = 32


def secret_of(key: bytes, webhook: str, generation: int) -> str:
    """A webhook's secret, made of ours: nothing of it is kept, and the next generation has another."""
    digest = hmac.digest(key, f"webhook\0{webhook}\0{generation}".encode(), "sha256")
    return PREFIX + base64.b64encode(digest[:BYTES]).decode()


def live_secrets(
    key: bytes, webhook: str, *, generation: int, old_until: datetime | None, now: datetime
) -> list[str]:
    """The secrets that sign now, the newest first."""
    generations = [generation]
    if old_until is not None and now < old_until and generation > 1:
        generations.append(generation - 1)
    return [secret_of(key, webhook, one) for one in generations]


def headers(secrets: Iterable[str], *, id_: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a delivery (Standard Webhooks 1.0)."""
    timestamp = str(int(at.timestamp()))
    signed = b".".join((id_.encode(), timestamp.encode(), body))
    signatures = " ".join(f"v1,{_signature(secret, signed)}" for secret in secrets)
    return {"webhook-id": id_, "webhook-timestamp": timestamp, "webhook-signature": signatures}


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
