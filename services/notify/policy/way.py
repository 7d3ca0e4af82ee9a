"""By which channels a message may go, in order."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from services.notify.model import DANGER, Contact, Message, Traits, Wishes


class Way(NamedTuple):
    """A channel, and the address to use on it."""

    channel: str
    address: str


def ways(
    contact: Contact, channels: Mapping[str, Traits], *, message: Message, wishes: Wishes
) -> list[Way]:
    """The ways to a person, best first, without the channels that failed or that the person closed.

    What they asked us for comes first, then what the vault says they prefer, then the vault's order; what a person must
    do comes last, unless they asked for it. Danger is told by every way, whatever was closed.
    """
    usable = [
        Way(name, contact.addresses[traits.contact][0])
        for name, traits in channels.items()
        if contact.addresses.get(traits.contact)
        and name not in message.passed
        and (message.lane == DANGER or is_open(name, traits, contact, wishes))
    ]
    order = [*wishes.channels, *filter(None, [contact.preferred]), *contact.addresses]
    return sorted(
        usable,
        key=lambda way: (
            channels[way.channel].by_person and way.channel not in wishes.channels,
            _place(way.channel, channels[way.channel], order),
        ),
    )


def is_open(name: str, traits: Traits, contact: Contact, wishes: Wishes) -> bool:
    """Whether the person lets us use a channel: neither stopped it, nor withheld consent."""
    closed = {one for one, given in contact.consents.items() if not given}
    return {"all", name, traits.contact}.isdisjoint({*wishes.stopped, *closed})


def _place(name: str, traits: Traits, order: Collection[str]) -> int:
    places = [at for at, one in enumerate(order) if one in {name, traits.contact}]
    return min(places, default=len(order))
