"""The ways out: one file a channel, each behind the same small port."""

from typing import Protocol

from services.notify.model import Outgoing, Sent


class Channel(Protocol):
    """Hands one message to a provider. Slow; never called inside a transaction."""

    name: str

    async def send(self, message: Outgoing) -> Sent:
        """Try once. Never raises for what a provider does: that is what `Sent` tells."""
        ...
