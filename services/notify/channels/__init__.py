"""The ways out: one file a channel, each behind the same small port; `table.py` has them all."""

from typing import Protocol

from services.notify.model import Outgoing, Sent, Traits


class Channel(Protocol):
    """Hands one message to a provider. Slow; never called inside a transaction."""

    @property
    def name(self) -> str: ...

    @property
    def traits(self) -> Traits: ...

    async def send(self, message: Outgoing) -> Sent:
        """Try once. Never raises for what a provider does: that is what `Sent` tells."""
        ...
