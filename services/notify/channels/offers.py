"""Channels that somebody else empties: an adapter that fetches what it delivers, a person who calls, the desk."""

from services.notify.model import Outgoing, Sent, Traits


class Offers:
    """Offers each message under `GET /notify/v1/outgoing?channel=…`, until a receipt says what became of it."""

    def __init__(self, name: str, traits: Traits) -> None:
        self.name = name
        self.traits = traits

    async def send(self, _: Outgoing) -> Sent:
        return Sent("offered")


class Inbox:
    """What staff see at the desk, live and listed: it is there as soon as it is recorded."""

    name = "desk"
    traits = Traits(contact="inbox", form="mail", rings=False, at_once=8)

    async def send(self, _: Outgoing) -> Sent:
        return Sent("accepted")
